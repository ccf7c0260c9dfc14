import { CheckpointError } from "../../errors.ts";
import { compareBytes } from "../../io/bytes.ts";
import { Cursor } from "../../io/source/cursor.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { type CheckState, checked } from "../checksum/checked.ts";
import { crc32c, unmaskCrc } from "../checksum/crc32c.ts";
import { unsnappy } from "./snappy.ts";
import { type BlockHandle, parseHandle, readHandle, restartBytes, sharedBeyond, varint32, walkBlock } from "./sstable-block.ts";

/**
 * LevelDB's sorted table, as TensorFlow writes it (tensorflow/core/lib/io/format.cc, table_builder.cc, block_builder.cc):
 *
 *   data blocks, an empty metaindex block, the index block, then 48 bytes of footer
 *   footer   metaindex handle, index handle (each varint64 offset, varint64 size), zeros up to 40 bytes, u64 LE magic
 *   block    `size` bytes, then a trailer: u8 compression (0 raw, 1 snappy), u32 LE masked CRC-32C of the bytes and that u8
 *   bytes    entries, then u32 LE offsets of restart points, then their number as u32 LE
 *   entry    varint32 bytes shared with the previous key, varint32 other key bytes, varint32 value bytes; key rest; value
 *   index    its values are block handles; its keys only separate blocks and are no names
 */
export const tableFooter = 48;
const blockTrailer = 5;
export const tableMagic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb] as const;

/** Blocks that are read whole: 256 KiB is what writers aim at; an index block has some 40 bytes for each data block. */
const maxWholeBlock = 64 << 20;
/** All keys of a table together: every name is kept, and prefix compression could make gigabytes of a small file. */
const maxKeyBytes = 64 << 20;

export interface Table {
  readonly source: ByteSource;
  /** In file order. */
  readonly blocks: readonly BlockHandle[];
}

export interface TableEntry {
  readonly key: Uint8Array;
  /** The value where its block was read whole and its checksum is right; a view of the block. */
  readonly bytes?: Uint8Array;
  readonly stored: StoredValue;
}

/** A block, as its values need it. One object for all of them. */
interface Block {
  readonly source: ByteSource;
  readonly handle: BlockHandle;
  readonly compressed: boolean;
  /** Of a block that was not read whole: its checksum, and whether it was compared yet. */
  readonly crc?: number;
  readonly state: CheckState;
}

/** Where a value is: small, as there may be one for each of 100,000 tensors. */
export class StoredValue {
  readonly length: number;
  readonly #block: Block;
  /** Of the value: in the inflated block, or in the file where that is not compressed. */
  readonly #at: number;

  constructor(block: Block, at: number, length: number) {
    this.#block = block;
    this.#at = at;
    this.length = length;
  }

  /** Some bytes of the value as a source; a block that was not read whole is checked while they are read. */
  part(offset: number, length: number, tensor = ""): ByteSource {
    const { source, handle, compressed, crc, state } = this.#block;
    if (offset + length > this.length) throw new RangeError(`bytes ${offset} to ${offset + length} of a value of ${this.length}`);
    const at = this.#at + offset;
    if (compressed) return inflatedPart(source, handle, at, length);
    if (crc === undefined) return window(source, at, length);
    const outer = { offset: handle.offset, size: handle.size + 1 }; // the checksum runs over the type byte too
    return checked(source, outer, crc, { offset: at, size: length }, { where: tensor === "" ? {} : { tensor }, state });
  }

