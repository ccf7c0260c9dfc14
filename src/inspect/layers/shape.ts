/** What a layer gives for one picture: [height, width, channels], [features], with frames in front for video; undefined where unknown. */
export type OutputShape = readonly number[] | undefined;

/** A map of features: height, width, channels; whatever stands before them (frames) is kept. */
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

/** A window that slides over one axis. Sizes and padding in pixels. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  /** Before and behind; same: as many as it takes to give size ÷ stride. */
  readonly pad: readonly [number, number] | "same";
  readonly ceil?: boolean;
}

/** How many places a window has. */
export function slide(size: number, { kernel, stride, pad, ceil }: Window): number {
  if (pad === "same") return Math.ceil(size / stride);
  const places = (size + pad[0] + pad[1] - kernel) / stride;
  return (ceil === true ? Math.ceil(places) : Math.floor(places)) + 1;
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
