/** Which values of two arrays differ. */
export interface Agreement {
  /** How many differ by more than rtol times the largest |a|. */
  readonly different: number;
  /** The largest |a − b|, where it is, and the two values there. */
  readonly largest: number;
  readonly at: number;
  readonly worst: readonly [a: number, b: number];
}

export function agreement(a: Float32Array, b: Float32Array, rtol: number): Agreement {
  let size = 0;
  for (let k = 0; k < a.length; k++) size = Math.max(size, Math.abs(a[k] ?? 0));
  const limit = size * rtol;
  let [different, largest, at] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    const apart = Math.abs((a[k] ?? 0) - (b[k] ?? Number.NaN));
    if (!(apart <= limit)) different += 1;
    if (apart > largest) [largest, at] = [apart, k];
  }
  return { different, largest, at, worst: [a[at] ?? 0, b[at] ?? 0] };
}

/** Of two arrays as vectors; 1 where both are 0 throughout. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[k] ?? 0, b[k] ?? 0];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  const norm = Math.sqrt(aa * bb);
  return norm === 0 ? (aa === bb ? 1 : 0) : ab / norm;
}
