import { unmaskCrc } from "../../encodings/checksum/crc32c.ts";
import { bool, FieldReader, fields, fixed32, int32, int64, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { openTable, sstableBlocks } from "../../encodings/sstable/sstable.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { keyText, readSlice, type SliceExtents } from "./slices.ts";

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
  readonly slices: readonly SliceExtents[];
}

export interface BundleIndex {
  readonly header: BundleHeader;
  /** In the file's order; keys are bytes, one character each (see keyText). */
  readonly entries: ReadonlyMap<string, BundleEntry>;
}

const nothing = new Uint8Array(0);
const noSlices: readonly SliceExtents[] = [];
const noDimensions: readonly number[] = [];
/** Names of data files have five digits. */
const maxShards = 100_000;

/** A rank beyond this is no tensor: TensorFlow itself stops at 254. */
const maxRank = 254;

/** Reads a `.index` file whole. Throws `malformed`, `truncated`, `unsupported`. */
export async function readBundleIndex(source: ByteSource): Promise<BundleIndex> {
  const table = await openTable(source);
  let header: BundleHeader | undefined;
  const entries = new Map<string, BundleEntry>();
  let before: readonly number[] = noDimensions;
  for await (const block of sstableBlocks(table)) {
    for (const { key, bytes = nothing } of block) {
      if (key.length === 0) header = parseHeader(bytes);
      else if (header === undefined) throw new CheckpointError("malformed", "the index has no header entry", { file: source.name });
      else {
        const entry = parseEntry(bytes, key, before);
        before = entry.shape;
        entries.set(keyText(key), entry);
      }
    }
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

/** `before`: a shape that is kept once where the entry has the same. */
function parseEntry(bytes: Uint8Array, key: Uint8Array, before: readonly number[]): BundleEntry {
  try {
    return readEntry(bytes, before);
  } catch (error) {
    throw error instanceof CheckpointError && key[0] !== 0 ? error.at({ tensor: new TextDecoder().decode(key) }) : error;
  }
}

function readEntry(bytes: Uint8Array, before: readonly number[]): BundleEntry {
  let [dtype, shard, offset, size, crc] = [0, 0, 0, 0, 0];
  let shape: readonly number[] = noDimensions;
  let slices: SliceExtents[] | undefined;
  const field = new FieldReader(bytes);
  while (field.next()) {
    if (field.number === 1) dtype = uint32(field, "dtype");
    else if (field.number === 2) shape = readShape(field.inner("shape"));
    else if (field.number === 3) shard = int32(field, "number of its data file");
    else if (field.number === 4) offset = int64(field, "offset");
    else if (field.number === 5) size = int64(field, "size");
    else if (field.number === 6) crc = unmaskCrc(fixed32(field, "checksum"));
    else if (field.number === 7) {
      slices ??= [];
      slices.push(readSlice(field.inner("slice")));
    }
  }
  if (offset < 0 || size < 0 || shard < 0) {
    throw new CheckpointError("malformed", `${size} bytes at ${offset} of data file ${shard} is no place in a file`);
  }
  if (shape.length === before.length && shape.every((size, axis) => size === before[axis])) shape = before;
  return { dtype, shape, shard, offset, size, crc, slices: slices ?? noSlices };
}

/** TensorShapeProto: dim 2 {size 1, name 2}, unknown_rank 3. Throws `malformed` for what no stored tensor can have. */
export function parseShape(bytes: Uint8Array): readonly number[] {
  return readShape(new FieldReader(bytes));
}

/** The same of a reader's message. */
export function readShape(field: FieldReader): readonly number[] {
  const shape: number[] = [];
  while (field.next()) {
    if (field.number === 3 && bool(field, "unknown rank")) throw new CheckpointError("malformed", "its rank is unknown");
    if (field.number !== 2) continue;
    let size = 0;
    const part = field.inner("dimension");
    while (part.next()) if (part.number === 1) size = int64(part, "dimension");
    if (size < 0) throw new CheckpointError("malformed", `it has a dimension of ${size}`);
    shape.push(size);
    if (shape.length > maxRank) throw new CheckpointError("malformed", `it has more than ${maxRank} dimensions`);
  }
  return shape;
}

/** What a table that ends as one holds: its first key is empty in both, and its value tells. */
export async function tableKind(source: ByteSource): Promise<"v1" | "v2" | undefined> {
  const table = await openTable(source);
  const blocks = sstableBlocks({ source, blocks: table.blocks.slice(0, 1) }, 1 << 20);
  const [first] = (await blocks.next()).value ?? [];
  if (first === undefined || first.key.length !== 0) return undefined;
  const head = first.bytes?.subarray(0, 16) ?? (await first.stored.walked().read(0, Math.min(16, first.stored.length)));
  // V1: SavedTensorSlices, whose field 1 is a message (tag 0a). V2: BundleHeaderProto, field 1 a varint (08), 2 a varint, 3 a message.
  if (head[0] === 0x0a) return "v1";
  return head.length === 0 || head[0] === 0x08 || head[0] === 0x10 || head[0] === 0x1a ? "v2" : undefined;
}
