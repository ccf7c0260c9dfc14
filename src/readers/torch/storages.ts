import { CheckpointError } from "../../errors.ts";
import { byteSwapped, mapped } from "../../io/source/mapped.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { dtypes, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, Part, StorageView, TensorKind } from "../../tensor/tensor.ts";
import { type StorageId, sameStorage, type TorchTensor, type TorchView } from "./records.ts";

/** Where a container keeps its storages. */
export interface StorageSet {
  /** Bytes of each element are in this order; big only where a machine of that kind wrote the file. */
  readonly bigEndian: boolean;
  /** In bytes. Throws `not-found` for a missing storage, `mismatch` for one of another length. */
  size(id: StorageId): number;
  /** The bytes; asked for when values are read, so that a file of 100,000 storages is listed without opening one. */
  open(id: StorageId): Promise<ByteSource>;
}

/** A storage as tensors see it: little-endian, conjugated or negated where a tensor says so. The same for all tensors that share it. */
class SharedStorage {
  readonly size: number;
  readonly #set: StorageSet;
  readonly #id: StorageId;
  #views: Map<string, Promise<ByteSource>> | undefined;

  constructor(set: StorageSet, id: StorageId) {
    this.size = set.size(id);
    this.#set = set;
    this.#id = id;
  }

  source(dtype: NumericDType, { conjugate, negative }: TorchView): Promise<ByteSource> {
    const unit = this.#set.bigEndian ? dtypes[dtype].unit : 1;
    const key = conjugate || negative ? `${unit} ${dtype} ${conjugate} ${negative}` : String(unit);
    this.#views ??= new Map();
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#set.open(this.#id).then((source) => decorate(source, unit, dtype, conjugate, negative));
      this.#views.set(key, view);
    }
    return view;
  }
}

/** A tensor that is a window of a storage; a class, so that a hundred thousand of them take little memory. */
class StoredTensor implements NumericTensor {
  readonly name: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  declare readonly kind?: TensorKind;
  readonly #storage: SharedStorage;
  readonly #record: TorchTensor;

  constructor(names: TensorNames, dtype: NumericDType, record: TorchTensor, storage: SharedStorage) {
    this.name = names.name;
    if (names.kind !== undefined) this.kind = names.kind;
    this.dtype = dtype;
    this.shape = record.shape;
    this.#storage = storage;
    this.#record = record;
  }

  view(): StorageView {
    const { offset, strides, view } = this.#record;
    const { conjugate, negative } = view;
    return {
      storage: this.#storage,
      place: `${itemsize(this.dtype)} ${conjugate} ${negative} ${offset} ${this.shape.join()} ${strides.join()}`,
    };
  }

  async parts(): Promise<readonly Part[]> {
    if (elementCount(this.shape) === 0) return [];
    const { offset, strides, view } = this.#record;
    const width = itemsize(this.dtype);
    const source = await this.#storage.source(this.dtype, view);
    return [
      {
        source,
        offset: offset * width,
        start: this.shape.map(() => 0),
        shape: this.shape,
        strides: strides.map((stride) => stride * width),
      },
    ];
  }
}

function decorate(source: ByteSource, unit: number, dtype: NumericDType, conjugate: boolean, negative: boolean): ByteSource {
  const little = unit > 1 ? byteSwapped(whole(source, unit), unit) : source;
  const width = itemsize(dtype);
  // The sign is the top bit of each number; a complex one is two numbers, the imaginary part the second.
  const step = dtypes[dtype].unit;
  const flips = new Uint8Array(width);
  for (let at = step - 1; at < width; at += step) {
    const imaginary = dtypes[dtype].kind === "complex" && at >= step;
    flips[at] = (negative ? 0x80 : 0) ^ (conjugate && imaginary ? 0x80 : 0);
  }
  if (flips.every((flip) => flip === 0)) return little;
  return mapped(whole(little, width), width, width, (input, output) => {
    for (let k = 0; k < input.length; k += 1) output[k] = (input[k] ?? 0) ^ (flips[k % width] ?? 0);
  });
}

/** Without the odd bytes at the end of an untyped storage. */
function whole(source: ByteSource, unit: number): ByteSource {
  return source.size % unit === 0 ? source : window(source, 0, source.size - (source.size % unit));
}

export interface TensorNames {
  readonly name: string;
  readonly kind?: TensorKind;
}

/** Makes tensors of records, with one shared source for each storage. */
export class TensorMaker {
  readonly #storages: StorageSet;
  readonly #shared = new Map<string, SharedStorage>();
  readonly #ids = new Map<string, StorageId>();
  readonly #file: string;

  constructor(storages: StorageSet, file: string) {
    this.#storages = storages;
    this.#file = file;
  }

  make(names: TensorNames, id: StorageId, record: TorchTensor): NumericTensor | { readonly unsupported: string } {
    const dtype = record.dtype ?? id.dtype;
    if (dtype === undefined) return { unsupported: "a tensor over a storage of an unknown class" };
    const { kind } = dtypes[dtype];
    if (record.view.negative && kind !== "float" && kind !== "complex") return { unsupported: `a negated view of ${dtype}` };
    try {
      const storage = this.#find(id);
      checkPlace(record, id.key, Math.floor(storage.size / itemsize(dtype)));
      return new StoredTensor(names, dtype, record, storage);
    } catch (error) {
      throw error instanceof CheckpointError ? error.at({ tensor: names.name, file: this.#file }) : error;
    }
  }

  #find(id: StorageId): SharedStorage {
    const before = this.#ids.get(id.key);
    if (before !== id) this.#ids.set(id.key, sameStorage(before, id, this.#file));
    const key = id.view === undefined ? id.key : `${id.key} ${id.view.join(" ")}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = new SharedStorage(this.#storages, id);
      this.#shared.set(key, shared);
    }
    return shared;
  }
}

/** Makes sure that a tensor is inside its storage of `there` elements. */
function checkPlace({ offset, shape, strides }: TorchTensor, key: string, there: number): void {
  const count = elementCount(shape);
  if (strides.length !== shape.length) throw new CheckpointError("malformed", `${shape.length} sizes and ${strides.length} strides`);
  if (!Number.isSafeInteger(offset) || offset < 0 || strides.some((stride) => stride < 0)) {
    throw new CheckpointError("malformed", "a negative offset or stride");
  }
  const last = count === 0 ? -1 : offset + shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 0);
  if (last >= there) throw new CheckpointError("malformed", `the tensor reaches element ${last} of storage ${key}, which has ${there}`);
}
