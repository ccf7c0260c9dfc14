import type { Preprocessing } from "../../model/scheme.ts";
import type { Activation } from "../engines/engine.ts";

/** Size of the coarsest patches in pixels; each octave below halves both size and strength, as in photographs (1/f). */
const COARSEST = 64;
/** Share of brightness and of colour in a channel's structure. */
const COLOUR = 0.35;
/** Strength of the noise of single pixels. */
const GRAIN = 0.02;
const RECTANGLES = 6;
/** Where a file says nothing, values about −2 … 2: the range of a picture with its mean taken off and its spread divided out. */
const NORMALISED = { range: 1, mean: [0.45], std: [0.225] } as const;

/**
 * A batch that behaves like photographs, one for each seed: smooth structure at all scales, sharp edges, a little noise,
 * channels that go together, no zeros; then mean and spread as the network expects. The same values on every machine.
 */
export function photos(
  seeds: readonly number[],
  [channels, height, width]: readonly [number, number, number],
  preprocessing?: Preprocessing,
): Activation {
  const plane = height * width;
  const values = new Float32Array(seeds.length * channels * plane);
  const fits = preprocessing !== undefined && preprocessing.mean.length === channels;
  const { range, mean, std } = fits ? preprocessing : NORMALISED;
  seeds.forEach((seed, n) => {
    const random = generator(seed);
    const light = structure(random, height, width);
    for (let c = 0; c < channels; c++) {
      const colour = structure(random, height, width);
      const [m, s] = [mean[c % mean.length] ?? 0, std[c % std.length] ?? 1];
      for (let k = 0; k < plane; k++) {
        const value = 0.5 + (1 - COLOUR) * (light[k] ?? 0) + COLOUR * (colour[k] ?? 0) + GRAIN * (random() - 0.5);
        values[(n * channels + c) * plane + k] = (Math.min(Math.max(value, 0.01), 0.99) * range - m) / s;
      }
    }
  });
  return { layer: "input", shape: [seeds.length, channels, height, width], values };
}

/** One plane of about −0.5 … 0.5. */
function structure(random: () => number, height: number, width: number): Float64Array {
  const out = new Float64Array(height * width);
  for (let period = COARSEST; period >= 2; period /= 2) addOctave(out, random, height, width, period);
  for (let k = 0; k < RECTANGLES; k++) addRectangle(out, random, height, width);
  return out;
}

/** Random values every `period` pixels, bilinear between them. */
function addOctave(out: Float64Array, random: () => number, height: number, width: number, period: number): void {
  const columns = Math.ceil(width / period) + 1;
  const grid = Float64Array.from({ length: (Math.ceil(height / period) + 1) * columns }, () => ((random() - 0.5) * period) / COARSEST);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / period);
    const fy = y / period - row;
    for (let x = 0; x < width; x++) {
      const column = Math.floor(x / period);
      const fx = x / period - column;
      const at = row * columns + column;
      const top = (grid[at] ?? 0) * (1 - fx) + (grid[at + 1] ?? 0) * fx;
      const bottom = (grid[at + columns] ?? 0) * (1 - fx) + (grid[at + columns + 1] ?? 0) * fx;
      out[y * width + x] = (out[y * width + x] ?? 0) + top * (1 - fy) + bottom * fy;
    }
  }
}

function addRectangle(out: Float64Array, random: () => number, height: number, width: number): void {
  const [top, left] = [Math.floor(random() * height), Math.floor(random() * width)];
  const bottom = Math.min(height, top + 1 + Math.floor((random() * height) / 3));
  const right = Math.min(width, left + 1 + Math.floor((random() * width) / 3));
  const step = (random() - 0.5) * 0.5;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) out[y * width + x] = (out[y * width + x] ?? 0) + step;
  }
}

/** Uniform numbers in (0, 1): the multiplicative generator of Park and Miller (48271), exact in a double on every machine. */
export function generator(seed: number): () => number {
  let state = (Math.abs(Math.trunc(seed)) % 2147483646) + 1;
  const next = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  // Small seeds start close together; a few steps part them.
  for (let k = 0; k < 8; k++) next();
  return next;
}
