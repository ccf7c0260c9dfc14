const digits = /\d+|\D+/g;

/** Natural order: runs of digits compare as numbers, `conv2d` comes before `conv2d_1` and `features.2` before `features.10`. */
export function naturalCompare(a: string, b: string): number {
  const left = a.match(digits) ?? [];
  const right = b.match(digits) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i] ?? "";
    const y = right[i] ?? "";
    if (x === y) continue;
    const both = /^\d/.test(x) && /^\d/.test(y);
    const difference = both ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** The name with every run of digits taken out, and the numbers. */
export function template(name: string): { readonly shape: string; readonly numbers: readonly number[] } {
  return { shape: name.replace(/\d+/g, "#"), numbers: (name.match(/\d+/g) ?? []).map(Number) };
}
