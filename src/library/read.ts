import { CheckpointError, isCheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Identity } from "../model/identity.ts";
import { isRole, type Role } from "../model/role.ts";
import { type RoleValues, roleValues } from "../model/role-values.ts";
import { isStored } from "../model/scheme.ts";
import { type Axes, type AxisSizes, elementary, parseAxes, plainAxes, withOnes } from "../tensor/axes.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type DType, itemsize, type NumericDType } from "../tensor/dtype.ts";
import { memoryTarget } from "../tensor/move/memory-target.ts";
import { move } from "../tensor/move/move.ts";
import { elementCount } from "../tensor/shape.ts";
import { isNumeric, type Tensor } from "../tensor/tensor.ts";
import { slice, stridesFor, type View, view } from "../tensor/view.ts";
import { nearest } from "../text/nearest.ts";
import { type TensorData, typed } from "./typed.ts";

/** How the values of a tensor are read. */
export interface ReadOptions {
  /** The order of the axes in the array, as `"o i h w"`; `"(h w i) o"` makes one axis of three. Without it: as stored. */
  readonly axes?: string;
  /** Numbers of any other type are converted (rounded where they do not fit); without it the dtype of the tensor. */
  readonly as?: "float32" | "float64";
  /** For each axis of the result, from the outermost: the first index and the one behind the last; null takes all. */
  readonly slice?: readonly (readonly [from: number, to: number] | null)[];
}

/** The values of a tensor in memory. */
export interface TensorValues<Data extends TensorData = TensorData> {
  readonly shape: readonly number[];
  /** Of the values in `data`. */
  readonly dtype: DType;
  /** What each axis of `shape` is, as `"o i h w"`; null where neither the file nor the network says it. */
  readonly axes: string | null;
  /** Row-major. */
  readonly data: Data;
}

/** A part of a tensor that is read piece by piece. */
export interface TensorBlock<Data extends TensorData = TensorData> extends TensorValues<Data> {
  /** The first index along the outermost axis. */
  readonly from: number;
}

/** Node's typed arrays end at 2^32 − 1 elements. */
const mostElements = 2 ** 32 - 1;
/** Bytes of one block of a stream; one row of the outermost axis where that is more. */
const blockBytes = 16 << 20;

/** Where the values of a tensor are, before any is read. */
export interface Readable {
  readonly tensor: Tensor;
  readonly values?: RoleValues;
  readonly axes: Axes;
  readonly named: boolean;
  readonly shape: readonly number[];
}

/** Finds a tensor by its key, or by its role where no key is called so, along the axes that are asked for. */
export async function findReadable(
  checkpoint: Checkpoint,
  identity: () => Identity | undefined,
  name: string,
  options: ReadOptions,
  ctx: Context,
): Promise<Readable> {
  const role = checkpoint.tensors.has(name) || !isRole(name) ? undefined : name;
  const slot = role === undefined ? undefined : identity()?.roles.get(role);
  if (slot !== undefined && !isStored(slot)) {
    throw new CheckpointError("not-found", `the file keeps no ${name}: its convention takes ${slot.constant} for it`, { tensor: name });
  }
  const tensor = checkpoint.tensors.get(slot?.key ?? name);
  if (tensor === undefined) throw unknownName(checkpoint, identity(), name);
  if (!isNumeric(tensor)) return textReadable(tensor, options);
  if (slot !== undefined && role !== undefined) {
    const kept = parseAxes(slot.take === undefined ? slot.axes.text : withoutAxis(slot.axes, slot.take[0]));
    const epsilon = identity()?.epsilon?.value ?? checkpoint.conventions.epsilon;
    const values = await withSizes(identity(), role, (sizes) => roleValues(checkpoint.tensors, slot, { sizes, epsilon }, ctx));
    return laidOut(tensor, values, kept, options, true);
  }
  const [found, at] = [...(identity()?.roles ?? [])].find(([, other]) => isStored(other) && other.key === name) ?? [];
  const axes = at !== undefined && isStored(at) ? at.axes : plainAxes(tensor.shape.length);
  const stored = found === undefined ? await view(tensor, axes) : await withSizes(identity(), found, (sizes) => view(tensor, axes, sizes));
  return laidOut(tensor, { view: stored, times: 1, computed: false }, axes, options, found !== undefined);
}

function laidOut(tensor: Tensor, values: RoleValues, stored: Axes, options: ReadOptions, named: boolean): Readable {
  if (options.axes !== undefined && !named) {
    throw new CheckpointError("usage", `the axes of this tensor are not known, so that they cannot become ${options.axes}`, {
      tensor: tensor.name,
      hint: "leave the option axes out: its shape is as stored",
    });
  }
  const axes = options.axes === undefined ? stored : parseAxes(options.axes);
  return { tensor, values, axes, named, shape: shapeOf(values.view, axes) };
}

function textReadable(tensor: Tensor, { axes, as }: ReadOptions): Readable {
  if (axes !== undefined || as !== undefined) {
    throw new CheckpointError("usage", "this tensor holds text, which has no other axes and is no number", { tensor: tensor.name });
  }
  return { tensor, axes: plainAxes(tensor.shape.length), named: false, shape: tensor.shape };
}

