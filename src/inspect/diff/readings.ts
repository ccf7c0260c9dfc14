import type { Context } from "../../io/context.ts";
import { compare, type Difference } from "../../tensor/compare.ts";
import { flip, slice, type View } from "../../tensor/view.ts";
import type { Pair } from "./align.ts";
import type { Side } from "./side.ts";

/** Another way to read one side's weights, and what it would mean. */
export interface Reading {
  /** Readings of the same kind in several layers are told in one sentence. */
  readonly kind: "order" | "channels" | "rotated" | "transposed" | "reshaped";
  readonly text: (layers: string) => string;
  readonly a: View;
  readonly b: View;
}

/** A reading that explains a pair, with what still differs under it. */
export interface Explained {
  readonly pair: Pair;
  readonly reading: Reading;
  readonly difference: Difference;
}

/** A reading has to bring A and B this close, and take away most of the distance (1 − cosine) that was there. */
const RELATED = 0.99;
const REMOVED = 0.9;
/** Elements that a reading is tried on before all are compared. */
const TRIAL = 1 << 16;

/** The reading under which a pair's weights agree best, where as they are they do not; undefined where none explains them. */
export async function explainPair(pair: Pair, found: Difference, a: Side, ctx: Context): Promise<Explained | undefined> {
  if (!pair.role?.endsWith(".weight") || pair.values === undefined) return undefined;
  const { a: left, b: right } = pair.values;
  const before = await compare(sample(left.view), sample(right.view), ctx);
  let best: { readonly reading: Reading; readonly cosine: number } | undefined;
  for (const reading of readings(pair.role, left.view, right.view, a)) {
    const { cosine } = await compare(sample(reading.a), sample(reading.b), ctx);
    if (explains(before.cosine, cosine) && cosine > (best?.cosine ?? -1)) best = { reading, cosine };
  }
  if (best === undefined) return undefined;
  const difference = await compare(best.reading.a, best.reading.b, ctx);
  return explains(found.cosine, difference.cosine) ? { pair, reading: best.reading, difference } : undefined;
}

function explains(before: number, after: number): boolean {
  return after >= RELATED && 1 - after <= (1 - REMOVED) * (1 - before);
}

/** The first few outputs (or what lies along the first axis, where nothing is known of the axes). */
export function sample(view: View): View {
  const axis = Math.max(view.axes.indexOf("o"), 0);
  const [name, outputs] = [view.axes[axis], view.shape[axis]];
  if (name === undefined || outputs === undefined || outputs === 0) return view;
  const each = view.shape.reduce((product, size) => product * size, 1) / outputs;
  return slice(view, name, 0, Math.min(outputs, Math.max(1, Math.floor(TRIAL / Math.max(each, 1)))));
}

function readings(role: string, viewA: View, viewB: View, a: Side): readonly Reading[] {
  const found: Reading[] = [];
  const inputs = viewB.shape[viewB.axes.indexOf("i")];
  if (role === "conv1_1.weight" && inputs === 3) {
    const other = a.identity?.preprocessing?.channels === "bgr" ? "RGB" : "BGR";
    found.push({ kind: "channels", text: () => `channels are ${other} in B`, a: viewA, b: flip(viewB, ["i"]) });
  }
  if (viewB.axes.includes("h") && viewB.shape.some((size, axis) => size > 1 && /^[hw]$/.test(viewB.axes[axis] ?? ""))) {
    const text = (layers: string) => `kernels are rotated by 180° in B: ${layers}`;
    found.push({ kind: "rotated", text, a: viewA, b: flip(viewB, ["h", "w"]) });
  }
  for (const [one, two] of [
    ["o", "i"],
    ["h", "w"],
  ] as const) {
    const swapped = swapAxes(viewB, one, two);
    if (swapped === undefined) continue;
    const what = one === "o" ? "inputs and outputs are" : "kernel rows and columns are";
    found.push({ kind: "transposed", text: (layers) => `${what} swapped in B (transposed): ${layers}`, a: viewA, b: swapped });
  }
  const unmoved = inOrderOf(viewA, viewB);
  if (unmoved !== undefined) {
    const text = (layers: string) => `values lie in A's order under B's shape (reshaped, not transposed): ${layers}`;
    found.push({ kind: "reshaped", text, a: viewA, b: unmoved });
  }
  if (role.startsWith("fc")) {
    const layer = role.replace(/\.weight$/, "");
    const orders = otherOrders(viewB);
    for (const { order, view } of orders) {
      found.push({ kind: "order", text: () => `${layer} rows are in ${order} order in B`, a: viewA, b: view });
    }
    if (orders.length === 0) {
      for (const { order, view } of otherOrders(viewA)) {
        found.push({ kind: "order", text: () => `${layer} rows are in ${order} order in A`, a: view, b: viewB });
      }
    }
  }
  return found.filter((reading) => sameSizes(reading.a, reading.b));
}

