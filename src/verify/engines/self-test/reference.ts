import { padsOf, slide, type Windows } from "../../../model/geometry/window.ts";

/** One place of a layer's output, with the channels that are compared there. */
export interface TestPlace {
  readonly y: number;
  readonly x: number;
  readonly channels: readonly number[];
}

/** One picture, C H W. */
export interface TestPicture {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly values: Float32Array;
}

export interface PlainConvolution {
  readonly windows: Windows;
  readonly picture: TestPicture;
  /** o i h w, row-major. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
  readonly rectified: boolean;
}

/** Height and width of what windows give on a picture. */
export function outputSize(windows: Windows, { shape: [, height, width] }: TestPicture): readonly [number, number] {
  return [slide(height, windows[0]), slide(width, windows[1])];
}

/**
 * What a convolution gives at some places, for each of the channels there, summed in float64 as its definition says: the measure for the
 * engines, with nothing of theirs in it. A fully connected layer is one whose kernel covers its picture.
 */
export function convolvedAt(
  { windows, picture, kernel, bias, rectified }: PlainConvolution,
  places: readonly TestPlace[],
): readonly (readonly number[])[] {
  return places.map(({ y, x, channels }) => {
    const patch = patchAt(windows, picture, y, x);
    return channels.map((channel) => {
      const sum = (bias[channel] ?? 0) + product(patch, kernel, channel * patch.length);
      return rectified ? Math.max(sum, 0) : sum;
    });
  });
}

/** In float64; two sums, because one would wait for each addition. */
function product(patch: Float64Array, kernel: Float32Array, from: number): number {
  let [even, odd] = [0, 0];
  let k = 0;
  for (; k + 1 < patch.length; k += 2) {
    even += (patch[k] ?? 0) * (kernel[from + k] ?? 0);
    odd += (patch[k + 1] ?? 0) * (kernel[from + k + 1] ?? 0);
  }
  if (k < patch.length) even += (patch[k] ?? 0) * (kernel[from + k] ?? 0);
  return even + odd;
}

/** What a pool gives at some places; a border is never the largest value, and no part of an average. */
export function pooledAt(
  windows: Windows,
  picture: TestPicture,
  method: "average" | undefined,
  places: readonly TestPlace[],
): readonly (readonly number[])[] {
  const [, height, width] = picture.shape;
  return places.map(({ y, x, channels }) => {
    const rows = positions(height, windows[0], y).filter((row) => row >= 0 && row < height);
    const columns = positions(width, windows[1], x).filter((column) => column >= 0 && column < width);
    return channels.map((channel) => {
      let [largest, sum] = [Number.NEGATIVE_INFINITY, 0];
      for (const row of rows) {
        for (const column of columns) {
          const value = picture.values[(channel * height + row) * width + column] ?? 0;
          largest = Math.max(largest, value);
          sum += value;
        }
      }
      return method === "average" ? sum / (rows.length * columns.length) : largest;
    });
  });
}

/** What a window sees, i h w; 0 beyond the border. */
function patchAt(windows: Windows, { shape: [channels, height, width], values }: TestPicture, y: number, x: number): Float64Array {
  const columns = positions(width, windows[1], x);
  const rows = positions(height, windows[0], y);
  const out = new Float64Array(channels * rows.length * columns.length);
  rows.forEach((row, h) => {
    columns.forEach((column, w) => {
      if (row < 0 || row >= height || column < 0 || column >= width) return;
      const [from, to] = [row * width + column, h * columns.length + w];
      for (let c = 0; c < channels; c++) out[c * rows.length * columns.length + to] = values[c * height * width + from] ?? 0;
    });
  });
  return out;
}

function positions(size: number, window: Windows[0], place: number): readonly number[] {
  const [before] = padsOf(size, window);
  return Array.from({ length: window.kernel }, (_, k) => place * window.stride - before + k * window.dilation);
}
