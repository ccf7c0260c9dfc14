import type { Activation } from "../../verify/engines/engine.ts";
import type { BatchPart } from "../../verify/input/watched.ts";
import type { SeenData } from "./data.ts";
import { littleEndianBase64 } from "./shown.ts";

/** Pictures on a page, and pixels along the longer side of each: 8 of 64 are 131 kB of text, one of 160 is 102 kB. */
const MOST = 8;
const SIDE = 64;
const SIDE_ALONE = 160;

/** Small copies of the first pictures that a network is given, as it is given them. */
export class SeenPictures {
  readonly #found = new Map<number, SeenData>();

  add({ shape, values }: Activation, { from, all, channels: order }: BatchPart): void {
    const [count = 0, channels = 0, height = 0, width = 0] = shape;
    const size = channels * height * width;
    for (let k = 0; k < count && from + k < MOST; k++) {
      const picture = values.subarray(k * size, (k + 1) * size);
      this.#found.set(from + k, small(picture, [channels, height, width], { side: all === 1 ? SIDE_ALONE : SIDE, bgr: order === "bgr" }));
    }
  }

  at(picture: number): SeenData | undefined {
    return this.#found.get(picture);
  }
}

/** From its least value, black, to its largest, white; the mean of the pixels that fall on one. Channels beyond the third are not shown, one is grey. */
function small(
  values: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  { side, bgr }: { readonly side: number; readonly bgr: boolean },
): SeenData {
  const scale = Math.min(1, side / Math.max(height, width));
  const [rows, columns] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))];
  const colours = channels < 3 ? [0, 0, 0] : bgr ? [2, 1, 0] : [0, 1, 2];
  const means = new Float64Array(rows * columns * 3);
  for (let y = 0; y < rows; y++) {
    const [top, bottom] = span(y, rows, height);
    for (let x = 0; x < columns; x++) {
      const [left, right] = span(x, columns, width);
      colours.forEach((channel, colour) => {
        let sum = 0;
        for (let v = top; v < bottom; v++) for (let u = left; u < right; u++) sum += values[(channel * height + v) * width + u] ?? 0;
        means[(y * columns + x) * 3 + colour] = sum / ((bottom - top) * (right - left));
      });
    }
  }
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const mean of means) [least, most] = [Math.min(least, mean), Math.max(most, mean)];
  const pixels = Uint8Array.from(means, (mean) => Math.round((255 * (mean - least)) / (most - least || 1)));
  return { width: columns, height: rows, pixels: littleEndianBase64(pixels) };
}

/** The pixels, of `all`, that fall on the k-th of `parts`. */
function span(k: number, parts: number, all: number): readonly [number, number] {
  const from = Math.floor((k * all) / parts);
  return [from, Math.max(from + 1, Math.floor(((k + 1) * all) / parts))];
}
