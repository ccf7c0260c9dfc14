import type { Context } from "../../io/context.ts";
import { formatPattern, parsePattern } from "../../tensor/axes.ts";
import { compare, type Difference } from "../../tensor/compare.ts";
import { flip, slice, type View } from "../../tensor/view.ts";
import { commonSizes, type Pair } from "./align.ts";
import { type Side, storedView } from "./side.ts";

/** Another way to read one side's weights, and what it would mean. */
export interface Reading {
  /** Readings of the same kind in several layers are told in one sentence. */
  readonly kind: "order" | "channels" | "rotated" | "transposed";
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

/** Weights in the right order point the same way; in a wrong one they are unrelated. */
const RELATED = 0.99;
const UNRELATED = 0.9;
/** Elements that a reading is tried on before all are compared. */
const TRIAL = 1 << 16;

/** The first reading under which a pair's weights agree, where as they are they do not. */
export async function explainPair(pair: Pair, found: Difference, a: Side, b: Side, ctx: Context): Promise<Explained | undefined> {
  if (found.cosine > UNRELATED || !pair.role?.endsWith(".weight") || pair.values === undefined) return undefined;
  for (const reading of await readings(pair.role, pair.values.a.view, pair.values.b.view, a, b)) {
    const trial = await compare(sample(reading.a), sample(reading.b), ctx);
    if (trial.cosine < RELATED) continue;
    const difference = await compare(reading.a, reading.b, ctx);
    if (difference.cosine >= RELATED) return { pair, reading, difference };
  }
  return undefined;
}

/** The first few outputs (or what lies along the first axis, where nothing is known of the axes). */
export function sample(view: View): View {
  const axis = Math.max(view.axes.indexOf("o"), 0);
  const [name, outputs] = [view.axes[axis], view.shape[axis]];
  if (name === undefined || outputs === undefined || outputs === 0) return view;
  const each = view.shape.reduce((product, size) => product * size, 1) / outputs;
  return slice(view, name, 0, Math.min(outputs, Math.max(1, Math.floor(TRIAL / Math.max(each, 1)))));
}

async function readings(role: string, viewA: View, viewB: View, a: Side, b: Side): Promise<readonly Reading[]> {
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
  const layer = role.replace(/\.weight$/, "");
  for (const { order, view } of await otherOrders(b, role, a)) {
    found.push({ kind: "order", text: () => `${layer} rows are in ${order} order in B`, a: viewA, b: view });
  }
  if (found.every(({ kind }) => kind !== "order")) {
    for (const { order, view } of await otherOrders(a, role, b)) {
      found.push({ kind: "order", text: () => `${layer} rows are in ${order} order in A`, a: view, b: viewB });
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

/** The rows of a dense layer behind convolutions, read as flattened in every other order. */
async function otherOrders(side: Side, role: string, other: Side): Promise<readonly { readonly order: string; readonly view: View }[]> {
  const slot = side.identity?.roles.get(role);
  const otherSlot = other.identity?.roles.get(role);
  if (slot === undefined || "constant" in slot || otherSlot === undefined) return [];
  const pattern = parsePattern(slot.axes);
  const group = pattern.findIndex((names) => names.includes("i") && names.includes("h") && names.includes("w"));
  const known = group < 0 ? undefined : commonSizes(side, slot, other, otherSlot, role);
  if (known === undefined || (known.get("h") === 1 && known.get("w") === 1) || known.get("h w") === 1) return [];
  const found: { order: string; view: View }[] = [];
  const said = (pattern[group] ?? []).join();
  // Without the sizes of h and w only the orders that keep them together can be told apart.
  const orders = known.has("h") ? ["h,w,i", "i,h,w", "w,h,i", "i,w,h", "h,i,w", "w,i,h"] : ["h,w,i", "i,h,w"];
  for (const order of orders.filter((each) => each !== said)) {
    const axes = formatPattern(pattern.with(group, order.split(",")));
    found.push({ order: order.replace("i", "c"), view: await storedView(side.checkpoint, { ...slot, axes }, known) });
  }
  return found;
}
