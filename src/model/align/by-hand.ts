import { CheckpointError } from "../../errors.ts";
import { type Axes, type AxisSizes, parseAxes, plainAxes } from "../../tensor/axes.ts";
import { shortened } from "../../text/brief.ts";
import { MapField } from "../../text/field.ts";
import { globStars } from "../../text/glob.ts";
import { nearest } from "../../text/nearest.ts";
import type { Described } from "../described.ts";
import type { NumericInfo } from "./pairs.ts";

/** A tensor that a person says is another one. */
export interface HandPair {
  readonly from: NumericInfo;
  readonly to: string;
  /** Of the two tensors, over the same names. */
  readonly fromAxes: Axes;
  readonly toAxes: Axes;
  /** Of axes that shapes leave open. */
  readonly sizes: AxisSizes;
}

/**
 * What --map says: `{ "target key": { "from": "source key", "axes": "h w i o -> o (i h w)", "sizes"?: { "h": 7 } } }`. A `*` in both keys
 * means the same characters. Throws `usage` where it is something else, or names what the source does not have.
 */
export function handPairs(map: unknown, tensors: ReadonlyMap<string, Described>): readonly HandPair[] {
  const filled = new Set<string>();
  const pairs = new MapField(map, "map").entries().flatMap(([key, field]) => expand(key, field, tensors));
  for (const { to } of pairs) {
    if (filled.has(to)) throw new CheckpointError("usage", "--map fills it twice", { tensor: to });
    filled.add(to);
  }
  return pairs;
}

/** One pair for every source key that a pattern matches. */
function expand(to: string, field: MapField, tensors: ReadonlyMap<string, Described>): readonly HandPair[] {
  const from = field.get("from").text();
  if (!to.includes("*") || !from.includes("*")) return [pairOf(to, namedTensor(from, tensors), field)];
  const stars = globStars(from);
  const pairs = [...tensors.values()].flatMap((tensor): HandPair[] => {
    const found = stars(tensor.name);
    if (found === undefined) return [];
    let k = 0;
    const key = to.replace(/\*/g, () => found[k++] ?? "");
    return [pairOf(key, tensor, field)];
  });
  if (pairs.length === 0) throw new CheckpointError("usage", `--map: ${shortened(from)} matches no tensor of the source`);
  return pairs;
}

function pairOf(to: string, from: Described, field: MapField): HandPair {
  if (from.dtype === "string") throw new CheckpointError("unsupported", "--map: text cannot be moved", { tensor: from.name });
  const plain = plainAxes(from.shape.length);
  const axes = field.get("axes");
  const said = axes.value === undefined ? [] : axes.text().split("->");
  if (axes.value !== undefined && said.length !== 2) throw axes.fail('a pattern as in "h w i o -> o (i h w)"');
  const [fromAxes = plain, toAxes = plain] = said.map((side) => parseAxes(side.trim()));
  const given = field.get("sizes");
  const sizes = new Map(given.value === undefined ? [] : given.entries().map(([axis, size]) => [axis, size.count()] as const));
  return { from: { ...from, dtype: from.dtype }, to, fromAxes, toAxes, sizes };
}

/** The tensor that --map names. Throws `usage` with the nearest name. */
export function namedTensor(key: string, tensors: ReadonlyMap<string, Described>, who = "the source"): Described {
  const tensor = tensors.get(key);
  if (tensor !== undefined) return tensor;
  const close = nearest(key, [...tensors.keys()]);
  const what = `--map: ${who} has no ${shortened(key)}`;
  throw new CheckpointError("usage", what, close === undefined ? {} : { hint: `did you mean ${shortened(close)}?` });
}
