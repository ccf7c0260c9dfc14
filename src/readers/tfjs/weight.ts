import { isObject, type Json } from "../../encodings/json/json.ts";
import { CheckpointError } from "../../errors.ts";
import { mapped } from "../../io/source/mapped.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { castValues } from "../../tensor/move/cast.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** A weight and the bytes that it takes in its group. */
export interface Weight {
  readonly tensor: Tensor;
  readonly size: number;
}

const dtypes: ReadonlyMap<string, NumericDType> = new Map([
  ["float32", "float32"],
  ["int32", "int32"],
  ["bool", "bool"],
  ["complex64", "complex64"],
  ["uint8", "uint8"],
  ["uint16", "uint16"],
  ["float16", "float16"],
]);

/**
 * One entry of a manifest, {name, shape, dtype, [quantization]}, whose bytes start at `offset`. Little-endian; a quantised
 * one is given as what TensorFlow.js makes of it. Throws `truncated` where the files end before its last byte.
 */
export async function readWeight(source: ByteSource, offset: number, entry: Json): Promise<Weight> {
  const name = isObject(entry) ? entry.get("name") : undefined;
  if (!isObject(entry) || typeof name !== "string")
    throw new CheckpointError("malformed", "a weight without a name", { file: source.name });
  const where = { file: source.name, tensor: name };
  const shape = shapeOf(entry.get("shape"));
  const type = entry.get("dtype");
  if (shape === undefined) throw new CheckpointError("malformed", "its shape is no list of non-negative integers", where);
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(count)) throw new CheckpointError("malformed", `shape ${shape.join("x")} is beyond any file`, where);
  if (type === "string") return readStrings(source, offset, name, shape, count);
  const dtype = typeof type === "string" ? dtypes.get(type) : undefined;
  if (dtype === undefined) throw new CheckpointError("unsupported", `weights of dtype ${String(type)} are not read`, where);
  const quantization = entry.get("quantization");
  if (isObject(quantization)) return readQuantised(source, offset, { name, shape, dtype, count }, quantization);
  return { tensor: contiguous({ name, dtype, shape, source, offset }), size: count * itemsize(dtype) };
}

function shapeOf(value: Json | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const shape: number[] = [];
  for (const dim of value) {
    if (typeof dim !== "number" || !Number.isSafeInteger(dim) || dim < 0) return undefined;
    shape.push(dim);
  }
  return shape;
}

interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: NumericDType;
  readonly count: number;
}

/**
 * uint8 and uint16: value = q · scale + min, computed in double precision and rounded once, as the tensorflowjs package
 * does; for int32 rounded to the nearest integer. float16 is widened.
 */
function readQuantised(source: ByteSource, offset: number, wanted: Wanted, quantization: ReadonlyMap<string, Json>): Weight {
  const { name, shape, dtype, count } = wanted;
  const where = { file: source.name, tensor: name };
  const kept = quantization.get("dtype");
  const width = kept === "uint8" ? 1 : 2;
  const size = count * width;
  if (offset + size > source.size) {
    throw new CheckpointError("truncated", `${size} bytes of values needed, ${Math.max(0, source.size - offset)} are there`, {
      ...where,
      offset,
    });
  }
  const stored = window(source, offset, size);
  if (kept === "float16") {
    if (dtype !== "float32") throw new CheckpointError("malformed", `float16 quantisation of ${dtype}`, where);
    const values = mapped(stored, 2, 4, (input, output) =>
      castValues({ bytes: input, dtype: "float16" }, { bytes: output, dtype: "float32" }, input.length / 2),
    );
    return { tensor: contiguous({ name, dtype, shape, source: values, stored: { kind: "rounded", dtype: "float16" } }), size };
  }
  const scale = quantization.get("scale");
  const min = quantization.get("min");
  if ((kept !== "uint8" && kept !== "uint16") || typeof scale !== "number" || typeof min !== "number") {
    throw new CheckpointError("unsupported", `quantisation to ${String(kept)} is not known, or lacks scale and min`, where);
  }
  if (dtype !== "float32" && dtype !== "int32") throw new CheckpointError("malformed", `quantisation of ${dtype}`, where);
  const values = mapped(stored, width, 4, dequantise(width, scale, min, dtype));
  return { tensor: contiguous({ name, dtype, shape, source: values, stored: { kind: "quantised", dtype: kept, scale, min } }), size };
}

function dequantise(width: 1 | 2, scale: number, min: number, dtype: "float32" | "int32"): (input: Uint8Array, output: Uint8Array) => void {
  return (input, output) => {
    const from = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const to = new DataView(output.buffer, output.byteOffset, output.byteLength);
    for (let k = 0; k * width < input.length; k++) {
      const q = width === 1 ? from.getUint8(k) : from.getUint16(k * 2, true);
      const value = q * scale + min;
      if (dtype === "int32") to.setInt32(k * 4, Math.round(value), true);
      else to.setFloat32(k * 4, value, true);
    }
  };
}

/** Each element: u32 length, then its bytes. Lengths are read here, because the next weight starts behind them. */
async function readStrings(source: ByteSource, offset: number, name: string, shape: readonly number[], count: number): Promise<Weight> {
  const where = { file: source.name, tensor: name, offset };
  if (count * 4 > source.size - offset)
    throw new CheckpointError("truncated", `${count} texts, ${source.size - offset} bytes are left`, where);
  const places: { at: number; length: number }[] = [];
  let at = offset;
  for (let index = 0; index < count; index++) {
    const prefix = await source.read(at, 4);
    const length = new DataView(prefix.buffer, prefix.byteOffset, 4).getUint32(0, true);
    places.push({ at: at + 4, length });
    at += 4 + length;
    if (at > source.size) throw new CheckpointError("truncated", `text ${index} of ${length} bytes reaches beyond the end`, where);
  }
  async function* elements(): AsyncGenerator<Uint8Array> {
    for (const place of places) yield source.read(place.at, place.length);
  }
  return { tensor: { name, shape, dtype: "string", elements }, size: at - offset };
}
