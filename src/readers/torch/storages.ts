import { CheckpointError } from "../../errors.ts";
import { byteSwapped, mapped } from "../../io/mapped.ts";
import type { ByteSource } from "../../io/source.ts";
import { window } from "../../io/window.ts";
import { dtypes, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, Part, TensorKind } from "../../tensor/tensor.ts";
import type { StorageId, TensorRecord } from "./records.ts";

/** The bytes of one storage, opened when a tensor's parts are asked for: a file of 100,000 storages is listed without opening one. */
export interface Storage {
  /** Bytes. */
  readonly size: number;
  open(): Promise<ByteSource>;
}

/** Where a container keeps its storages. Throws `not-found` for a missing one, `mismatch` for one of another length. */
export interface StorageSet {
  find(id: StorageId): Promise<Storage>;
  /** Bytes of each element are in this order; big only where a machine of that kind wrote the file. */
  readonly bigEndian: boolean;
}

/** A storage as tensors see it: little-endian, conjugated or negated where a tensor says so. The same for all tensors that share it. */
class SharedStorage {
  readonly #storage: Storage;
  readonly #bigEndian: boolean;
  readonly #views = new Map<string, Promise<ByteSource>>();

  constructor(storage: Storage, bigEndian: boolean) {
    this.#storage = storage;
    this.#bigEndian = bigEndian;
  }

  get size(): number {
    return this.#storage.size;
  }

  source(dtype: NumericDType, conjugate: boolean, negative: boolean): Promise<ByteSource> {
    const unit = this.#bigEndian ? dtypes[dtype].unit : 1;
    const plain = !conjugate && !negative;
    const key = plain ? String(unit) : `${unit} ${dtype} ${conjugate} ${negative}`;
    let view = this.#views.get(key);
    if (view === undefined) {
      view = this.#storage.open().then((source) => decorate(source, unit, dtype, conjugate, negative));
      this.#views.set(key, view);
    }
    return view;
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
  readonly #file: string;

  constructor(storages: StorageSet, file: string) {
    this.#storages = storages;
    this.#file = file;
  }

  async make(names: TensorNames, id: StorageId, record: TensorRecord): Promise<NumericTensor | { readonly unsupported: string }> {
    const dtype = record.dtype ?? id.dtype;
    if (dtype === undefined) return { unsupported: "a tensor over a storage of an unknown class" };
    const { conjugate, negative, shape } = record;
    if (negative && !["float", "complex"].includes(dtypes[dtype].kind)) return { unsupported: `a negated view of ${dtype}` };
    try {
      const shared = await this.#find(id);
      const { offset, strides } = this.#placed(id, record, dtype, shared.size);
      const empty = elementCount(shape) === 0;
      const parts = async (): Promise<readonly Part[]> => {
        if (empty) return [];
        const source = await shared.source(dtype, conjugate, negative);
        return [{ source, offset, start: shape.map(() => 0), shape, strides }];
      };
      return { ...names, dtype, shape, parts };
    } catch (error) {
      throw error instanceof CheckpointError ? error.at({ tensor: names.name, file: this.#file }) : error;
    }
  }

  async #find(id: StorageId): Promise<SharedStorage> {
    const key = id.view === undefined ? id.key : `${id.key} ${id.view.join(" ")}`;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      shared = new SharedStorage(await this.#storages.find(id), this.#storages.bigEndian);
      this.#shared.set(key, shared);
    }
    return shared;
  }

  /** In bytes, checked against the storage. */
  #placed(id: StorageId, record: TensorRecord, dtype: NumericDType, size: number): { offset: number; strides: readonly number[] } {
    const { offset, shape, strides } = record;
    const width = itemsize(dtype);
    const count = elementCount(shape);
    if (strides.length !== shape.length) {
      throw new CheckpointError("malformed", `${shape.length} sizes and ${strides.length} strides`);
    }
    if (!Number.isSafeInteger(offset) || offset < 0 || strides.some((stride) => stride < 0)) {
      throw new CheckpointError("malformed", "a negative offset or stride");
    }
    const last = count === 0 ? 0 : offset + shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? 0), 0);
    const there = Math.floor(size / width);
    if (count > 0 && last >= there) {
      throw new CheckpointError("malformed", `the tensor reaches element ${last} of storage ${id.key}, which has ${there}`);
    }
    return { offset: offset * width, strides: strides.map((stride) => stride * width) };
  }
}
