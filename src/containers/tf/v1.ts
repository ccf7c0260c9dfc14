import { CheckpointError, locate } from "../../errors.ts";
import type { ByteSource } from "../../io/source.ts";
import { window } from "../../io/window.ts";
import { bytesOf, expectWire, fields, sourceFields, text, uint32 } from "../protobuf.ts";
import { openTable, type TableEntry, tableEntries } from "../sstable.ts";
import { parseShape } from "./bundle-index.ts";
import { keyText, parseSlice, type Slice } from "./slices.ts";
import type { ProtoPlace } from "./tensor-proto.ts";

/**
 * One file of a TF V1 checkpoint (tensorflow/core/util/saved_tensor_slice.proto): a table whose values are SavedTensorSlices
 * {meta 1, data 2}. The empty key has meta {tensor 1 {name 1, shape 2, type 3, slice 4}, versions 2}; the key of each slice has
 * data {name 1, slice 2, data 3: a TensorProto without dtype and shape}.
 */

/** Blocks up to this size are read whole when the file is opened; of larger ones (one tensor each) the heads alone. */
const wholeBlock = 1 << 20;
/** The list of all tensors: some 100 bytes for each. */
const maxMeta = 64 << 20;

export interface V1Meta {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly slices: readonly Slice[];
}

export interface V1File {
  readonly metas: readonly V1Meta[];
  /** Values by table key (see keyText). */
  readonly values: ReadonlyMap<string, ProtoPlace>;
}

/** Throws `malformed`, `truncated`, `unsupported`. */
export async function readV1File(source: ByteSource): Promise<V1File> {
  const table = await openTable(source);
  let metas: readonly V1Meta[] | undefined;
  const values = new Map<string, ProtoPlace>();
  for await (const entry of tableEntries(table, wholeBlock)) {
    if (entry.key.length === 0) metas = await readMeta(entry, source.name);
    else if (metas === undefined) break;
    else values.set(keyText(entry.key), await locate({ file: source.name }, () => savedSlice(entry)));
  }
  if (metas === undefined) throw new CheckpointError("malformed", "the table has no list of its tensors", { file: source.name });
  return { metas, values };
}

async function readMeta(entry: TableEntry, file: string): Promise<readonly V1Meta[]> {
  if (entry.value.size > maxMeta) {
    throw new CheckpointError("unsupported", `the list of tensors has ${entry.value.size} bytes, at most ${maxMeta} are read`, { file });
  }
  const bytes = entry.bytes ?? (await entry.part(0, entry.value.size, "").read(0, entry.value.size));
  const metas: V1Meta[] = [];
  for (const outer of fields(bytes, { file })) {
    if (outer.number !== 1) continue;
    for (const field of fields(bytesOf(outer, "the list of tensors"), { file }))
      if (field.number === 1) metas.push(parseMeta(bytesOf(field, "a tensor"), file));
  }
  return metas;
}

function parseMeta(bytes: Uint8Array, file: string): V1Meta {
  let name = "";
  let shape: readonly number[] = [];
  let dtype = 0;
  const slices: Slice[] = [];
  try {
    for (const field of fields(bytes)) {
      if (field.number === 1) name = text(field, "name");
      else if (field.number === 2) shape = parseShape(bytesOf(field, "shape"));
      else if (field.number === 3) dtype = uint32(field, "dtype");
      else if (field.number === 4) slices.push(parseSlice(bytesOf(field, "slice")));
    }
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ file, tensor: name }) : error;
  }
  return { name, shape, dtype, slices };
}

/** The TensorProto inside SavedTensorSlices.data (2), SavedSlice.data (3). */
async function savedSlice(entry: TableEntry): Promise<ProtoPlace> {
  const slice = await submessage(entry, { offset: 0, length: entry.value.size }, 2, "values of a slice");
  const proto = slice === undefined ? undefined : await submessage(entry, slice, 3, "a tensor");
  if (proto === undefined) throw new CheckpointError("malformed", `the entry ${JSON.stringify(keyText(entry.key))} holds no tensor`);
  return {
    message: window(entry.value, proto.offset, proto.length),
    part: (offset, length) => entry.part(proto.offset + offset, length, ""),
  };
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The last field of this number in a message of an entry, without an await for each field where its bytes are in memory. */
async function submessage(entry: TableEntry, { offset, length }: Place, number: number, what: string): Promise<Place | undefined> {
  let found: Place | undefined;
  if (entry.bytes !== undefined) {
    for (const field of fields(entry.bytes.subarray(offset, offset + length))) {
      if (field.number !== number) continue;
      expectWire(field, 2, what);
      found = { offset: offset + field.offset, length: field.length };
    }
    return found;
  }
  for await (const field of sourceFields(entry.value, offset, offset + length)) {
    if (field.number !== number) continue;
    expectWire(field, 2, what);
    found = { offset: field.offset, length: field.length };
  }
  return found;
}
