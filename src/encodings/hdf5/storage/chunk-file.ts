import { concatBytes } from "../../../io/bytes.ts";
import type { RawChunked } from "../dataset-header.ts";

/*
 * The smallest HDF5 file that holds one chunk: superblock version 0, a root group with one name, a dataset of one chunk with the
 * datatype and the filters of the file that the chunk comes from, byte for byte. HDF5 File Format Specification 3.0, sections II.A,
 * III.A to III.D and IV.A. Nothing in it has a checksum; addresses and lengths have 8 bytes.
 */

/** The name of the dataset. */
export const chunkName = "d";

/** Children of a B-tree node: 32 of chunks, 16 of groups; entries of a symbol node: 4. Each node has room for twice as many. */
const chunkK = 32;
const groupK = 16;
const leafK = 4;
const undefinedAddress = new Uint8Array(8).fill(0xff);

type Part = Uint8Array | readonly Part[];

/** `extents` are the chunk's; `mask` says which filters were not applied. */
export function chunkFile(stored: Uint8Array, mask: number, extents: readonly number[], elementSize: number, raw: RawChunked): Uint8Array {
  const keySize = 8 + 8 * (extents.length + 1);
  const sizes = {
    superblock: 96,
    root: 16 + 8 + 16,
    heap: 32,
    names: 16,
    tree: 24 + (2 * groupK + 1) * 8 + 2 * groupK * 8,
    symbols: 8 + 2 * leafK * 40,
    chunks: 24 + (2 * chunkK + 1) * keySize + 2 * chunkK * 8,
  };
  let next = 0;
  const place = (size: number): number => {
    const at = next;
    next += 8 * Math.ceil(size / 8);
    return at;
  };
  place(sizes.superblock);
  const root = place(sizes.root);
  const heap = place(sizes.heap);
  const names = place(sizes.names);
  const tree = place(sizes.tree);
  const symbols = place(sizes.symbols);
  const chunks = place(sizes.chunks);
  const header = dataset(extents, elementSize, chunks, raw);
  const data = place(header.length);
  const chunk = place(stored.length);
  const out = new Uint8Array(next);
  out.set(superblock(root, next));
  out.set(objectHeader([message(0x11, [u64(tree, heap)])]), root);
  out.set(joined([ascii("HEAP"), new Uint8Array(4), u64(sizes.names, 1, names)]), heap);
  out.set(ascii(chunkName), names + 8);
  // The keys are offsets of names: none before the first, this one at 8.
  out.set(joined([ascii("TREE"), Uint8Array.of(0, 0, 1, 0), undefinedAddress, undefinedAddress, u64(0, symbols, 8)]), tree);
  out.set(joined([ascii("SNOD"), Uint8Array.of(1, 0, 1, 0), u64(8, data)]), symbols);
  const start = extents.map(() => 0);
  out.set(
    joined([
      [ascii("TREE"), Uint8Array.of(1, 0, 1, 0), undefinedAddress, undefinedAddress],
      [u32(stored.length, mask), u64(...start, 0), u64(chunk), u32(0, 0), u64(...extents, 0)],
    ]),
    chunks,
  );
  out.set(header, data);
  out.set(stored, chunk);
  return out;
}

/** Signature, versions, sizes of addresses and lengths, B-tree widths, base, end of file, the root group's entry. */
function superblock(root: number, end: number): Uint8Array {
  return joined([
    Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0, 0, 8, 8, 0, leafK, 0, groupK, 0),
    [u32(0), u64(0), undefinedAddress, u64(end), undefinedAddress, u64(0, root), u32(0, 0), new Uint8Array(16)],
  ]);
}

function dataset(extents: readonly number[], elementSize: number, chunks: number, raw: RawChunked): Uint8Array {
  const rank = extents.length;
  return objectHeader([
    message(0x01, [Uint8Array.of(1, rank, 0, 0, 0, 0, 0, 0), u64(...extents)]),
    message(0x03, [raw.datatype]),
    // Fill value, version 2: allocated as written, no value.
    message(0x05, [Uint8Array.of(2, 3, 2, 0)]),
    message(0x08, [Uint8Array.of(3, 2, rank + 1), u64(chunks), u32(...extents, elementSize)]),
    message(0x0b, [raw.filters]),
  ]);
}

/** Version 1: u8 1, u8 0, u16 messages, u32 links, u32 bytes of messages, 4 bytes. */
function objectHeader(messages: readonly Uint8Array[]): Uint8Array {
  const body = joined(messages);
  return joined([Uint8Array.of(1, 0, messages.length, 0), u32(1, body.length, 0), body]);
}

/** u16 type, u16 size, 4 bytes of flags, the body padded to 8 bytes. */
function message(type: number, parts: readonly Part[]): Uint8Array {
  const body = joined(parts);
  const padded = 8 * Math.ceil(body.length / 8);
  return joined([Uint8Array.of(type, 0, padded % 256, Math.floor(padded / 256), 0, 0, 0, 0), body, new Uint8Array(padded - body.length)]);
}

function joined(parts: readonly Part[]): Uint8Array {
  return concatBytes(parts.map((part) => (part instanceof Uint8Array ? part : joined(part))));
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function u32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, k) => {
    view.setUint32(4 * k, value, true);
  });
  return new Uint8Array(view.buffer);
}

function u64(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, k) => {
    view.setBigUint64(8 * k, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}
