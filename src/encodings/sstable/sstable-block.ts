import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import { memorySource } from "../../io/source/memory.ts";

/* Inside a block of a sorted table (see sstable.ts): handles, entries with shared key prefixes, the restart array. */

export interface BlockHandle {
  readonly offset: number;
  /** Without the trailer. */
  readonly size: number;
}

export interface BlockEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Of the value in the block. */
  readonly at: number;
}

export function* walkBlock(bytes: Uint8Array, file: string, offset: number): Generator<BlockEntry, void, undefined> {
  if (bytes.length < 4) throw new CheckpointError("malformed", `a block of ${bytes.length} bytes has no restart array`, { file, offset });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limit = bytes.length - restartBytes(view.getUint32(bytes.length - 4, true), bytes.length, file, offset);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let k = 0; k < 5; k++) {
      const byte = at < limit ? (bytes[at] ?? 0) : undefined;
      if (byte === undefined) break;
      at += 1;
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return value;
    }
    throw new CheckpointError("malformed", "a block of the table ends inside an entry", { file, offset });
  };
  let key = new Uint8Array(0);
  while (at < limit) {
    const shared = varint();
    const rest = varint();
    const length = varint();
    if (shared > key.length) throw sharedBeyond(shared, key.length, file, offset + at);
    if (rest + length > limit - at) throw new CheckpointError("malformed", "a block of the table ends inside an entry", { file, offset });
    const next = new Uint8Array(shared + rest);
    next.set(key.subarray(0, shared));
    next.set(bytes.subarray(at, at + rest), shared);
    key = next;
    at += rest + length;
    yield { key, value: bytes.subarray(at - length, at), at: at - length };
  }
}

/** Size of the restart array and its count, checked against the block. */
export function restartBytes(count: number, blockSize: number, file: string, offset: number): number {
  const size = 4 + 4 * count;
  if (size <= blockSize) return size;
  throw new CheckpointError("malformed", `a block of ${blockSize} bytes says that it has ${count} restart points`, { file, offset });
}

/** A varint32 of an entry that is walked in the file. */
export function varint32(cursor: Cursor): number {
  let value = 0;
  for (let k = 0; k < 5 && cursor.has(1); k++) {
    const byte = cursor.u8();
    value += (byte & 0x7f) * 2 ** (7 * k);
    if (byte < 0x80) return value;
  }
  throw new CheckpointError("malformed", "a block of the table ends inside an entry", {
    file: cursor.source.name,
    offset: cursor.position,
  });
}

/** Offset and size, varint64 each. */
export function readHandle(cursor: Cursor): BlockHandle {
  return { offset: varint64(cursor), size: varint64(cursor) };
}

/** The same from the value of an index entry. */
export async function parseHandle(value: Uint8Array, file: string): Promise<BlockHandle> {
  const cursor = new Cursor(memorySource(value, file));
  await cursor.fill(value.length);
  return readHandle(cursor);
}

/** Sizes and offsets: at most 2^53. */
function varint64(cursor: Cursor): number {
  let value = 0;
  for (let k = 0; k < 8 && cursor.has(1); k++) {
    const byte = cursor.u8();
    value += (byte & 0x7f) * 2 ** (7 * k);
    if (byte < 0x80 && Number.isSafeInteger(value)) return value;
  }
  throw new CheckpointError("malformed", "a block handle of the table is damaged", { file: cursor.source.name });
}

export function sharedBeyond(shared: number, length: number, file: string, offset: number): CheckpointError {
  return new CheckpointError("malformed", `a key shares ${shared} bytes with one of ${length}`, { file, offset });
}