/** Reads the values, or a part of them, into one array. */
export async function readValues(found: Readable, options: ReadOptions, ctx: Context): Promise<TensorValues> {
  const { tensor, axes, named } = found;
  const shown = named ? axes.text : null;
  if (found.values === undefined || !isNumeric(tensor))
    return { shape: found.shape, dtype: tensor.dtype, axes: shown, data: await texts(tensor, options) };
  const source = sliced(found.values.view, axes, options.slice ?? [], tensor.name);
  const shape = shapeOf(source, axes);
  const dtype = options.as ?? tensor.dtype;
  return { shape, dtype, axes: shown, data: await moved(source, found.values, axes, dtype, ctx) };
}

/** Reads them piece by piece along the outermost axis. */
export async function* streamValues(found: Readable, options: ReadOptions, ctx: Context): AsyncGenerator<TensorBlock> {
  const [first = null, ...rest] = options.slice ?? [];
  const [low, high] = first ?? [0, found.shape[0] ?? 1];
  const { tensor } = found;
  const single = found.shape.length === 0 || !isNumeric(tensor) || (found.axes.groups[0]?.length ?? 0) !== 1;
  if (single || !isNumeric(tensor)) {
    yield { ...(await readValues(found, options, ctx)), from: low };
    return;
  }
  const row = elementCount(found.shape.slice(1)) * itemsize(options.as ?? tensor.dtype);
  const step = Math.max(1, Math.floor(blockBytes / Math.max(row, 1)));
  for (let from = low; from < high; from += step) {
    const block = { ...options, slice: [[from, Math.min(from + step, high)] as const, ...rest] };
    yield { ...(await readValues(found, block, ctx)), from };
  }
}

async function moved(source: View, { times, computed }: RoleValues, axes: Axes, dtype: NumericDType, ctx: Context): Promise<TensorData> {
  const count = elementCount(source.shape);
  if (count > mostElements) {
    throw new CheckpointError("unsupported", `${count} values, at most ${mostElements} fit into one array`, {
      hint: "read it with stream, or a slice of it",
    });
  }
  const buffer = new ArrayBuffer(count * itemsize(dtype));
  const [axis] = source.axes;
  const scaled = times !== 1 && axis !== undefined ? { scale: { axis, by: new Float64Array(source.shape[0] ?? 0).fill(times) } } : {};
  const map = dtype !== source.dtype || computed || times !== 1 ? { to: dtype, ...scaled } : undefined;
  await move(source, stridesFor(source, axes, "row", itemsize(dtype)), { file: memoryTarget(new Uint8Array(buffer)), at: 0 }, ctx, map);
  return typed(buffer, dtype);
}

async function texts(tensor: Tensor, { slice: ranges = [] }: ReadOptions): Promise<readonly Uint8Array[]> {
  if (ranges.length > 0) throw new CheckpointError("usage", "text is read whole, without a slice", { tensor: tensor.name });
  const elements: Uint8Array[] = [];
  if (!isNumeric(tensor)) for await (const element of tensor.elements()) elements.push(element);
  return elements;
}

function shapeOf(source: View, axes: Axes): readonly number[] {
  const sizes = new Map(source.axes.map((name, k) => [name, source.shape[k] ?? 1]));
  return elementary(axes, withOnes(axes, sizes)).map((group) => group.reduce((product, { size }) => product * size, 1));
}

function sliced(source: View, axes: Axes, ranges: NonNullable<ReadOptions["slice"]>, tensor: string): View {
  if (ranges.length > axes.groups.length) {
    throw new CheckpointError("usage", `a slice of ${ranges.length} axes, and there are ${axes.groups.length}: ${axes.text}`, { tensor });
  }
  let part = source;
  ranges.forEach((range, k) => {
    const group = axes.groups[k] ?? [];
    const [name, ...more] = group;
    if (range === null || (range[0] === 0 && range[1] === shapeOf(source, axes)[k])) return;
    if (name === undefined || more.length > 0) {
      throw new CheckpointError("usage", `axis ${k} is made of ${group.join(", ") || "nothing"}, and only single axes are sliced`, {
        tensor,
        hint: 'name the axes apart, as in axes: "o i h w"',
      });
    }
    part = slice(part, name, range[0], range[1]);
  });
  return part;
}

/** With the sizes that the network says of the inputs of its first dense layer, as far as the shape agrees with them. */
async function withSizes<T>(identity: Identity | undefined, role: Role, work: (sizes: AxisSizes) => Promise<T>): Promise<T> {
  const network = identity?.network;
  const first = network?.layers.find((layer) => layer.kind === "fc");
  const known = role === `${first?.name}.weight` ? (network?.featureShape ?? []) : [];
  try {
    return await work(new Map(["i", "h", "w"].flatMap((axis, k) => (known[k] === undefined ? [] : [[axis, known[k]]]))));
  } catch (error) {
    if (known.length === 0 || !isCheckpointError(error, "mismatch")) throw error;
    return work(new Map());
  }
}

function withoutAxis(axes: Axes, name: string): string {
  return axes.names.filter((other) => other !== name).join(" ");
}

function unknownName(checkpoint: Checkpoint, identity: Identity | undefined, name: string): CheckpointError {
  const near = nearest(name, [...checkpoint.tensors.keys(), ...(identity?.roles.keys() ?? [])]);
  return new CheckpointError("not-found", `no tensor of the file has the key or the role ${name}`, {
    ...(near !== undefined && { hint: `did you mean ${near}?` }),
  });
}
