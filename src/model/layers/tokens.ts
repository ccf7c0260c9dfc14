/** A name as words and numbers: `vgg_16/conv1/conv1_1` is vgg 16 conv 1 conv 1 1, whatever its separators are. */
export type Tokens = readonly (string | number)[];

/** Words with a digit in them that counts nothing: conv2d, batch_norm1d. */
const pieces = /[a-z]+[123]d(?![a-z\d])|[a-z]+|\d+/g;

export function tokensOf(name: string): Tokens {
  const segments = name.toLowerCase().split(/[/.:]+/);
  // Keras writes a layer's name twice; a wrapper's comes before and after what it wraps.
  const kept = segments.filter((segment, i) => segments.indexOf(segment) === i || /^\d+$/.test(segment));
  const tokens: (string | number)[] = [];
  for (const segment of kept) {
    for (const piece of segment.match(pieces) ?? []) tokens.push(/^\d/.test(piece) ? Number(piece) : piece);
  }
  return tokens;
}

/** Tokens as one text, for maps. */
export function keyOf(tokens: Tokens): string {
  return tokens.join(" ");
}
