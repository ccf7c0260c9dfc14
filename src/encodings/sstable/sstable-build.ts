import { compareBytes, concatBytes } from "../../io/bytes.ts";
import { crc32c, maskCrc } from "../checksum/crc32c.ts";
import { tableFooter, tableMagic } from "./sstable.ts";

/** As TensorFlow builds tables (tensorflow/core/lib/io/table_options.h): a block ends with the entry that reaches this size. */
const blockSize = 262_144;
/** Every 16th key of a data block, and every key of the index block, is written whole. */
const restartInterval = 16;

/** The bytes of a table of these entries, whose keys have to ascend (as unsigned bytes). The same entries give the same bytes. */
export function buildTable(entries: Iterable<readonly [key: Uint8Array, value: Uint8Array]>): Uint8Array {
  const file: Uint8Array[] = [];
  let offset = 0;
  const write = (block: Uint8Array): Uint8Array => {
    const handle = concatBytes([varint(offset), varint(block.length)]);
    const trailer = new Uint8Array(5); // type 0, raw
    new DataView(trailer.buffer).setUint32(1, maskCrc(crc32c(trailer.subarray(0, 1), crc32c(block))), true);
    file.push(block, trailer);
    offset += block.length + trailer.length;
    return handle;
  };
  const index = new BlockBuilder(1);
  let block = new BlockBuilder(restartInterval);
  let pending: Uint8Array | undefined; // handle of a finished block whose index key waits for the next key
  let last: Uint8Array | undefined;
  const flush = (): void => {
    if (block.empty) return;
    pending = write(block.finish());
    block = new BlockBuilder(restartInterval);
  };
  for (const [key, value] of entries) {
    if (last !== undefined && compareBytes(last, key) >= 0) throw new RangeError("the keys of a table have to ascend");
    // A value of two blocks' size gets a block of its own.
    if (value.length >= 2 * blockSize) flush();
    if (pending !== undefined && last !== undefined) {
      index.add(separator(last, key), pending);
      pending = undefined;
    }
    block.add(key, value);
    last = key;
    if (block.size >= blockSize) flush();
  }
  flush();
  const metaHandle = write(new BlockBuilder(restartInterval).finish());
  if (pending !== undefined && last !== undefined) index.add(successor(last), pending);
  const indexHandle = write(index.finish());
  const footer = new Uint8Array(tableFooter);
  footer.set(concatBytes([metaHandle, indexHandle]));
  footer.set(tableMagic, tableFooter - tableMagic.length);
  file.push(footer);
  return concatBytes(file);
}

class BlockBuilder {
  readonly #interval: number;
  readonly #parts: Uint8Array[] = [];
  readonly #restarts: number[] = [0];
  #bytes = 0;
  #sinceRestart = 0;
  #last: Uint8Array = new Uint8Array(0);

  constructor(interval: number) {
    this.#interval = interval;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** Of the finished block, in bytes. */
  get size(): number {
    return this.#bytes + 4 * this.#restarts.length + 4;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    let shared = 0;
    if (this.#sinceRestart < this.#interval) {
      shared = sharedPrefix(this.#last, key);
    } else {
      this.#restarts.push(this.#bytes);
      this.#sinceRestart = 0;
    }
    const head = concatBytes([varint(shared), varint(key.length - shared), varint(value.length)]);
    this.#parts.push(head, key.subarray(shared), value);
    this.#bytes += head.length + key.length - shared + value.length;
    this.#sinceRestart += 1;
    this.#last = key;
  }

  finish(): Uint8Array {
    const tail = new DataView(new ArrayBuffer(4 * this.#restarts.length + 4));
    for (const [k, restart] of this.#restarts.entries()) tail.setUint32(4 * k, restart, true);
    tail.setUint32(4 * this.#restarts.length, this.#restarts.length, true);
    return concatBytes([...this.#parts, new Uint8Array(tail.buffer)]);
  }
}

function sharedPrefix(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let count = 0;
  while (count < limit && a[count] === b[count]) count += 1;
  return count;
}

/** A short key k with a <= k < b: the common prefix and one byte more, where that byte can be raised and stay below b. */
function separator(a: Uint8Array, b: Uint8Array): Uint8Array {
  const at = sharedPrefix(a, b);
  const [mine, next] = [a[at], b[at]];
  if (mine === undefined || next === undefined || mine === 0xff || mine + 1 >= next) return a;
  const key = a.slice(0, at + 1);
  key[at] = mine + 1;
  return key;
}

/** A short key not before `key`: up to its first byte that can be raised. */
function successor(key: Uint8Array): Uint8Array {
  const at = key.findIndex((byte) => byte !== 0xff);
  if (at < 0) return key;
  const result = key.slice(0, at + 1);
  result[at] = (result[at] ?? 0) + 1;
  return result;
}

/** An unsigned number up to 2^53 in groups of 7 bits, lowest first. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
