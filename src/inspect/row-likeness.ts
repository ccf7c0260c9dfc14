import { aligned, pairsOf } from "../compare/pairs.ts";
import type { Compared } from "../compare/side.ts";
import type { Context } from "../io/context.ts";
import { loadView } from "../tensor/load.ts";
import { arrange, slice, type View } from "../tensor/view.ts";

/** Which row of B's first dense layer is most like each of some rows of A's, both counted in channels, height, width. */
export interface RowLikeness {
  /** fc6.weight */
  readonly role: string;
  readonly rows: number;
  /** Rows of A that were looked at. */
  readonly looked: number;
  /** [row in A, row in B] of those that are clearly like one row of B; on the diagonal where the two agree. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** Outputs that a row is known by: ten values of two rows agree by chance never, and rounding does not hide them. */
const OUTPUTS = 10;
/** Rows of A, spread over all. */
const ROWS = 384;
/** Of the row's own energy: what is further away is no likeness, and the next best has to be this many times as far. */
const NEAR = 0.25;
const TIMES = 4;
/** Comparisons of two values: more is not worth waiting for. */
const MOST = 2 ** 31;

/** Undefined where the two have no such layer in common, or it is too large. */
export async function rowLikeness(compared: Compared, ctx: Context): Promise<RowLikeness | undefined> {
  const { a, b } = compared;
  const first = a.identity?.network.layers.find((layer) => layer.kind === "fc");
  const roles = aligned(a, b).roles.filter(({ role }) => role === `${first?.name}.weight`);
  const [pair] = await pairsOf({ roles, tensors: [] }, compared, ctx);
  if (pair?.role === undefined || pair.values === undefined) return undefined;
  const { a: viewA, b: viewB } = pair.values;
  const [left, right] = [await rowsOf(viewA.view, ctx), await rowsOf(arrange(viewB.view, viewA.view.axes), ctx)];
  if (left.count !== right.count || left.width !== right.width || left.width < OUTPUTS) return undefined;
  const looked = Math.min(ROWS, left.count);
  if (looked * right.count * left.width > MOST) return undefined;
  const pairs: (readonly [number, number])[] = [];
  for (let k = 0; k < looked; k++) {
    const row = Math.floor((k * left.count) / looked);
    const like = mostLike(left.values.subarray(row * left.width, (row + 1) * left.width), right);
    if (like !== undefined) pairs.push([row, like]);
  }
  return { role: pair.role, rows: left.count, looked, pairs };
}

interface Rows {
  /** Row by row. */
  readonly values: Float32Array;
  readonly count: number;
  readonly width: number;
}

async function rowsOf(whole: View, ctx: Context): Promise<Rows> {
  const outputs = whole.shape[whole.axes.indexOf("o")] ?? 0;
  const some = slice(whole, "o", 0, Math.min(OUTPUTS, outputs));
  // Places whose height and width are not known are one axis, "h w", which no pattern can name.
  const axes = some.axes.map((axis, k) => (axis === "o" ? axis : `d${k}`));
  const inputs = axes.filter((axis) => axis !== "o").join(" ");
  const values = await loadView({ ...some, axes }, `${inputs} o`, ctx);
  const width = Math.min(OUTPUTS, outputs);
  return { values, count: values.length / width, width };
}

/** The row nearest to one, where it is near and no other is. */
function mostLike(row: Float32Array, { values, count, width }: Rows): number | undefined {
  let [best, least, second] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let other = 0; other < count; other++) {
    let distance = 0;
    const from = other * width;
    // Most rows are far after a few values.
    for (let k = 0; k < width && distance < second; k++) distance += ((row[k] ?? 0) - (values[from + k] ?? 0)) ** 2;
    if (distance < least) [best, least, second] = [other, distance, least];
    else if (distance < second) second = distance;
  }
  const energy = row.reduce((sum, value) => sum + value * value, 0);
  return energy > 0 && least <= NEAR * energy && second > TIMES * least ? best : undefined;
}
