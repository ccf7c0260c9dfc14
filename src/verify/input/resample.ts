import type { Pixels, Resize } from "./pixels.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** A part of a picture, in its own pixels. */
export interface PicturePart extends Size {
  readonly left: number;
  readonly top: number;
}

/** A scaled picture of more pixels than these is not made whole: only the part that will be seen is scaled. */
const LARGE = 2 ** 24;
/** Pixels on each side of a part that the kernel looks at. */
const BORDER = 4;

/** Whether a picture becomes enormous when it is scaled so that it covers what is wanted: a line of 60000 × 1 would take 13 million columns. */
export function isLarge(size: Size, resize: Resize): boolean {
  if (resize.fit === "fill") return false;
  const scale = covering(size, resize);
  return (
    scale * size.width * scale * size.height > LARGE &&
    scale * Math.max(size.width, size.height) > 4 * Math.max(resize.width, resize.height)
  );
}

/** The middle of a picture that is seen in the end, with the border that scaling needs; proportions stay those that are wanted. */
export function partFor(size: Size, resize: Resize): PicturePart {
  const scale = covering(size, resize);
  const side = (all: number, wanted: number): readonly [number, number] => {
    const seen = Math.min(all, Math.ceil(wanted / scale) + 2 * BORDER);
    return [Math.floor((all - seen) / 2), seen];
  };
  const [left, width] = side(size.width, resize.width);
  const [top, height] = side(size.height, resize.height);
  return { left, top, width, height };
}

function covering({ width, height }: Size, resize: Size): number {
  return Math.max(resize.width / width, resize.height / height);
}

/** What each value along one axis is made of: where it begins, and the weights of what follows. */
interface Taps {
  readonly from: number;
  readonly weights: Float64Array;
}

/**
 * A picture in another size, cut to its middle: Catmull-Rom's cubic along rows and columns, widened where it is made smaller, as libvips
 * does it. Only what is shown is computed, however large the whole would be.
 */
export function resized(picture: Pixels, resize: Resize): Pixels {
  const { fit, width, height } = resize;
  const scale = covering(picture, resize);
  const whole =
    fit === "fill"
      ? { width, height }
      : { width: Math.max(width, Math.round(picture.width * scale)), height: Math.max(height, Math.round(picture.height * scale)) };
  const shown = resize.shown ?? { width, height };
  const across = tapsFor(picture.width, whole.width, shown.width);
  const down = tapsFor(picture.height, whole.height, shown.height);
  const { channels, bytes } = picture;
  const out = new Uint8Array(shown.width * shown.height * channels);
  // Rows that are scaled already; each is used for few rows of the result.
  const rows = new Map<number, Float64Array>();
  down.forEach(({ from, weights }, y) => {
    for (const known of rows.keys()) if (known < from) rows.delete(known);
    const sum = new Float64Array(shown.width * channels);
    weights.forEach((weight, k) => {
      const row = rows.get(from + k) ?? scaledRow(bytes.subarray((from + k) * picture.width * channels), across, channels);
      rows.set(from + k, row);
      for (let x = 0; x < sum.length; x++) sum[x] = (sum[x] ?? 0) + weight * (row[x] ?? 0);
    });
    for (let x = 0; x < sum.length; x++) out[y * sum.length + x] = Math.min(Math.max(Math.round(sum[x] ?? 0), 0), 255);
  });
  return { ...shown, channels, bytes: out };
}

function scaledRow(row: Uint8Array, across: readonly Taps[], channels: number): Float64Array {
  const out = new Float64Array(across.length * channels);
  across.forEach(({ from, weights }, x) => {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += (weights[k] ?? 0) * (row[(from + k) * channels + c] ?? 0);
      out[x * channels + c] = sum;
    }
  });
  return out;
}

/** For the middle `shown` of `scaled` places made of `size`. */
function tapsFor(size: number, scaled: number, shown: number): readonly Taps[] {
  const ratio = size / scaled;
  const stretch = Math.max(1, ratio);
  const first = Math.floor((scaled - shown) / 2);
  return Array.from({ length: shown }, (_, place) => {
    const centre = (first + place + 0.5) * ratio - 0.5;
    const from = Math.max(0, Math.ceil(centre - 2 * stretch));
    const to = Math.min(size - 1, Math.floor(centre + 2 * stretch));
    const weights = Float64Array.from({ length: to - from + 1 }, (_, k) => cubic((from + k - centre) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { from, weights: weights.map((weight) => weight / sum) };
  });
}

/** Catmull-Rom: a = −1/2 (Keys 1981, equation 4 with another a). */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}
