/** Compares names so that numbers in them count: conv2d_2 comes before conv2d_10. */
export function naturalOrder(a: string, b: string): number {
  const left = a.match(pieces) ?? [];
  const right = b.match(pieces) ?? [];
  for (const [index, piece] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (piece === other) continue;
    const numbers = /^\d/.test(piece) && /^\d/.test(other);
    if (numbers && Number(piece) !== Number(other)) return Number(piece) - Number(other);
    return piece < other ? -1 : 1;
  }
  return left.length - right.length;
}

const pieces = /\d+|\D+/g;