function swapAxes(view: View, one: string, two: string): View | undefined {
  const [p, q] = [view.axes.indexOf(one), view.axes.indexOf(two)];
  if (p < 0 || q < 0 || view.shape[p] !== view.shape[q] || view.shape[p] === 1) return undefined;
  return { ...view, axes: view.axes.with(p, two).with(q, one) };
}

/** Both views have the same sizes along the axes that either has. */
function sameSizes(a: View, b: View): boolean {
  const sizes = (view: View): string =>
    view.axes
      .map((name, axis) => `${name} ${view.shape[axis]}`)
      .filter((entry) => !entry.endsWith(" 1"))
      .sort()
      .join();
  return sizes(a) === sizes(b);
}

/** Axes longer than 1 by the steps from one index to the next, the longest first; undefined where elements are not one behind the other. */
function storageOrder(view: View, without?: string): readonly StoredAxis[] | undefined {
  const [part, ...more] = view.parts;
  if (part === undefined || more.length > 0 || part.shape.join() !== view.shape.join()) return undefined;
  const axes = view.axes
    .map((name, at) => ({ name, at, size: view.shape[at] ?? 1, stride: part.strides[at] ?? 0 }))
    .filter(({ name, size }) => name !== without && size > 1)
    .sort((a, b) => b.stride - a.stride);
  const unit = axes.at(-1)?.stride ?? 0;
  const dense = axes.every(({ stride }, k) => stride === axes.slice(k + 1).reduce((step, { size }) => step * size, unit));
  return axes.length > 1 && unit > 0 && dense ? axes : undefined;
}

interface StoredAxis {
  readonly name: string;
  /** Among the view's axes. */
  readonly at: number;
  readonly size: number;
  readonly stride: number;
}

/** The same bytes, taken for laid out in another order of axes. */
function relaid(view: View, order: readonly StoredAxis[], unit: number): View {
  const [part] = view.parts;
  if (part === undefined) return view;
  const strides = [...part.strides];
  order.forEach((axis, k) => {
    strides[axis.at] = order.slice(k + 1).reduce((step, { size }) => step * size, unit);
  });
  return { ...view, parts: [{ ...part, strides }] };
}

/** B's bytes laid out as A's are; undefined where they are already. */
function inOrderOf(a: View, b: View): View | undefined {
  const [orderA, orderB] = [storageOrder(a), storageOrder(b)];
  if (orderA === undefined || orderB === undefined) return undefined;
  const order = orderA.flatMap(({ name }) => orderB.filter((axis) => axis.name === name));
  if (order.length !== orderB.length || order.length !== orderA.length || order.every((axis, k) => axis === orderB[k])) return undefined;
  return relaid(b, order, orderB.at(-1)?.stride ?? b.itemsize);
}

/**
 * A layer behind convolutions, its inputs taken for flattened in every other order: as rows of a matrix, or as a kernel that was made
 * from such rows. None where its inputs do not lie one behind the other.
 */
function otherOrders(view: View): readonly { readonly order: string; readonly view: View }[] {
  const axes = storageOrder(view, "o");
  if (axes === undefined) return [];
  return permutations(axes)
    .filter((order) => order.some((axis, k) => axis !== axes[k]))
    .map((order) => {
      // Height and width of one axis, where their sizes are not known apart.
      const names = order.map(({ name }) => name.replace("i", "c").replace(" ", ","));
      return { order: names.join(), view: relaid(view, order, axes.at(-1)?.stride ?? view.itemsize) };
    });
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, k) => permutations(items.toSpliced(k, 1)).map((rest) => [item, ...rest]));
}
