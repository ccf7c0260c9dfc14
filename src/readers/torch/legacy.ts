import { readPickle } from "../../encodings/pickle/machine.ts";
import { itemsOf } from "../../encodings/pickle/standard.ts";
import type { PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { interpretTorch, type StorageId, sameStorage, storageId } from "./records.ts";
import type { StorageSet } from "./storages.ts";

/*
 * The stream of torch 0.1.10 to 1.5, and later on request (torch/serialization.py, _legacy_save): five pickles back to back, the magic number,
 * the protocol version 1001, facts about the machine, the object, the list of the storages' keys; then for each key i64 count of elements and
 * the elements. Nothing says how long an element is but the class in the storage's id. Counts and elements are little-endian whatever machine
 * wrote them (torch/csrc/serialization.cpp, THPStorage_writeFileRaw swaps on a big-endian one); `little_endian` of the facts is not asked.
 */

const magic = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;

export interface LegacyFile {
  readonly root: PickleValue;
  readonly storages: StorageSet;
  readonly protocol: number;
}

/** The magic number as LONG1 (10 bytes), which all protocols but 0 and 1 write. */
const magicBytes = Uint8Array.of(0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);
/** Behind PROTO, and behind the FRAME of protocols 4 and 5. */
const magicAt = [2, 11];

/** Whether a file begins with the pickled magic number, in any protocol. */
export function looksLikeLegacy(head: Uint8Array): boolean {
  if (head[0] === 0x80) return magicAt.some((at) => magicBytes.every((byte, k) => head[at + k] === byte));
  const text = Array.from(`L${magic}L\n.`, (char) => char.charCodeAt(0));
  return text.every((byte, k) => head[k] === byte);
}

/** Walks the whole stream; values are skipped. Throws `truncated` naming the storage that is cut, `malformed` and as `readPickle`. */
export async function readLegacy(source: ByteSource): Promise<LegacyFile> {
  const first = await readPickle(source);
  if (first.value !== magic)
    throw new CheckpointError("malformed", "the pickle before the version is not PyTorch's magic number", { file: source.name });
  const version = await readPickle(source, first.end);
  if (version.value !== protocolVersion) {
    throw new CheckpointError("unsupported", `PyTorch stream version ${String(version.value)}, only ${protocolVersion} is known`, {
      file: source.name,
    });
  }
  const system = await readPickle(source, version.end);
  const object = await readPickle(source, system.end, { interpret: interpretTorch, keepPersistent: true });
  const keys = await readPickle(source, object.end);
  const ids = new Map<string, StorageId>();
  for (const persistent of object.persistent) {
    const id = storageId(persistent);
    if (id !== undefined) ids.set(id.key, sameStorage(ids.get(id.key), id, source.name));
  }
  const found = await readStorages(source, keys.end, itemsOf(keys.value) ?? [], ids);
  return { root: object.value, protocol: object.protocol, storages: foundStorages(found, source.name) };
}

async function readStorages(
  source: ByteSource,
  start: number,
  keys: readonly PickleValue[],
  ids: ReadonlyMap<string, StorageId>,
): Promise<ReadonlyMap<string, ByteSource>> {
  const found = new Map<string, ByteSource>();
  let at = start;
  for (const value of keys) {
    const key = String(value);
    const where = { file: source.name, offset: at };
    const id = ids.get(key);
    if (id?.dtype === undefined) {
      throw new CheckpointError("unsupported", `storage ${key} is of a class that is unknown, so what follows it cannot be found`, where);
    }
    if (source.size - at < 8)
      throw new CheckpointError("truncated", `storage ${key} is missing: 8 bytes needed, ${source.size - at} are left`, where);
    const { count, bytes } = await storageLength(source, at, id);
    if (count !== id.count)
      throw new CheckpointError("mismatch", `storage ${key} has ${count} elements, its tensors need ${id.count}`, where);
    at += 8;
    if (bytes > source.size - at) {
      throw new CheckpointError("truncated", `storage ${key} needs ${bytes} bytes, ${source.size - at} are left`, where);
    }
    if (found.has(key)) throw new CheckpointError("malformed", `storage ${key} is there twice`, where);
    found.set(key, window(source, at, bytes));
    at += bytes;
  }
  return found;
}

/** The count before a storage's elements: i64, little-endian. */
export async function storageLength(
  source: ByteSource,
  at: number,
  id: StorageId,
): Promise<{ readonly count: number; readonly bytes: number }> {
  const field = await source.read(at, 8);
  const count = Number(new DataView(field.buffer, field.byteOffset, 8).getBigInt64(0, true));
  const bytes = count * itemsize(id.dtype ?? "uint8");
  if (!Number.isSafeInteger(bytes) || count < 0) {
    throw new CheckpointError("malformed", `storage ${id.key} of ${count} elements`, { file: source.name, offset: at });
  }
  return { count, bytes };
}

/** The storages of a stream or a tar; a view is a part of the one that its id names. */
export function foundStorages(found: ReadonlyMap<string, ByteSource>, file: string): StorageSet {
  const find = (id: StorageId): ByteSource => {
    const source = found.get(id.key);
    if (source === undefined) throw new CheckpointError("not-found", `storage ${id.key} is not in the file`, { file });
    if (id.view === undefined) return source;
    const [, offset, count] = id.view;
    const size = itemsize(id.dtype ?? "uint8");
    return window(source, offset * size, count * size);
  };
  return { bigEndian: false, size: (id) => find(id).size, open: async (id) => find(id) };
}
