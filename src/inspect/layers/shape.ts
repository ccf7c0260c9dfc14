/** What a layer gives for one picture: [height, width, channels], [features], with frames in front for video; undefined where unknown. */
export type OutputShape = readonly number[] | undefined;

/** A map of features: height, width, channels; whatever comes before them (frames) is kept. */
export interface Planes {
  readonly before: readonly number[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export function planes(shape: OutputShape): Planes | undefined {
  if (shape === undefined || shape.length < 3) return undefined;
  const [height, width, channels] = shape.slice(-3);
  if (height === undefined || width === undefined || channels === undefined) return undefined;
  return { before: shape.slice(0, -3), height, width, channels };
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
