import { generator } from "../../input/photo.ts";

/** A prime: no row of weights repeats another. */
const PERIOD = 16381;
/** How far apart in the table neighbours along an axis are; exchanged axes and reversed ones meet other values. */
const STEPS: Readonly<Record<string, number>> = { o: 1, i: 1009, h: 4127, w: 6131 };

/** Numbers between −√3 and √3, of variance 1, twice over: a run of them may begin anywhere in the first half. */
const table = ((): Float32Array => {
  const random = generator(18);
  const once = Float32Array.from({ length: PERIOD }, () => (2 * random() - 1) * Math.sqrt(3));
  const twice = new Float32Array(2 * PERIOD);
  twice.set(once);
  twice.set(once, PERIOD);
  return twice;
})();

/** KernelSizes along the axes of a kernel. */
export type KernelSizes = Readonly<Record<"o" | "i" | "h" | "w", number>>;

/** The value of a made kernel at one place is the same in whatever order of axes (`h w i o`, `o (i h w)`, `o` …) it is asked for. */
export function madeKernel(sizes: KernelSizes, axes: string, scale: number): Float32Array {
  const [first = "", ...inner] = axes.replace(/[()]/g, "").split(" ");
  const [values, places] = [scaled(scale), placesAlong(sizes, inner)];
  const out = new Float32Array(sizeOf(sizes, first) * places.length);
  for (let at = 0, n = 0; at < out.length; n++) {
    const from = (n * stepOf(first)) % PERIOD;
    for (let k = 0; k < places.length; k++) out[at++] = values[from + (places[k] ?? 0)] ?? 0;
  }
  return out;
}

/** As many values as are asked for, between −√3 and √3. */
export function madeRun(count: number, from: number): Float32Array {
  const out = new Float32Array(count);
  for (let k = 0; k < count; k += PERIOD) out.set(table.subarray(from, from + Math.min(PERIOD, count - k)), k);
  return out;
}

/** Where in the table values are, less than PERIOD, row-major along some axes. */
function placesAlong(sizes: KernelSizes, axes: readonly string[]): Uint16Array {
  return axes.reduceRight((inner, axis) => {
    const out = new Uint16Array(sizeOf(sizes, axis) * inner.length);
    for (let at = 0, n = 0; at < out.length; n++) {
      const from = (n * stepOf(axis)) % PERIOD;
      for (let k = 0; k < inner.length; k++) {
        const place = from + (inner[k] ?? 0);
        out[at++] = place < PERIOD ? place : place - PERIOD;
      }
    }
    return out;
  }, Uint16Array.of(0));
}

function sizeOf(sizes: KernelSizes, axis: string): number {
  return axis === "o" || axis === "i" || axis === "h" || axis === "w" ? sizes[axis] : 1;
}

function stepOf(axis: string): number {
  return STEPS[axis] ?? 0;
}

function scaled(scale: number): Float32Array {
  const out = new Float32Array(table.length);
  for (let k = 0; k < PERIOD; k++) out[k] = (table[k] ?? 0) * scale;
  out.copyWithin(PERIOD, 0, PERIOD);
  return out;
}
