import { CheckpointError } from "../../errors.ts";
import { utf8Bytes, utf8Length } from "../../io/bytes.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { jsonText, specBytes, textPiece, type WritableJson } from "../pieces.ts";

/** The format's names; what is not here it cannot hold (github.com/huggingface/safetensors, enum Dtype). */
const names: Readonly<Partial<Record<NumericDType, string>>> = {
  bool: "BOOL",
  int8: "I8",
  uint8: "U8",
  int16: "I16",
  uint16: "U16",
  int32: "I32",
  uint32: "U32",
  int64: "I64",
  uint64: "U64",
  float16: "F16",
  bfloat16: "BF16",
  float32: "F32",
  float64: "F64",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  float8_e8m0fnu: "F8_E8M0",
  complex64: "C64",
};

/** The reference refuses longer headers (MAX_HEADER_SIZE). */
const maxHeaderBytes = 100_000_000;

/**
 * One `.safetensors`, or, with the option `max-shard-size` (bytes) or where the name is that of an index, as many as needed and the index
 * that Hugging Face's loaders look for: `<stem>-00001-of-00003.safetensors`, `<stem>.safetensors.index.json`.
 */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const limit = input.options.get("max-shard-size");
    const shards = limit === undefined || input.tensors.length === 0 ? [input.tensors] : cut(input.tensors, Number(limit));
    const [only] = shards;
    const indexed = input.name.endsWith(".safetensors.index.json");
    if (!indexed && (only === undefined || shards.length === 1)) return [file(input.name, only ?? [], input.metadata)];
    const stem = input.name.replace(/\.safetensors(\.index\.json)?$/, "");
    const parts = shards.map((tensors, k) => ({ name: shardName(stem, k, shards.length), tensors }));
    const index = {
      metadata: new Map<string, WritableJson>([...input.metadata, ["total_size", sum(input.tensors)]]),
      weight_map: new Map(parts.flatMap(({ name, tensors }) => tensors.map(({ key }) => [key, baseName(name)] as const))),
    };
    return [
      ...parts.map(({ name, tensors }) => file(name, tensors, input.metadata)),
      { name: `${stem}.safetensors.index.json`, pieces: [textPiece(`${jsonText(index, 2)}\n`)] },
    ];
  },
};

function shardName(stem: string, k: number, of: number): string {
  return `${stem}-${String(k + 1).padStart(5, "0")}-of-${String(of).padStart(5, "0")}.safetensors`;
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Consecutive tensors up to `limit` bytes; a larger tensor has a shard to itself. */
function cut(tensors: readonly TensorSpec[], limit: number): readonly (readonly TensorSpec[])[] {
  const shards: TensorSpec[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = specBytes(tensor);
    const last = shards.at(-1);
    if (last === undefined || bytes > room) {
      shards.push([tensor]);
      room = limit - bytes;
    } else {
      last.push(tensor);
      room -= bytes;
    }
  }
  return shards;
}

/** Length of the header (u64, little-endian), JSON padded with spaces to 8 bytes, the data without gaps. */
function file(name: string, tensors: readonly TensorSpec[], metadata: ReadonlyMap<string, string>): FileLayout {
  // Wide elements first, otherwise in the order given: then every tensor is at a multiple of its element's size.
  const ordered = tensors.toSorted((a, b) => itemsize(b.dtype) - itemsize(a.dtype));
  const text = (): Iterable<string> => headerText(ordered, metadata);
  let characters = 0;
  for (const part of text()) characters += utf8Length(part);
  const length = Math.ceil(characters / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new CheckpointError("unsupported", `a safetensors header of ${length} bytes; readers take ${maxHeaderBytes} at most`);
  }
  return {
    name,
    pieces: [
      { kind: "made", byteLength: 8 + length, make: () => headerBytes(text(), length, length - characters) },
      { kind: "tensors", tensors: ordered, byteLength: sum(ordered) },
    ],
  };
}

/** Tensors whose entries are put together into one text. */
const entriesAtOnce = 512;

/** The JSON of a header in parts: of a hundred thousand tensors it is never all there. */
function* headerText(tensors: readonly TensorSpec[], metadata: ReadonlyMap<string, string>): Generator<string> {
  let text = metadata.size > 0 ? `{"__metadata__":${jsonText(metadata)}` : "{";
  let end = 0;
  for (const [k, tensor] of tensors.entries()) {
    const start = end;
    end += specBytes(tensor);
    const comma = k > 0 || metadata.size > 0 ? "," : "";
    const entry = { dtype: dtypeName(tensor), shape: tensor.shape, data_offsets: [start, end] };
    text += `${comma}${JSON.stringify(tensor.key)}:${jsonText(entry)}`;
    if ((k + 1) % entriesAtOnce > 0) continue;
    yield text;
    text = "";
  }
  yield `${text}}`;
}

function* headerBytes(text: Iterable<string>, length: number, padding: number): Generator<Uint8Array> {
  const first = new Uint8Array(8);
  new DataView(first.buffer).setBigUint64(0, BigInt(length), true);
  yield first;
  for (const part of text) yield utf8Bytes(part);
  if (padding > 0) yield new Uint8Array(padding).fill(0x20);
}

function dtypeName(tensor: TensorSpec): string {
  if (tensor.key === "__metadata__") {
    throw new CheckpointError("unsupported", "a tensor named __metadata__ has no place in safetensors", { tensor: tensor.key });
  }
  const name = names[tensor.dtype];
  if (name === undefined) {
    throw new CheckpointError("unsupported", `${tensor.dtype} has no place in safetensors`, { tensor: tensor.key });
  }
  return name;
}

function sum(tensors: readonly TensorSpec[]): number {
  return tensors.reduce((total, tensor) => total + specBytes(tensor), 0);
}
