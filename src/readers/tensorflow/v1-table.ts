import { expectWire, FieldReader, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import { openTable, type StoredValue, sstableBlocks, type TableEntry } from "../../encodings/sstable/sstable.ts";
import { CheckpointError } from "../../errors.ts";
import { utf8 } from "../../io/bytes.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { readShape } from "./bundle-index.ts";
import { keyText, readSlice, type SliceExtents } from "./slices.ts";
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
  readonly slices: readonly SliceExtents[];
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
  for await (const block of sstableBlocks(table, wholeBlock)) {
    for (const entry of block) {
      if (entry.key.length === 0) metas = await readMeta(entry, source.name);
      else if (metas === undefined) throw noList(source.name);
      else values.set(keyText(entry.key), entry.bytes === undefined ? await savedSlice(entry) : smallSlice(entry, entry.bytes));
    }
  }
  if (metas === undefined) throw noList(source.name);
  return { metas, values };
}

function noList(file: string): CheckpointError {
  return new CheckpointError("malformed", "the table has no list of its tensors", { file });
}

async function readMeta(entry: TableEntry, file: string): Promise<readonly V1Meta[]> {
  const { length } = entry.stored;
  if (length > maxMeta) {
    throw new CheckpointError("unsupported", `the list of tensors has ${length} bytes, at most ${maxMeta} are read`, { file });
  }
  const bytes = entry.bytes ?? (await entry.stored.part(0, length).read(0, length));
  const metas: V1Meta[] = [];
  const outer = new FieldReader(bytes, { file });
  while (outer.next()) {
    if (outer.number !== 1) continue;
    const field = outer.inner("the list of tensors");
    while (field.next()) if (field.number === 1) metas.push(parseMeta(field.inner("a tensor"), file));
  }
  return metas;
}

function parseMeta(field: FieldReader, file: string): V1Meta {
  let name = "";
  let shape: readonly number[] = [];
  let dtype = 0;
  const slices: SliceExtents[] = [];
  try {
    while (field.next()) {
      if (field.number === 1) name = nameText(field);
      else if (field.number === 2) shape = readShape(field.inner("shape"));
      else if (field.number === 3) dtype = uint32(field, "dtype");
      else if (field.number === 4) slices.push(readSlice(field.inner("slice")));
    }
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ file, tensor: name }) : error;
  }
  return { name, shape, dtype, slices };
}

function nameText(field: FieldReader): string {
  expectWire(field, 2, "name");
  return utf8(field.payload());
}

/** The TensorProto of a slice: bytes of a table's value. */
class SliceProto implements ProtoPlace {
  readonly size: number;
  readonly #value: StoredValue;
  readonly #offset: number;

  constructor(value: StoredValue, { offset, length }: Place) {
    this.#value = value;
    this.#offset = offset;
    this.size = length;
  }

  get message(): ByteSource {
    return window(this.#value.walked(), this.#offset, this.size);
  }

  part(offset: number, length: number): ByteSource {
    return this.#value.part(this.#offset + offset, length);
  }
}

interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The TensorProto inside SavedTensorSlices.data (2), SavedSlice.data (3), in memory. */
function smallSlice({ key, stored }: TableEntry, bytes: Uint8Array): SliceProto {
  const inside = ({ offset, length }: Place, number: number): Place => {
    let found: Place | undefined;
    const field = new FieldReader(bytes, {}, offset, offset + length);
    while (field.next()) {
      if (field.number !== number) continue;
      expectWire(field, 2, "values of a slice");
      found = { offset: field.offset, length: field.length };
    }
    return found ?? noTensor(key);
  };
  return new SliceProto(stored, inside(inside({ offset: 0, length: bytes.length }, 2), 3));
}

/** The same in the file. */
async function savedSlice({ key, stored }: TableEntry): Promise<SliceProto> {
  const value = stored.walked();
  const inside = async ({ offset, length }: Place, number: number): Promise<Place> => {
    let found: Place | undefined;
    for await (const field of sourceFields(value, offset, offset + length)) {
      if (field.number !== number) continue;
      expectWire(field, 2, "values of a slice");
      found = field;
    }
    return found ?? noTensor(key);
  };
  return new SliceProto(stored, await inside(await inside({ offset: 0, length: value.size }, 2), 3));
}

function noTensor(key: Uint8Array): never {
  throw new CheckpointError("malformed", `the entry ${JSON.stringify(keyText(key))} holds no tensor`);
}
