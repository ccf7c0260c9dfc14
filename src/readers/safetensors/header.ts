import { isObject, type Json, occursTwice } from "../../encodings/json/json.ts";
import { eachJsonEntry } from "../../encodings/json/json-entries.ts";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { DenseTensor } from "../../tensor/contiguous.ts";
import type { NumericDType } from "../../tensor/dtype.ts";

/*
 * safetensors (huggingface/safetensors, README "Format" and src/tensor.rs): u64 N, N bytes of JSON, then the data.
 * {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {"k": "v"}}; offsets
 * count from the end of the header; row-major, packed, little-endian. The checks are the reference's, in its order;
 * beyond them a key that occurs twice is refused, and a dimension that a double cannot hold.
 */

/** An entry whose elements take less than a byte. */
export interface SmallElements {
  readonly name: string;
  /** The element type as the file spells it. */
  readonly stored: string;
  /** Where they start in the file, in bytes. */
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, DenseTensor>;
  readonly small: readonly SmallElements[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reference refuses longer headers. */
const maxHeader = 100_000_000;

/** Bytes of a tensor in a header, about. */
const headerEntry = 100;

/** Shapes that the next one is compared with. */
const keptShapes = 16;

/** Name in the file: bits of an element and our name of it. */
const types: ReadonlyMap<string, readonly [bits: number, dtype: NumericDType | undefined]> = new Map([
  ["BOOL", [8, "bool"]],
  ["U8", [8, "uint8"]],
  ["I8", [8, "int8"]],
  ["F8_E5M2", [8, "float8_e5m2"]],
  ["F8_E4M3", [8, "float8_e4m3fn"]],
  ["F8_E8M0", [8, "float8_e8m0fnu"]],
  ["F8_E4M3FNUZ", [8, "float8_e4m3fnuz"]],
  ["F8_E5M2FNUZ", [8, "float8_e5m2fnuz"]],
  ["I16", [16, "int16"]],
  ["U16", [16, "uint16"]],
  ["F16", [16, "float16"]],
  ["BF16", [16, "bfloat16"]],
  ["I32", [32, "int32"]],
  ["U32", [32, "uint32"]],
  ["F32", [32, "float32"]],
  ["I64", [64, "int64"]],
  ["U64", [64, "uint64"]],
  ["F64", [64, "float64"]],
  ["C64", [64, "complex64"]],
  ["F4", [4, undefined]],
  ["F6_E2M3", [6, undefined]],
  ["F6_E3M2", [6, undefined]],
]);

/** Whether a file wants to be safetensors, be it cut short: a header length, then an opening brace (after blanks). */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  if (head.length < 10) return false;
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  const text = new TextDecoder("latin1").decode(head.subarray(8, 64));
  return length >= 2n && length < 2n ** 63n && /^\s*\{\s*["}]/.test(text);
}

/** Throws `truncated` where the file is shorter than its header says, else `malformed`. */
export async function readSafetensorsHeader(source: ByteSource, ctx?: Pick<Context, "expect">): Promise<SafetensorsHeader> {
  const file = source.name;
  if (source.size < 8)
    throw new CheckpointError("truncated", `safetensors starts with 8 bytes of header length, the file has ${source.size}`, { file });
  const prefix = await source.read(0, 8);
  const stated = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (stated > BigInt(maxHeader))
    throw new CheckpointError("malformed", `header of ${stated} bytes, the format allows ${maxHeader}`, { file, offset: 0 });
  const length = Number(stated);
  const dataStart = 8 + length;
  if (dataStart > source.size) {
    throw new CheckpointError("truncated", `header of ${length} bytes, ${source.size - 8} are left in the file`, { file, offset: 0 });
  }
  await ctx?.expect?.(length / headerEntry);
  const found = new Map<string, DenseTensor>();
  const small = new Map<string, SmallElements>();
  let metadata: ReadonlyMap<string, string> | undefined;
  const shapes = new Shapes();
  await eachJsonEntry(source, 8, length, (name, value) => {
    if (found.has(name) || small.has(name) || (name === "__metadata__" && metadata !== undefined)) throw occursTwice(name, file);
    if (name === "__metadata__") metadata = readMetadata(value, file);
    else {
      const { dtype, stored, shape, offset, size } = readEntry(name, value, dataStart, file);
      if (dtype === undefined) small.set(name, { name, stored, offset, size });
      else found.set(name, new DenseTensor({ name, dtype, shape: shapes.known(shape), source, offset }));
    }
  });
  const tensors = inOrder(found);
  checkCover(small.size === 0 ? tensors.values() : [...tensors.values(), ...small.values()].sort(byPlace), dataStart, source.size, file);
  return { tensors, small: [...small.values()], metadata: metadata ?? new Map() };
}

/** Where an entry is, in bytes. */
interface Placed {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

function byPlace(a: Placed, b: Placed): number {
  return a.offset - b.offset || a.size - b.size;
}

/** In the order of their bytes, as most headers have them. */
function inOrder(tensors: ReadonlyMap<string, DenseTensor>): ReadonlyMap<string, DenseTensor> {
  let before: DenseTensor | undefined;
  for (const tensor of tensors.values()) {
    if (before !== undefined && byPlace(before, tensor) > 0) return new Map([...tensors].sort(([, a], [, b]) => byPlace(a, b)));
    before = tensor;
  }
  return tensors;
}

/** Shapes seen of late: the same one is kept once, as a network of a hundred thousand tensors has few of them. */
class Shapes {
  readonly #seen: (readonly number[])[] = [];
  #next = 0;

  known(shape: readonly number[]): readonly number[] {
    const same = this.#seen.find((other) => other.length === shape.length && other.every((size, axis) => size === shape[axis]));
    if (same !== undefined) return same;
    this.#seen[this.#next] = shape;
    this.#next = (this.#next + 1) % keptShapes;
    return shape;
  }
}

function readMetadata(value: Json, file: string): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (!isObject(value)) throw new CheckpointError("malformed", "__metadata__ is no object of strings", { file, offset: 8 });
  for (const [key, text] of value) {
    if (typeof text !== "string") throw new CheckpointError("malformed", `__metadata__ value of ${key} is no string`, { file, offset: 8 });
    metadata.set(key, text);
  }
  return metadata;
}

interface Described {
  /** undefined: an element type of less than a byte. */
  readonly dtype: NumericDType | undefined;
  readonly stored: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

function readEntry(name: string, value: Json, dataStart: number, file: string): Described {
  const fail = (message: string): never => {
    throw new CheckpointError("malformed", message, { file, offset: 8, tensor: name });
  };
  if (!isObject(value)) return fail("tensor entry is no object");
  const stored = value.get("dtype");
  const type = typeof stored === "string" ? types.get(stored) : undefined;
  if (typeof stored !== "string" || type === undefined) return fail(`unknown dtype ${String(stored)}`);
  const [bits, dtype] = type;
  const shape = integers(value.get("shape")) ?? fail("shape is no list of non-negative integers below 2^53");
  const offsets = integers(value.get("data_offsets")) ?? fail("data_offsets is no pair of non-negative integers");
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2) return fail("data_offsets is no pair of non-negative integers");
  if (end < begin) return fail(`data_offsets run backwards, from ${begin} to ${end}`);
  let needed = bits;
  for (const dim of shape) {
    needed *= dim;
    if (!Number.isSafeInteger(needed)) return fail(`shape ${JSON.stringify(shape)} overflows any file`);
  }
  if (needed % 8 !== 0) return fail(`${stored} ${shape.join("x")} is no whole number of bytes`);
  if (needed / 8 !== end - begin) return fail(`${stored} ${shape.join("x")} needs ${needed / 8} bytes, data_offsets span ${end - begin}`);
  return { dtype, stored, shape, offset: dataStart + begin, size: end - begin };
}

function integers(value: Json | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (!value.every((item) => typeof item === "number" && Number.isSafeInteger(item) && item >= 0)) return undefined;
  // Of exactly that length: an array that is pushed to has room for 17, and a checkpoint may have a hundred thousand of them.
  return value.map(Number);
}

/** Each tensor starts where the one before ends, and the last ends with the file: no gap, no sharing, nothing behind. */
function checkCover(entries: Iterable<Placed>, dataStart: number, size: number, file: string): void {
  let at = dataStart;
  let before: string | undefined;
  for (const { name, offset, size: length } of entries) {
    const where = { file, offset, tensor: name };
    if (offset < at)
      throw new CheckpointError("malformed", `overlaps ${before ?? "the header"}: it starts ${at - offset} bytes before that ends`, where);
    if (offset > at) throw new CheckpointError("malformed", `${offset - at} bytes before it belong to no tensor`, where);
    at = offset + length;
    if (at > size) throw new CheckpointError("truncated", `needs bytes ${offset} to ${at}, the file has ${size}`, where);
    before = name;
  }
  if (at < size) throw new CheckpointError("malformed", `${size - at} bytes after the last tensor belong to none`, { file, offset: at });
}
