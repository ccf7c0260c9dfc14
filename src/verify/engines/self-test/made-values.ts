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
  const names = axes.replace(/[()]/g, "").split(" ");
  const known: ReadonlyMap<string, number> = new Map(Object.entries(sizes));
  const shape = names.map((name) => known.get(name) ?? 1);
  const out = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fill(
    out,
    shape,
    names.map((name) => STEPS[name] ?? 0),
    scale,
  );
  return out;
}

/** As many values as are asked for, between −√3 and √3. */
export function madeRun(count: number, from: number): Float32Array {
  const out = new Float32Array(count);
  for (let k = 0; k < count; k += PERIOD) out.set(table.subarray(from, from + Math.min(PERIOD, count - k)), k);
  return out;
}

function fill(out: Float32Array, shape: readonly number[], steps: readonly number[], scale: number): void {
  const [last = 1, step = 1] = [shape.at(-1), steps.at(-1)];
  const outer = shape.slice(0, -1);
  const index = outer.map(() => 0);
  for (let at = 0; at < out.length; at += last) {
    let place = index.reduce((sum, n, axis) => sum + n * (steps[axis] ?? 0), 0) % PERIOD;
    for (let k = 0; k < last; k++) {
      out[at + k] = (table[place] ?? 0) * scale;
      place += step;
      if (place >= PERIOD) place -= PERIOD;
    }
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (outer[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
}
