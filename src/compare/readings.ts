import type { Context } from "../io/context.ts";
import { isFc, type Role } from "../model/role.ts";
import { compare, type Difference } from "../tensor/compare.ts";
import { flip, slice, type View } from "../tensor/view.ts";
import { isWeight, layerName, type Pair } from "./pairs.ts";
import type { Compared } from "./side.ts";

/** Another way to read one side's weights, and what it would mean. */
export interface PairReading {
  /** A sentence; readings of the same kind in several layers share one. */
  readonly text: (layers: string) => string;
  /** The sentence is about this layer alone. */
  readonly single?: true;
  readonly a: View;
  readonly b: View;
}

/** A reading that explains a pair, with what still differs under it. */
export interface Explained {
  readonly pair: Pair;
  readonly reading: PairReading;
  readonly difference: Difference;
}

/** A reading has to bring A and B this close, and take away most of the distance (1 − cosine) that was there. */
const RELATED = 0.99;
const REMOVED = 0.9;
/** Elements that a reading is tried on before all are compared. */
const TRIAL = 1 << 16;

/** The reading under which a pair's weights agree best, where as they are they do not; undefined where none explains them. */
export async function explainPair(pair: Pair, found: Difference, compared: Compared, ctx: Context): Promise<Explained | undefined> {
  const { role, values } = pair;
  if (role === undefined || values === undefined || !isWeight(pair)) return undefined;
  const [left, right] = [values.a.view, values.b.view];
  const before = await compare(sample(left), sample(right), ctx);
  let best: { readonly reading: PairReading; readonly cosine: number } | undefined;
  for (const reading of readings(role, left, right, compared)) {
    const { cosine } = await compare(sample(reading.a), sample(reading.b), ctx);
    if (explains(before.cosine, cosine) && cosine > (best?.cosine ?? -1)) best = { reading, cosine };
  }
  if (best === undefined) return undefined;
  const difference = await compare(best.reading.a, best.reading.b, ctx);
  return explains(found.cosine, difference.cosine) ? { pair, reading: best.reading, difference } : undefined;
}

/** Whether something brings two tensors so much closer that it is no chance. Cosines without it and with it. */
export function explains(before: number, after: number): boolean {
  return after >= RELATED && 1 - after <= (1 - REMOVED) * (1 - before);
}

/** The first few outputs (or what is along the first axis, where nothing is known of the axes). */
export function sample(view: View): View {
  const axis = Math.max(view.axes.indexOf("o"), 0);
  const [name, outputs] = [view.axes[axis], view.shape[axis]];
  if (name === undefined || outputs === undefined || outputs === 0) return view;
  const each = view.shape.reduce((product, size) => product * size, 1) / outputs;
  return slice(view, name, 0, Math.min(outputs, Math.max(1, Math.floor(TRIAL / Math.max(each, 1)))));
}

/** Axes that may run the other way, commonest first, and what it means. */
const reversals: readonly (readonly [axes: readonly string[], what: string])[] = [
  [["h", "w"], "kernels are rotated by 180°"],
  [["i"], "inputs are in the reverse order"],
  [["h"], "kernels are upside down"],
  [["w"], "kernels are mirrored left to right"],
  [["o"], "outputs are in the reverse order"],
];

/** Axes that may be in each other's place where they are of one size. */
const exchanges: readonly (readonly [one: string, other: string, what: string])[] = [
  ["o", "i", "inputs and outputs are swapped"],
  ["h", "w", "kernel rows and columns are swapped"],
];

function readings(role: Role, a: View, b: View, { a: sideA, b: sideB }: Compared): readonly PairReading[] {
  const found: PairReading[] = [];
  const isFirst = role === "conv1_1.weight" && b.shape[b.axes.indexOf("i")] === 3;
  const channels = sideA.identity?.preprocessing?.channels;
  for (const [axes, what] of reversals) {
    if (!axes.some((axis) => (b.shape[b.axes.indexOf(axis)] ?? 1) > 1)) continue;
    const isColour = isFirst && axes[0] === "i" && channels !== undefined;
    const text = isColour
      ? () => `channels are ${channels === "bgr" ? "RGB" : "BGR"} in ${sideB.name}`
      : (layers: string) => `${what} in ${sideB.name}: ${layers}`;
    found.push({ text, a, b: flip(b, axes) });
  }
  for (const [one, other, what] of exchanges) {
    const swapped = swapAxes(b, one, other);
    if (swapped !== undefined) found.push({ text: (layers) => `${what} in ${sideB.name} (transposed): ${layers}`, a, b: swapped });
  }
  if (isFc(role)) {
    const rows = (order: string, side: string) => (layers: string) => `${layers} rows are in ${order} order in ${side}`;
    const orders = otherOrders(b);
    for (const { order, view } of orders) found.push({ single: true, text: rows(order, sideB.name), a, b: view });
    if (orders.length === 0)
      for (const { order, view } of otherOrders(a)) found.push({ single: true, text: rows(order, sideA.name), a: view, b });
  }
  const unmoved = inOrderOf(a, b);
  if (unmoved !== undefined) {
    const text = (layers: string) =>
      `values are in ${sideA.name}'s order under ${sideB.name}'s shape (reshaped, not transposed): ${layers}`;
    found.push({ text, a, b: unmoved });
  }
  return found.filter((reading) => sameSizes(reading.a, reading.b));
}

/** The layers of pairs that one reading explains, in words. */
export function byReading(explained: readonly Explained[], few: (layers: readonly string[]) => string): readonly string[] {
  const groups = new Map<string, Explained[]>();
  for (const each of explained) {
    const key = each.reading.single ? layerName(each.pair) : each.reading.text("");
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].flatMap((group) => group[0]?.reading.text(few(group.map(({ pair }) => layerName(pair)))) ?? []);
}

/** Two axes of one size in each other's place; undefined where they are not of one size. */
export function swapAxes(view: View, one: string, two: string): View | undefined {
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

/** A layer's inputs as they are stored, and under the name of the order that they are taken for. */
export interface RowOrder {
  /** "c,h,w" */
  readonly order: string;
  readonly view: View;
}

/**
 * A layer behind convolutions, its inputs taken for flattened in every other order: as rows of a matrix, or as a kernel that was made
 * from such rows. None where its inputs are not one behind the other.
 */
function otherOrders(view: View): readonly RowOrder[] {
  const axes = storageOrder(view, "o");
  if (axes === undefined) return [];
  return permutations(axes)
    .filter((order) => order.some((axis, k) => axis !== axes[k]))
    .map((order) => ({ order: orderName(order), view: relaid(view, order, axes.at(-1)?.stride ?? view.itemsize) }));
}

/** Height and width are one axis, "h w", where their sizes are not known apart. */
function orderName(axes: readonly StoredAxis[]): string {
  return axes.map(({ name }) => name.replace("i", "c").replace(" ", ",")).join();
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items];
  return items.flatMap((item, k) => permutations(items.toSpliced(k, 1)).map((rest) => [item, ...rest]));
}
