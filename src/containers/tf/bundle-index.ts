import { CheckpointError, locate } from "../../errors.ts";
import type { ByteSource } from "../../io/source.ts";
import { unmaskCrc } from "../crc32c.ts";
import { bool, bytesOf, fields, fixed32, int32, int64, uint32 } from "../protobuf.ts";
import { openTable, type TableEntry, tableEntries } from "../sstable.ts";
import { keyText, parseSlice, type Slice } from "./slices.ts";

/** BundleHeaderProto of a TF V2 checkpoint (tensorflow/core/protobuf/tensor_bundle.proto): num_shards 1, endianness 2. */
export interface BundleHeader {
  readonly shards: number;
  readonly bigEndian: boolean;
}

/** BundleEntryProto: dtype 1, shape 2, shard_id 3, offset 4, size 5, crc32c 6 (fixed32, masked), slices 7. */
export interface BundleEntry {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly shard: number;
  readonly offset: number;
  readonly size: number;
  /** Of the stored bytes, unmasked. */
  readonly crc: number;
  /** Where the variable was saved in pieces: each has an entry of its own and offset, size and crc here mean nothing. */
  readonly slices: readonly Slice[];
}

export interface BundleIndex {
  readonly header: BundleHeader;
  /** In the file's order; keys are bytes, one character each (see keyText). */
  readonly entries: ReadonlyMap<string, BundleEntry>;
}

/** Names of data files have five digits. */
const maxShards = 100_000;

/** A rank beyond this is no tensor: TensorFlow itself stops at 254. */
const maxRank = 254;

/** Reads a `.index` file whole. Throws `malformed`, `truncated`, `unsupported`. */
export async function readBundleIndex(source: ByteSource): Promise<BundleIndex> {
  const table = await openTable(source);
  let header: BundleHeader | undefined;
  const entries = new Map<string, BundleEntry>();
  for await (const { key, bytes } of tableEntries(table)) {
    const value = bytes ?? new Uint8Array(0);
    if (key.length === 0) {
      header = parseHeader(value);
      continue;
    }
    if (header === undefined) break;
    const text = keyText(key);
    const tensor = key[0] === 0 ? undefined : new TextDecoder().decode(key);
    entries.set(text, await locate({ file: source.name, ...(tensor === undefined ? {} : { tensor }) }, async () => parseEntry(value)));
  }
  if (header === undefined) throw new CheckpointError("malformed", "the index has no header entry", { file: source.name });
  return { header, entries };
}

function parseHeader(bytes: Uint8Array): BundleHeader {
  let shards = 0;
  let endianness = 0;
  for (const field of fields(bytes)) {
    if (field.number === 1) shards = int32(field, "number of shards");
    if (field.number === 2) endianness = uint32(field, "byte order");
  }
  if (shards < 0 || shards > maxShards) throw new CheckpointError("malformed", `the index says that there are ${shards} data files`);
  if (endianness > 1) throw new CheckpointError("malformed", `byte order ${endianness} is neither 0 (little) nor 1 (big)`);
  return { shards, bigEndian: endianness === 1 };
}

function parseEntry(bytes: Uint8Array): BundleEntry {
  const entry = { dtype: 0, shard: 0, offset: 0, size: 0, crc: 0 };
  let shape: readonly number[] = [];
  const slices: Slice[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) entry.dtype = uint32(field, "dtype");
    else if (field.number === 2) shape = parseShape(bytesOf(field, "shape"));
    else if (field.number === 3) entry.shard = int32(field, "number of its data file");
    else if (field.number === 4) entry.offset = int64(field, "offset");
    else if (field.number === 5) entry.size = int64(field, "size");
    else if (field.number === 6) entry.crc = unmaskCrc(fixed32(field, "checksum"));
    else if (field.number === 7) slices.push(parseSlice(bytesOf(field, "slice")));
  }
  if (entry.offset < 0 || entry.size < 0 || entry.shard < 0) {
    throw new CheckpointError("malformed", `${entry.size} bytes at ${entry.offset} of data file ${entry.shard} is no place in a file`);
  }
  return { ...entry, shape, slices };
}

/** TensorShapeProto: dim 2 {size 1, name 2}, unknown_rank 3. Throws `malformed` for what no stored tensor can have. */
export function parseShape(bytes: Uint8Array): readonly number[] {
  const shape: number[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 3 && bool(field, "unknown rank")) throw new CheckpointError("malformed", "its rank is unknown");
    if (field.number !== 2) continue;
    let size = 0;
    for (const part of fields(bytesOf(field, "dimension"))) if (part.number === 1) size = int64(part, "dimension");
    if (size < 0) throw new CheckpointError("malformed", `it has a dimension of ${size}`);
    shape.push(size);
    if (shape.length > maxRank) throw new CheckpointError("malformed", `it has more than ${maxRank} dimensions`);
  }
  return shape;
}

/** What a table that ends as one holds: its first key is empty in both, and its value tells. */
export async function tableKind(source: ByteSource): Promise<"v1" | "v2" | undefined> {
  const table = await openTable(source);
  const first: TableEntry | undefined =
    (await tableEntries({ source, blocks: table.blocks.slice(0, 1) }, 1 << 20).next()).value ?? undefined;
  if (first === undefined || first.key.length !== 0) return undefined;
  const head = await first.value.read(0, Math.min(16, first.value.size));
  // V1: SavedTensorSlices, whose field 1 is a message (tag 0a). V2: BundleHeaderProto, field 1 a varint (08), 2 a varint, 3 a message.
  if (head[0] === 0x0a) return "v1";
  return head.length === 0 || head[0] === 0x08 || head[0] === 0x10 || head[0] === 0x1a ? "v2" : undefined;
}
