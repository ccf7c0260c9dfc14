import { readPickle } from "../../encodings/pickle/machine.ts";
import { itemsOf } from "../../encodings/pickle/standard.ts";
import { PersistentId, type PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { storageDType, tensorClassDType } from "./dtypes.ts";
import { foundStorages, storageLength } from "./legacy.ts";
import { className, type StorageId, storageId, TorchTensor } from "./records.ts";
import type { StorageSet } from "./storages.ts";

/*
 * torch 0.1.0 to 0.1.9 (torch/serialization.py, _load with tarfile): a tar of four members.
 *   sys_info  facts about the machine
 *   storages  pickle of a count; for each: pickle (key, location, class), i64 count of elements, the elements; then a pickle of views
 *             [(key, root key, offset, count)]
 *   tensors   pickle of a count; for each: pickle (key, storage key, class), i32 number of dims, 4 unused bytes, i64 sizes, i64 strides,
 *             i64 offset in elements
 *   pickle    the object; a persistent id is the key of a tensor
 * Numbers are little-endian, whatever machine wrote them.
 */

export interface TarFile {
  readonly root: PickleValue;
  readonly storages: StorageSet;
  readonly protocol: number;
  readonly known: (value: PickleValue) => TorchTensor | undefined;
}

/** Torch itself has no tensors of more dims. */
const maxDims = 64;
/** A header of some 30 bytes each; far more than one file ever held. */
const maxCount = 1_000_000;

export async function readTar(set: FileSet, file: string): Promise<TarFile> {
  const need = async (name: string): Promise<ByteSource> => {
    const source = await set.open(name);
    if (source === undefined)
      throw new CheckpointError("not-found", `the archive has no ${name}, which PyTorch's tar files have`, { file });
    return source;
  };
  const { found, ids } = await readStorages(await need("storages"));
  const members = await set.open("tensors");
  const tensors = members === undefined ? new Map<string, TorchTensor>() : await readTensors(members, ids);
  const { value, protocol } = await readPickle(await need("pickle"));
  return {
    root: value,
    protocol,
    storages: foundStorages(found, file),
    known: (item) => (item instanceof PersistentId ? tensors.get(keyOf(item.id) ?? "") : undefined),
  };
}

function keyOf(value: PickleValue | undefined): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

async function readCount(source: ByteSource): Promise<{ readonly count: number; readonly end: number }> {
  const { value, end } = await readPickle(source);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || value > maxCount) {
    throw new CheckpointError("malformed", "the member does not begin with a count", { file: source.name });
  }
  return { count: value, end };
}

async function readStorages(
  source: ByteSource,
): Promise<{ readonly found: ReadonlyMap<string, ByteSource>; readonly ids: ReadonlyMap<string, StorageId> }> {
  const found = new Map<string, ByteSource>();
  const ids = new Map<string, StorageId>();
  const { count, end } = await readCount(source);
  let at = end;
  for (let k = 0; k < count; k += 1) {
    const header = await readPickle(source, at);
    const [keyValue, , type] = itemsOf(header.value) ?? [];
    const key = keyOf(keyValue);
    const dtype = storageDType(className(type) ?? "");
    if (key === undefined || dtype === undefined) {
      throw new CheckpointError("malformed", "a storage without a key or of an unknown class", { file: source.name, offset: at });
    }
    const length = await storageLength(source, header.end, { key, dtype, count: 0 });
    ids.set(key, { key, dtype, count: length.count });
    found.set(key, window(source, header.end + 8, length.bytes));
    at = header.end + 8 + length.bytes;
  }
  if (at < source.size) addViews((await readPickle(source, at)).value, ids);
  return { found, ids };
}

function addViews(views: PickleValue, ids: Map<string, StorageId>): void {
  for (const view of itemsOf(views) ?? []) {
    const [keyValue, rootValue, offset, count] = itemsOf(view) ?? [];
    const key = keyOf(keyValue);
    const root = ids.get(keyOf(rootValue) ?? "");
    if (key === undefined || root === undefined || typeof offset !== "number" || typeof count !== "number") continue;
    ids.set(key, { ...root, view: [key, offset, count] });
  }
}

async function readTensors(source: ByteSource, ids: ReadonlyMap<string, StorageId>): Promise<ReadonlyMap<string, TorchTensor>> {
  const tensors = new Map<string, TorchTensor>();
  const { count, end } = await readCount(source);
  let at = end;
  for (let k = 0; k < count; k += 1) {
    const header = await readPickle(source, at);
    const [keyValue, storageKey, type] = itemsOf(header.value) ?? [];
    const key = keyOf(keyValue);
    const storage = ids.get(keyOf(storageKey) ?? "") ?? storageId(storageKey);
    const cursor = new Cursor(source, header.end, source.size, { chunk: 1024 });
    await cursor.need(8);
    const dims = cursor.i32();
    cursor.skip(4);
    if (key === undefined || storage === undefined || dims < 0 || dims > maxDims || tensorClassDType(className(type) ?? "") === undefined) {
      throw new CheckpointError("malformed", "a tensor without a key, a storage or a class", { file: source.name, offset: at });
    }
    await cursor.need(16 * dims + 8);
    const shape = Array.from({ length: dims }, () => cursor.i64());
    const strides = Array.from({ length: dims }, () => cursor.i64());
    tensors.set(key, new TorchTensor(storage, undefined, { offset: cursor.i64(), shape, strides }));
    at = cursor.position;
  }
  return tensors;
}
