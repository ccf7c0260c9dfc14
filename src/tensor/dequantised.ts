import { mapped } from "../io/source/mapped.ts";
import { window } from "../io/source/window.ts";
import type { Checkpoint, Note } from "./checkpoint.ts";
import { itemsize, type NumericDType } from "./dtype.ts";
import { castValues } from "./move/cast.ts";
import { elementCount } from "./shape.ts";
import type { NumericTensor, Part } from "./tensor.ts";

/** What turns stored whole numbers q into real ones: (q − zero point) · scale, one pair for all or one for each index along `axis`. */
export interface Scaling {
  readonly axis: number | undefined;
  /** Read when values are; as many zero points as scales. */
  read(): Promise<{ readonly scales: ArrayLike<number>; readonly zeroPoints: ArrayLike<number> }>;
}

/** The whole numbers of a type, from little-endian bytes. */
const reads: ReadonlyMap<NumericDType, (view: DataView, at: number) => number> = new Map([
  ["int8", (view: DataView, at: number) => view.getInt8(at)],
  ["uint8", (view, at) => view.getUint8(at)],
  ["int16", (view, at) => view.getInt16(at, true)],
  ["uint16", (view, at) => view.getUint16(at, true)],
  ["int32", (view, at) => view.getInt32(at, true)],
]);

/**
 * The real numbers behind a quantised tensor, as float32 of the same name and shape: differences and products are rounded once to float32, as
 * ONNX Runtime and PyTorch do. Undefined for other types.
 */
export function dequantised(tensor: NumericTensor, scaling: Scaling): NumericTensor | undefined {
  const number = reads.get(tensor.dtype);
  if (number === undefined) return undefined;
  const { name, shape, dtype, label, kind } = tensor;
  const { axis } = scaling;
  let values: ReturnType<Scaling["read"]> | undefined;
  return {
    name,
    shape,
    dtype: "float32",
    stored: { kind: "scaled", dtype, axis },
    ...(label === undefined ? {} : { label }),
    ...(kind === undefined ? {} : { kind }),
    async parts() {
      values ??= scaling.read();
      const read = await values;
      const width = itemsize(dtype);
      const stored = elementCount(shape) === 0 ? [] : await tensor.parts();
      return stored.flatMap((part) => {
        const pieces = axis === undefined || isDense(part, axis, width) ? [part] : along(part, axis);
        return pieces.map((piece) => realPart(piece, width, axis, read, number));
      });
    },
  };
}

/**
 * The numbers of a scalar or a vector, in any type but complex ones. They are read at once, without the buffers of a run: parts are asked for
 * while another tensor moves.
 */
export async function vectorNumbers(tensor: NumericTensor): Promise<Float64Array> {
  const { dtype } = tensor;
  const width = itemsize(dtype);
  const numbers: number[] = [];
  for (const { source, offset, shape, strides } of await tensor.parts()) {
    const count = elementCount(shape);
    const stride = strides.at(-1) ?? width;
    for (let k = 0; k < count; k += 1) {
      const bytes = new Uint8Array(8);
      castValues({ bytes: await source.read(offset + k * stride, width), dtype }, { bytes, dtype: "float64" }, 1);
      numbers.push(new DataView(bytes.buffer).getFloat64(0, true));
    }
  }
  return Float64Array.from(numbers);
}

type Scales = Awaited<ReturnType<Scaling["read"]>>;

function realPart(
  part: Part,
  width: number,
  axis: number | undefined,
  { scales, zeroPoints }: Scales,
  number: (view: DataView, at: number) => number,
): Part {
  const extent = part.shape.reduce((sum, size, k) => sum + (size - 1) * (part.strides[k] ?? 0), width);
  const stride = axis === undefined ? extent : (part.strides[axis] ?? 0);
  const inner = stride / width;
  const [first, count] = axis === undefined ? [0, 1] : [part.start[axis] ?? 0, part.shape[axis] ?? 1];
  const source = mapped(window(part.source, part.offset, extent), width, 4, (input, output, element) => {
    const from = new DataView(input.buffer, input.byteOffset, input.byteLength);
    const to = new DataView(output.buffer, output.byteOffset, output.byteLength);
    for (let k = 0; k * width < input.length; k += 1) {
      const channel = count === 1 ? first : first + (Math.floor((element + k) / inner) % count);
      const difference = Math.fround(number(from, k * width) - (zeroPoints[channel] ?? 0));
      to.setFloat32(4 * k, difference * Math.fround(scales[channel] ?? Number.NaN), true);
    }
  });
  return { ...part, source, offset: 0, strides: part.strides.map((step) => (step / width) * 4) };
}

/** Whether an element's place tells its index along an axis: the axes within it fill its stride, those around it are whole multiples. */
function isDense({ shape, strides }: Part, axis: number, width: number): boolean {
  const own = strides[axis] ?? 0;
  const whole = own * (shape[axis] ?? 1);
  let within = width;
  for (const [k, stride] of strides.entries()) {
    const size = shape[k] ?? 1;
    if (k === axis || size === 1) continue;
    if (stride < own) within += (size - 1) * stride;
    else if (stride % whole !== 0) return false;
  }
  return within <= own;
}

/** A part for each index along an axis. */
function along(part: Part, axis: number): readonly Part[] {
  return Array.from({ length: part.shape[axis] ?? 0 }, (_, index) => ({
    source: part.source,
    offset: part.offset + index * (part.strides[axis] ?? 0),
    start: part.start.map((start, k) => (k === axis ? start + index : start)),
    shape: part.shape.map((size, k) => (k === axis ? 1 : size)),
    strides: part.strides,
  }));
}

/** A checkpoint with the real numbers of tensors that it does not list: what a network computes with. */
export function withRealNumbers(checkpoint: Checkpoint): Checkpoint {
  return checkpoint.dequantised === undefined ? checkpoint : { ...checkpoint, ...checkpoint.dequantised };
}

/** What a reader says of a file with such tensors. `stored`: the type that each is kept in. */
export function quantisedNotes(real: ReadonlyMap<string, NumericTensor>, stored: (name: string) => string | undefined): readonly Note[] {
  const [first] = real.keys();
  if (first === undefined) return [];
  const types = [...new Set([...real.keys()].flatMap((name) => stored(name) ?? []))].sort().join(", ");
  const some = real.size === 1 ? `${first} is quantised (${types})` : `${real.size} tensors are quantised (${types}, ${first} among them)`;
  const message = `${some}: their values are (stored − zero point) · scale`;
  return [{ code: "quantised", message, tensor: first }];
}
