import { padsOf, slide, type Windows } from "../../../model/geometry/window.ts";

/** One place of a layer's output. */
export interface TestPlace {
  readonly channel: number;
  readonly y: number;
  readonly x: number;
}

/** One picture, C H W. */
export interface TestPicture {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly values: Float32Array;
}

export interface PlainConvolution {
  readonly windows: Windows;
  readonly picture: TestPicture;
  /** Of one output: i h w, row-major. */
  readonly kernel: (channel: number) => Float32Array;
  readonly bias: Float32Array;
  readonly rectified: boolean;
}

/** Height and width of what windows give on a picture. */
export function outputSize(windows: Windows, { shape: [, height, width] }: TestPicture): readonly [number, number] {
  return [slide(height, windows[0]), slide(width, windows[1])];
}

/**
 * What a convolution gives at some places, summed in float64 as its definition says: the measure for the engines, with nothing of theirs
 * in it. A fully connected layer is one whose kernel covers its picture.
 */
export function convolvedAt(
  { windows, picture, kernel, bias, rectified }: PlainConvolution,
  places: readonly TestPlace[],
): readonly number[] {
  const patches = new Map<string, Float64Array>();
  const kernels = new Map<number, Float32Array>();
  return places.map(({ channel, y, x }) => {
    const patch = patches.get(`${y} ${x}`) ?? patchAt(windows, picture, y, x);
    patches.set(`${y} ${x}`, patch);
    const row = kernels.get(channel) ?? kernel(channel);
    kernels.set(channel, row);
    let sum = bias[channel] ?? 0;
    for (let k = 0; k < patch.length; k++) sum += (patch[k] ?? 0) * (row[k] ?? 0);
    return rectified ? Math.max(sum, 0) : sum;
  });
}

/** What a pool gives at some places; a border is never the largest value, and no part of an average. */
export function pooledAt(
  windows: Windows,
  picture: TestPicture,
  method: "average" | undefined,
  places: readonly TestPlace[],
): readonly number[] {
  const [, height, width] = picture.shape;
  return places.map(({ channel, y, x }) => {
    const found: number[] = [];
    for (const row of positions(height, windows[0], y)) {
      for (const column of positions(width, windows[1], x)) {
        if (row >= 0 && row < height && column >= 0 && column < width)
          found.push(picture.values[(channel * height + row) * width + column] ?? 0);
      }
    }
    return method === "average" ? found.reduce((sum, value) => sum + value, 0) / found.length : Math.max(...found);
  });
}

/** What a window sees, i h w. */
function patchAt(windows: Windows, { shape: [channels, height, width], values }: TestPicture, y: number, x: number): Float64Array {
  const [rows, columns] = [positions(height, windows[0], y), positions(width, windows[1], x)];
  const out = new Float64Array(channels * rows.length * columns.length);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (const row of rows) {
      for (const column of columns) {
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        out[at++] = inside ? (values[(c * height + row) * width + column] ?? 0) : 0;
      }
    }
  }
  return out;
}

function positions(size: number, window: Windows[0], place: number): readonly number[] {
  const [before] = padsOf(size, window);
  return Array.from({ length: window.kernel }, (_, k) => place * window.stride - before + k * window.dilation);
}
