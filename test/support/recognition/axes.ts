import type { Context } from "../../../src/io/context.ts";
import type { Checkpoint } from "../../../src/tensor/checkpoint.ts";
import { load, loadFloat64 } from "../../../src/tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../../src/tensor/tensor.ts";

/** What a conversion says of itself, as `--json` prints it. */
export interface Said {
  readonly unused: ReadonlySet<string>;
  /** Layers that it says stay as they are stored. */
  readonly kept: ReadonlySet<string>;
  /** Kinds by key. */
  readonly kinds: ReadonlyMap<string, string>;
  /** By key: channels of the feature map whose places a matrix takes one by one. */
  readonly flattened: ReadonlyMap<string, number>;
}

export interface Outcome {
  readonly exact: number;
  readonly turned: number;
  readonly named: number;
  readonly faults: readonly string[];
}

type Order = "o i h w" | "h w i o";

/** Orders of kernels and matrices that a person expects of a file. */
export interface Orders {
  readonly kernel: Order;
  readonly matrix: "o i" | "i o";
}

/**
 * Holds the tensors that travelled under their own names against the source: vectors as they were, kernels and matrices in the order of the
 * target, permuted here by plain loops; whatever is else has to be named.
 */
export async function ownTensors(
  source: Checkpoint,
  made: Checkpoint,
  keys: readonly string[],
  { unused, kept, kinds, flattened }: Said,
  [from, to]: readonly [Orders, Orders],
  ctx: Context,
): Promise<Outcome> {
  const faults: string[] = [];
  let [exact, turned, named] = [0, 0, 0];
  for (const key of keys) {
    const [a, b] = [source.tensors.get(key), made.tensors.get(key)];
    if (a === undefined || !isNumeric(a)) continue;
    if (unused.has(key)) named++;
    else if (b === undefined || !isNumeric(b)) faults.push(`${key} is neither there nor left out`);
    else {
      const [values, written] = [await loadFloat64(a, ctx), await loadFloat64(b, ctx)];
      const wanted = permuted({ shape: a.shape, values }, { kind: kinds.get(key), channels: flattened.get(key) }, from, to);
      const copied = a.shape.join() === b.shape.join() && same(values, written);
      if (wanted.some(({ shape, values: each }) => shape.join() === b.shape.join() && same(each, written))) turned += long(a) ? 1 : 0;
      else if (copied && kept.has(key)) named++;
      else faults.push(`${key} [${a.shape.join()}] is [${b.shape.join()}] and neither turned nor named`);
      exact += copied && !long(a) ? 1 : 0;
    }
  }
  return { exact, turned, named, faults };
}

const long = ({ shape }: NumericTensor): boolean => shape.filter((size) => size !== 1).length > 1;

interface Laid {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

interface Known {
  readonly kind: string | undefined;
  readonly channels: number | undefined;
}

/** What the target may hold of a tensor. */
function permuted(stored: Laid, { kind, channels }: Known, from: Orders, to: Orders): readonly Laid[] {
  const { shape, values } = stored;
  const kernel = (): readonly Laid[] => (from.kernel === to.kernel ? [stored] : [turn(stored, turns(shape.length, from.kernel, kind))]);
  if (shape.filter((size) => size > 1).length < 2)
    return [stored, { shape: [values.length], values }, ...(shape.length > 3 ? kernel() : [])];
  if (kind === "embedding") return [stored];
  if (shape.length > 2) return kernel();
  const rows = channels === undefined || from.kernel === to.kernel ? stored : withRows(stored, channels, from);
  return from.matrix === to.matrix ? [rows] : [turn(rows, [1, 0])];
}

/** The inputs of a matrix, channels first where they were last and the other way round. */
function withRows({ shape, values }: Laid, channels: number, { kernel, matrix }: Orders): Laid {
  const [a = 1, b = 1] = shape;
  const places = (matrix === "o i" ? b : a) / channels;
  const split = kernel === "o i h w" ? [channels, places] : [places, channels];
  const cut = turn({ shape: matrix === "o i" ? [a, ...split] : [...split, b], values }, matrix === "o i" ? [0, 2, 1] : [1, 0, 2]);
  return { shape, values: cut.values };
}

/** Axes of the target, as numbers of the source's. */
function turns(rank: number, from: Order, kind: string | undefined): readonly number[] {
  const planes = Array.from({ length: rank - 2 }, (_, k) => k);
  if (from === "o i h w") return [...planes.map((axis) => axis + 2), ...(kind === "depthwise" ? [0, 1] : [1, 0])];
  return [...(kind === "depthwise" ? [rank - 2, rank - 1] : [rank - 1, rank - 2]), ...planes];
}

function turn({ shape, values }: Laid, axes: readonly number[]): Laid {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const target = axes.map((axis) => shape[axis] ?? 1);
  const out = new Float64Array(values.length);
  for (let k = 0; k < out.length; k++) {
    let [rest, at] = [k, 0];
    for (let axis = target.length - 1; axis >= 0; axis--) {
      const size = target[axis] ?? 1;
      at += (rest % size) * (strides[axes[axis] ?? 0] ?? 0);
      rest = Math.floor(rest / size);
    }
    out[k] = values[at] ?? Number.NaN;
  }
  return { shape: target, values: out };
}

function same(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, k) => Object.is(value, b[k]));
}

/** Where a conversion put a role. */
export interface Placed {
  readonly key: string;
  readonly axes: string;
}

/** Roles of a body whose values are not those of the oracle, which keeps kernels o i h w. */
export async function bodyTensors(
  placed: ReadonlyMap<string, Placed>,
  made: Checkpoint,
  oracle: Checkpoint,
  roles: readonly string[],
  ctx: Context,
): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const role of roles) {
    const want = oracle.tensors.get(role);
    const place = placed.get(role);
    if (want === undefined || !isNumeric(want)) continue;
    const got =
      place === undefined
        ? undefined
        : (made.tensors.get(place.key) ?? [...made.tensors.values()].find(({ label }) => label === place.key));
    if (place === undefined || got === undefined || !isNumeric(got)) {
      faults.push(`${role} is not there`);
      continue;
    }
    const [o = 1, i = 1, h = 1, w = 1] = want.shape;
    const sizes = new Map(Object.entries({ o, i, h, w }).filter(([axis]) => place.axes.split(/[ ()]+/).includes(axis)));
    const pattern = want.shape.length === 4 ? "o i h w" : "o";
    const values = await load(got, place.axes, pattern, sizes, ctx);
    if (!same(Float64Array.from(values), await loadFloat64(want, ctx))) faults.push(`${role} has other values`);
  }
  return faults;
}
