import { interpretNumpy } from "../../encodings/pickle/numpy.ts";
import { integersOf, itemsOf, mappingEntries } from "../../encodings/pickle/standard.ts";
import { GlobalName, Interpreted, isTuple, ObjectRecord, PersistentId, type PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { namedDType, storageDType, tensorClassDType } from "./dtypes.ts";

/*
 * How PyTorch rebuilds a tensor (torch/_utils.py): a call of one of these with a storage, an offset, a size and strides, all counted in elements.
 *   _rebuild_tensor     storage, offset, size, strides                                                        (2017)
 *   _rebuild_tensor_v2  …, requires_grad, hooks, [{"conj": True, "neg": True}]
 *   _rebuild_tensor_v3  …, requires_grad, hooks, dtype, [metadata]: the storage is untyped
 *   _rebuild_qtensor    …, (scheme, scale, zero point) or (scheme, scales, zero points, axis), requires_grad, hooks
 *   _rebuild_parameter  tensor, requires_grad, hooks; _rebuild_from_type_v2  function, class, its arguments, attributes
 * Before 0.2 a tensor was an object of its class whose state is (storage, offset, size, strides).
 */

/** A storage as the pickle names it. */
export interface StorageId {
  readonly key: string;
  /** Of the storage's own elements: uint8 for an untyped one. Undefined where the class is unknown. */
  readonly dtype: NumericDType | undefined;
  /** Elements; bytes for an untyped one. */
  readonly count: number;
  /** A storage that is a part of another: (key, offset, count) in elements, in files before 0.4. */
  readonly view?: readonly [key: string, offset: number, count: number];
}

/** A tensor as the pickle describes it, nothing checked yet. */
export class TorchTensor extends Interpreted {
  /** A storage's id, or the call that holds a storage of its own. */
  readonly storage: StorageId | ObjectRecord;
  /** In place of the storage's own type. */
  readonly dtype: NumericDType | undefined;
  /** Elements. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements. */
  readonly strides: readonly number[];
  readonly view: TorchView;

  constructor(
    storage: StorageId | ObjectRecord,
    dtype: NumericDType | undefined,
    place: { readonly offset: number; readonly shape: readonly number[]; readonly strides: readonly number[] },
    view: TorchView = plainView,
  ) {
    super();
    this.storage = storage;
    this.dtype = dtype;
    this.offset = place.offset;
    this.shape = place.shape;
    this.strides = place.strides;
    this.view = view;
  }

  /** (requires_grad, volatile, hooks) of PyTorch 0.1 to 0.3 concerns training; four are a storage with its place, five new data (torch/_tensor.py, __setstate__). */
  keeps(state: PickleValue): boolean {
    const items = itemsOf(state);
    return items?.length === 3 && typeof items[0] === "boolean";
  }

  asParameter(): TorchTensor {
    const view = this.view === plainView ? parameterView : { ...this.view, parameter: true };
    return new TorchTensor(this.storage, this.dtype, this, view);
  }
}

/** What a tensor is besides a window of a storage. */
export interface TorchView {
  readonly conjugate: boolean;
  readonly negative: boolean;
  readonly parameter: boolean;
  /** What its whole numbers mean. */
  readonly quantiser?: Quantiser;
}

/** value = (stored − zero point) · scale: one pair, or one for each index along an axis. */
export interface Quantiser {
  readonly scales: readonly number[] | TorchTensor;
  readonly zeroPoints: readonly number[] | TorchTensor;
  readonly axis: number | undefined;
}

const plainView: TorchView = { conjugate: false, negative: false, parameter: false };
const parameterView: TorchView = { ...plainView, parameter: true };

/** A tensor of a kind that is no plain array, and why. */
export interface UnsupportedRecord {
  readonly unsupported: string;
}

const rebuilds = new Map([
  ["torch._utils._rebuild_tensor", 4],
  ["torch._utils._rebuild_tensor_v2", 6],
  ["torch._utils._rebuild_tensor_v3", 7],
]);
const wrappers = new Set(["torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"]);
/** tensor, dtype, device, requires_grad: the tensor is converted where its own dtype is another. */
const deviceWrapper = "torch._utils._rebuild_device_tensor_from_cpu_tensor";
const typed = new Set(["torch._tensor._rebuild_from_type_v2", "torch.tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type"]);
const parameterClasses = new Set(["torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable"]);
const otherKinds = new Map([
  ["torch._utils._rebuild_sparse_tensor", "a sparse tensor"],
  ["torch._utils._rebuild_sparse_csr_tensor", "a sparse tensor"],
  ["torch._utils._rebuild_meta_tensor_no_storage", "a meta tensor, which has no data"],
  ["torch._utils._rebuild_nested_tensor", "a nested tensor"],
  ["torch._utils._rebuild_wrapper_subclass", "a tensor of a wrapper class"],
  ["torch._utils._rebuild_device_tensor_from_numpy", "a tensor of another device, kept as a NumPy array"],
  ["torch._utils._rebuild_xla_tensor", "a tensor of another device, kept as a NumPy array"],
  ["torch._utils._rebuild_mlc_tensor", "a tensor of another device, kept as a NumPy array"],
]);
const quantised = "torch._utils._rebuild_qtensor";
/** A parameter in a type in a parameter: deeper wrapping is hostile. */
const maxWrapping = 8;

/** The class of an object, through the persistent id that legacy files keep a module's class and source under. */
export function className(value: PickleValue | undefined): string | undefined {
  if (value instanceof GlobalName) return value.path;
  if (!(value instanceof PersistentId) || !isTuple(value.id) || value.id.items[0] !== "module") return undefined;
  return className(value.id.items[1]);
}

/** For `readPickle`: tensors as they come by. Those of old files, which are recognised by their state, and what is no plain array are left alone. */
export function interpretTorch(call: ObjectRecord): Interpreted | undefined {
  const path = className(call.callable);
  if (path === undefined || !(rebuilds.has(path) || wrappers.has(path) || typed.has(path))) return interpretNumpy(call);
  const record = tensorRecord(call);
  return record instanceof TorchTensor ? record : undefined;
}

/** The tensor that a value means; undefined for anything else. */
export function tensorRecord(value: PickleValue, depth = 0): TorchTensor | UnsupportedRecord | undefined {
  if (value instanceof TorchTensor) return value;
  if (!(value instanceof ObjectRecord) || depth > maxWrapping) return undefined;
  const path = className(value.callable);
  if (path === undefined) return undefined;
  const given = rebuilds.get(path);
  if (given !== undefined) return rebuilt(value.args, given);
  const other = otherKinds.get(path);
  if (other !== undefined) return { unsupported: other };
  if (path === quantised) return rebuiltQuantised(value.args);
  if (path === deviceWrapper) return onDevice(value.args, depth);
  if (wrappers.has(path)) return asParameter(tensorRecord(value.args[0] ?? null, depth + 1));
  if (typed.has(path)) {
    const args = itemsOf(value.args[2]);
    return args === undefined ? undefined : tensorRecord(new ObjectRecord(value.args[0] ?? null, args), depth + 1);
  }
  const isParameter = parameterClasses.has(path);
  if (!isParameter && tensorClassDType(path) === undefined && path !== "torch.Tensor") return undefined;
  return old(value, isParameter, depth);
}

/**
 * An object of a tensor class whose state is (storage, offset, size, strides), or of Parameter around a tensor: that is its state's first item
 * (0.1: data, gradient, hooks, requires_grad, volatile) or its argument, beside the state (requires_grad, volatile, hooks) (0.1.10 to 0.3).
 */
function old(value: ObjectRecord, isParameter: boolean, depth: number): TorchTensor | UnsupportedRecord | undefined {
  const state = itemsOf(value.state);
  for (const inner of [state?.[0], value.args[0]]) {
    const nested = inner === undefined ? undefined : tensorRecord(inner, depth + 1);
    if (nested !== undefined) return isParameter ? asParameter(nested) : nested;
  }
  if (state === undefined || state.length < 4) return undefined;
  const record = rebuilt(state, 4);
  return isParameter ? asParameter(record) : record;
}

function asParameter(record: TorchTensor | UnsupportedRecord | undefined): TorchTensor | UnsupportedRecord | undefined {
  return record instanceof TorchTensor ? record.asParameter() : record;
}

function onDevice([inner = null, named]: readonly PickleValue[], depth: number): TorchTensor | UnsupportedRecord | undefined {
  const record = tensorRecord(inner, depth + 1);
  if (!(record instanceof TorchTensor)) return record;
  const own = record.dtype ?? (record.storage instanceof ObjectRecord ? undefined : record.storage.dtype);
  const dtype = named instanceof GlobalName ? namedDType(named.path) : undefined;
  return own !== undefined && own === dtype ? record : { unsupported: "a tensor of another device that changes its type" };
}

/** `given` arguments come before the metadata; with seven the last of them is the dtype. */
function rebuilt(args: readonly PickleValue[], given: number): TorchTensor | UnsupportedRecord {
  const [storageValue, offset, size, stride] = args;
  const storage = storageOf(storageValue);
  const shape = integersOf(size);
  const strides = integersOf(stride);
  if (storage === undefined || typeof offset !== "number" || shape === undefined || strides === undefined) {
    return { unsupported: "a tensor whose storage, offset, size or strides are missing" };
  }
  const metadata = mappingEntries(args[given]);
  const named = given === 7 ? args[6] : undefined;
  const dtype = named instanceof GlobalName ? namedDType(named.path) : undefined;
  if (given === 7 && dtype === undefined) {
    return { unsupported: `a tensor of ${named instanceof GlobalName ? named.path : "a dtype without a name"}` };
  }
  const place = { offset, shape, strides };
  if (metadata === undefined) return new TorchTensor(storage, dtype, place);
  const view = { conjugate: metadata.get("conj") === true, negative: metadata.get("neg") === true, parameter: false };
  return new TorchTensor(storage, dtype, place, view);
}

function rebuiltQuantised(args: readonly PickleValue[]): TorchTensor | UnsupportedRecord {
  const record = rebuilt(args, 4);
  if (!(record instanceof TorchTensor)) return record;
  const [scheme, scale, zeroPoint, axis] = itemsOf(args[4]) ?? [];
  const name = scheme instanceof GlobalName ? scheme.path : "torch.per_tensor_affine";
  const isPerTensor = name === "torch.per_tensor_affine";
  if (!isPerTensor && !/^torch\.per_channel_affine(_float_qparams)?$/.test(name)) return { unsupported: `a tensor quantised by ${name}` };
  const [scales, zeroPoints] = [factorsOf(scale), factorsOf(zeroPoint)];
  const hasAxis = typeof axis === "number" && Number.isInteger(axis) && axis >= 0 && axis < record.shape.length;
  if (scales === undefined || zeroPoints === undefined || (!isPerTensor && !hasAxis))
    return { unsupported: "a quantised tensor without its scales" };
  const quantiser = { scales, zeroPoints, axis: isPerTensor || typeof axis !== "number" ? undefined : axis };
  return new TorchTensor(record.storage, record.dtype, record, { ...plainView, quantiser });
}

/** A number, a list of numbers or a tensor of them. */
function factorsOf(value: PickleValue | undefined): readonly number[] | TorchTensor | undefined {
  if (typeof value === "number") return [value];
  const record = value === undefined ? undefined : tensorRecord(value);
  if (record !== undefined) return record instanceof TorchTensor ? record : undefined;
  const items = itemsOf(value);
  return items?.every((item) => typeof item === "number") === true ? items.map(Number) : undefined;
}

function storageOf(value: PickleValue | undefined): StorageId | ObjectRecord | undefined {
  if (value instanceof ObjectRecord && value.path === "torch.storage._load_from_bytes") return value;
  return storageId(value);
}

/**
 * A storage that was named before, if it was: PyTorch makes it once, of the first type and count, and never writes another. Throws `malformed`
 * where the two disagree.
 */
export function sameStorage(before: StorageId | undefined, id: StorageId, file: string): StorageId {
  if (before === undefined || (before.dtype === id.dtype && before.count === id.count)) return id;
  const shown = [before, id].map(({ dtype, count }) => `${count} × ${dtype ?? "an unknown type"}`).join(" and as ");
  throw new CheckpointError("malformed", `storage ${id.key} is named as ${shown}`, { file });
}

/** ("storage", class, key, location, count[, view]); tar files have another way. */
export function storageId(value: PickleValue | undefined): StorageId | undefined {
  const id = value instanceof PersistentId ? value.id : value;
  if (!isTuple(id)) return undefined;
  const [kind, type, key, , count, view] = id.items;
  const path = className(type);
  if (kind !== "storage" || path === undefined || (typeof key !== "string" && typeof key !== "number")) return undefined;
  if (typeof count !== "number" || !Number.isSafeInteger(count) || count < 0) return undefined;
  const base = { key: String(key), dtype: storageDType(path), count };
  const [viewKey, offset, size] = itemsOf(view) ?? [];
  if (viewKey === undefined || typeof offset !== "number" || typeof size !== "number") return base;
  return { ...base, view: [String(viewKey), offset, size] };
}