  /** The whole value for walking its structure: unchecked where its block was not read whole. */
  walked(): ByteSource {
    const { source, handle, compressed } = this.#block;
    return compressed ? inflatedPart(source, handle, this.#at, this.length) : window(source, this.#at, this.length);
  }
}

/** Whether the last bytes of a file are a table's footer. */
export function endsAsTable(tail: Uint8Array): boolean {
  return tail.length >= tableFooter && tableMagic.every((byte, k) => tail[tail.length - 8 + k] === byte);
}

/** Reads footer and index block. Throws `malformed` or `truncated`. */
export async function openTable(source: ByteSource): Promise<Table> {
  const where = { file: source.name };
  if (source.size < tableFooter) {
    throw new CheckpointError("truncated", `a table ends with ${tableFooter} bytes of footer, the file has ${source.size}`, where);
  }
  const footer = await source.read(source.size - tableFooter, tableFooter);
  if (!endsAsTable(footer)) {
    throw new CheckpointError("malformed", "the footer of a table is missing at the end: cut short, or no such file", where);
  }
  const cursor = new Cursor(memorySource(footer, source.name));
  await cursor.fill(tableFooter);
  readHandle(cursor);
  const index = readHandle(cursor);
  const { bytes } = await readBlock(source, index, "the index");
  const blocks: BlockHandle[] = [];
  let end = 0;
  for (const { value } of walkBlock(bytes, source.name, index.offset)) {
    const handle = await parseHandle(value, source.name);
    // Writers put blocks one behind the other; without this a small file could name one block a million times.
    if (handle.offset < end) throw new CheckpointError("malformed", `block at ${handle.offset} overlaps the one before it`, where);
    end = handle.offset + handle.size + blockTrailer;
    if (end > source.size) {
      throw new CheckpointError("truncated", `a block of ${handle.size} bytes at ${handle.offset} ends beyond the file`, where);
    }
    blocks.push(handle);
  }
  return { source, blocks };
}

/**
 * All entries in order, block by block. Blocks of up to `wholeBlock` bytes are read and their checksum compared; of larger ones
 * only the keys are. Throws `malformed`, `truncated`, and `unsupported` beyond the limits.
 */
export async function* sstableBlocks(table: Table, wholeBlock = maxWholeBlock): AsyncGenerator<Iterable<TableEntry>, void, undefined> {
  const { source } = table;
  const keys = new KeyCheck(source.name);
  for (const handle of table.blocks) {
    if (handle.size > wholeBlock) {
      yield keys.watch(await largeEntries(source, handle), handle);
      continue;
    }
    const { bytes, compressed } = await readBlock(source, handle, "the table");
    yield keys.watch(wholeEntries({ source, handle, compressed, state: { verified: true } }, bytes), handle);
  }
}

/** Watches that keys ascend over all blocks and stay below the limit. */
class KeyCheck {
  readonly #file: string;
  #previous: Uint8Array | undefined;
  #bytes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  *watch(entries: Iterable<TableEntry>, { offset }: BlockHandle): Generator<TableEntry, void, undefined> {
    const where = { file: this.#file, offset };
    for (const entry of entries) {
      this.#bytes += entry.key.length;
      if (this.#bytes > maxKeyBytes) {
        throw new CheckpointError("unsupported", `the keys of the table have more than ${maxKeyBytes} bytes`, where);
      }
      if (this.#previous !== undefined && compareBytes(this.#previous, entry.key) >= 0) {
        throw new CheckpointError("malformed", "the keys of the table do not ascend", where);
      }
      this.#previous = entry.key;
      yield entry;
    }
  }
}

function* wholeEntries(block: Block, bytes: Uint8Array): Generator<TableEntry, void, undefined> {
  const { source, handle, compressed } = block;
  for (const { key, value, at } of walkBlock(bytes, source.name, handle.offset)) {
    yield { key, bytes: value, stored: new StoredValue(block, compressed ? at : handle.offset + at, value.length) };
  }
}

/** Entries of a block that is too large to hold: found by walking the file from entry head to entry head. */
async function largeEntries(source: ByteSource, handle: BlockHandle): Promise<readonly TableEntry[]> {
  const end = handle.offset + handle.size;
  const tail = await source.read(end - 4, 4 + blockTrailer);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const type = view.getUint8(4);
  if (type !== 0) throw blockType(source, handle, type);
  const block: Block = { source, handle, compressed: false, crc: unmaskCrc(view.getUint32(5, true)), state: { verified: false } };
  const limit = end - restartBytes(view.getUint32(0, true), handle.size, source.name, handle.offset);
  const cursor = new Cursor(source, handle.offset, limit, { chunk: 4096 });
  const entries: TableEntry[] = [];
  let key = new Uint8Array(0);
  let keyBytes = 0;
  while (cursor.remaining > 0) {
    const head = Math.min(15, cursor.remaining);
    if (!cursor.has(head)) await cursor.fill(head);
    const shared = varint32(cursor);
    const rest = varint32(cursor);
    const length = varint32(cursor);
    if (shared > key.length) throw sharedBeyond(shared, key.length, source.name, cursor.position);
    keyBytes += shared + rest;
    if (keyBytes > maxKeyBytes)
      throw new CheckpointError("unsupported", `the keys of the table have more than ${maxKeyBytes} bytes`, { file: source.name });
    if (!cursor.has(rest)) await cursor.fill(rest);
    const next = new Uint8Array(shared + rest);
    next.set(key.subarray(0, shared));
    next.set(cursor.bytes(rest), shared);
    key = next;
    const at = cursor.position;
    cursor.skip(length);
    entries.push({ key, stored: new StoredValue(block, at, length) });
  }
  return entries;
}

/** One block, checked and inflated. */
async function readBlock(source: ByteSource, handle: BlockHandle, what: string): Promise<{ bytes: Uint8Array; compressed: boolean }> {
  const where = { file: source.name, offset: handle.offset };
  if (handle.size > maxWholeBlock) {
    throw new CheckpointError("unsupported", `a block of ${what} has ${handle.size} bytes, at most ${maxWholeBlock} are read`, where);
  }
  const stored = await source.read(handle.offset, handle.size + blockTrailer);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const type = view.getUint8(handle.size);
  const found = crc32c(stored.subarray(0, handle.size + 1));
  if (found !== unmaskCrc(view.getUint32(handle.size + 1, true))) {
    throw new CheckpointError("malformed", `${what} is damaged: the checksum of the block at byte ${handle.offset} is wrong`, where);
  }
  if (type === 0) return { bytes: stored.subarray(0, handle.size), compressed: false };
  if (type === 1) return { bytes: unsnappy(stored.subarray(0, handle.size), maxWholeBlock), compressed: true };
  throw blockType(source, handle, type);
}

/** Part of an inflated block, inflated anew for each read: only foreign writers compress, and only small blocks. */
function inflatedPart(source: ByteSource, handle: BlockHandle, offset: number, length: number): ByteSource {
  const whole = async (): Promise<ByteSource> => {
    const { bytes } = await readBlock(source, handle, "the table");
    return window(memorySource(bytes, source.name), offset, length);
  };
  return {
    name: source.name,
    size: length,
    access: "random",
    stored: [{ source, offset: handle.offset, length: handle.size }],
    read: async (at, size, into) => (await whole()).read(at, size, into),
    async close() {},
  };
}

function blockType(source: ByteSource, handle: BlockHandle, type: number): CheckpointError {
  const what = type === 1 ? "a large snappy block" : `compression ${type}`;
  return new CheckpointError("unsupported", `the table has ${what}; raw blocks and snappy blocks up to ${maxWholeBlock} bytes are read`, {
    file: source.name,
    offset: handle.offset,
  });
}
