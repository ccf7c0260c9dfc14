import { CheckpointError } from "../../errors.ts";
import { byteSwapped } from "../../io/source/mapped.ts";
import { window } from "../../io/source/window.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { dtypes, isNumericDType, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, TensorKind } from "../../tensor/tensor.ts";
import { numeric as numpyTypes } from "../npy/npy.ts";
import { payload } from "./payload.ts";
import { bytesValue, integersOf, itemsOf } from "./standard.ts";
import { toLatin1 } from "./text.ts";
import { GlobalName, Interpreted, ObjectRecord, type PickleValue, Slice } from "./values.ts";

/*
 * How NumPy pickles arrays (numpy/_core/src/multiarray/methods.c, array_reduce):
 *   protocols 0 to 4  _reconstruct(ndarray, (0,), b"b"), then BUILD (version 1, shape, dtype, is_fortran, data); very old files
 *                     have no version
 *   protocol 5        _frombuffer(data, dtype, shape, "C" or "F")
 *   NumPy scalars     scalar(dtype, data)
 * dtype is dtype("f4", align, copy) with BUILD (3, byte order, …): the byte order is not in the name. Data of dtype object are a
 * list of the elements, row-major whatever is_fortran says.
 */

/** An array or a NumPy scalar as the pickle describes it. */
export class NumpyArray extends Interpreted {
  /** Undefined: objects, texts, dates, structures, types of other widths. */
  readonly dtype: NumericDType | undefined;
  /** As NumPy calls it: f4, O8, U3. */
  readonly type: string;
  readonly bigEndian: boolean;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly data: PickleValue;
  /** A NumPy scalar: no array, though it has a dtype. */
  readonly scalar: boolean;

  constructor(type: ElementType, shape: readonly number[], fortran: boolean, data: PickleValue, scalar: boolean) {
    super();
    this.dtype = type.dtype;
    this.type = type.name;
    this.bigEndian = type.bigEndian;
    this.shape = shape;
    this.fortran = fortran;
    this.data = data;
    this.scalar = scalar;
  }

  /** An array's state is all that it is. */
  keeps(): boolean {
    return false;
  }
}

interface ElementType {
  readonly dtype: NumericDType | undefined;
  readonly name: string;
  readonly bigEndian: boolean;
}

const multiarray = ["numpy.core.multiarray", "numpy._core.multiarray"];
const reconstructs = new Set(multiarray.map((module) => `${module}._reconstruct`));
const scalars = new Set(multiarray.map((module) => `${module}.scalar`));
const fromBuffers = new Set(["numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"]);

/** For `readPickle`: arrays of numbers as they come by; an array that is still without its state is left alone, and one of objects is walked later. */
export function interpretNumpy(call: ObjectRecord): NumpyArray | undefined {
  if (call.path !== undefined && reconstructs.has(call.path) && call.state === undefined) return undefined;
  const array = numpyArray(call);
  return array?.dtype === undefined ? undefined : array;
}

/** The array that a record means; undefined for anything else. Throws `malformed` for an array whose parts make no sense. */
export function numpyArray(value: PickleValue | undefined): NumpyArray | undefined {
  if (value instanceof NumpyArray) return value;
  if (!(value instanceof ObjectRecord) || value.path === undefined) return undefined;
  if (reconstructs.has(value.path)) {
    const state = itemsOf(value.state);
    const [shape, dtype, fortran, data] = state?.length === 5 ? state.slice(1) : (state ?? []);
    if (typeof fortran !== "boolean" && fortran !== 0 && fortran !== 1)
      throw broken("its state is not (version, shape, dtype, order, data)");
    return describe(integersOf(shape), dtype, Boolean(fortran), data, false);
  }
  if (fromBuffers.has(value.path)) {
    const [data, dtype, shape, order] = value.args;
    if (order !== "C" && order !== "F") throw broken("its order is neither C nor F");
    return describe(integersOf(shape), dtype, order === "F", data, false);
  }
  if (scalars.has(value.path)) return describe([], value.args[0], false, value.args[1], true);
  return undefined;
}

function broken(why: string): CheckpointError {
  return new CheckpointError("malformed", `a pickled NumPy array makes no sense: ${why}`);
}

function describe(
  shape: readonly number[] | undefined,
  dtypeValue: PickleValue | undefined,
  fortran: boolean,
  data: PickleValue | undefined,
  scalar: boolean,
): NumpyArray {
  if (shape === undefined || shape.some((size) => size < 0)) throw broken("its shape is no tuple of counts");
  if (!(dtypeValue instanceof ObjectRecord) || dtypeValue.path !== "numpy.dtype") throw broken("it has no dtype");
  return new NumpyArray(elementType(dtypeValue), shape, fortran, data ?? null, scalar);
}

function elementType(dtype: ObjectRecord): ElementType {
  const name = dtype.args[0];
  const order = itemsOf(dtype.state)?.[1];
  // A type that another package registered goes by its class: ml_dtypes.bfloat16.
  const registered = name instanceof GlobalName && name.module === "ml_dtypes" && isNumericDType(name.name) ? name.name : undefined;
  const type = name instanceof GlobalName ? name.path : typeof name === "string" ? name.replace(/^[<>=|]/, "") : undefined;
  if (type === undefined) throw broken("its dtype has no name");
  const bigEndian = order === ">" || (typeof name === "string" && name.startsWith(">"));
  return { dtype: registered ?? numpyTypes.get(type), name: type, bigEndian };
}

/** The elements of an array of objects, row-major; undefined for other arrays. Throws `malformed` where they are not as many as the shape says. */
export function objectElements(array: NumpyArray): readonly PickleValue[] | undefined {
  if (!/^O\d*$/.test(array.type)) return undefined;
  const items = itemsOf(array.data);
  if (items === undefined || items.length !== elementCount(array.shape)) throw broken("its objects are not as many as its shape says");
  return items;
}

export interface NumpyTensorOptions {
  readonly label?: string;
  readonly kind?: TensorKind;
  /** In place of the array's own: what the framework takes the bits for. Of the same width. */
  readonly dtype?: NumericDType;
  readonly file: string;
}

/** A lazy tensor over an array of numbers; undefined for other element types. Throws `malformed` where its data do not fit its shape. */
export function numpyTensor(name: string, array: NumpyArray, options: NumpyTensorOptions): NumericTensor | undefined {
  if (array.dtype === undefined) return undefined;
  const dtype = options.dtype ?? array.dtype;
  try {
    const value = bytesValue(array.data);
    if (value === undefined) throw broken("its data are no bytes");
    const size = byteLength(array.shape, dtype);
    const data = payload(value, size, options.file);
    const { unit } = dtypes[dtype];
    const swapped = array.bigEndian && unit > 1;
    return contiguous({
      name,
      dtype,
      shape: array.shape,
      source: swapped ? byteSwapped(window(data.source, data.offset, size), unit) : data.source,
      offset: swapped ? 0 : data.offset,
      order: array.fortran ? "column" : "row",
      ...(options.kind === undefined ? {} : { kind: options.kind }),
      ...(options.label === undefined ? {} : { label: options.label }),
      ...(data.stored === undefined ? {} : { stored: data.stored }),
    });
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor: name, file: options.file }) : error;
  }
}

/** Encoded bytes of an array that was written as text; 0 for others. Only what is in slices counts: short arrays do not matter. */
export function textLength(array: NumpyArray): number {
  const value = bytesValue(array.data);
  return value instanceof Slice && value.encoding !== "bytes" && value.encoding !== "latin-1" ? value.length : 0;
}

/** The value of a NumPy scalar (or of an array of one element) as plain data; undefined where it is not at hand or no number. */
export function numpyScalar(array: NumpyArray): Inert | undefined {
  const value = bytesValue(array.data);
  const bytes = typeof value === "string" ? toLatin1(value) : value;
  const size = array.dtype === undefined ? 0 : itemsize(array.dtype);
  if (!(bytes instanceof Uint8Array) || array.dtype === undefined || bytes.length !== size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = !array.bigEndian;
  switch (array.dtype) {
    case "bool":
      return view.getUint8(0) !== 0;
    case "int8":
      return view.getInt8(0);
    case "uint8":
      return view.getUint8(0);
    case "int16":
      return view.getInt16(0, little);
    case "uint16":
      return view.getUint16(0, little);
    case "int32":
      return view.getInt32(0, little);
    case "uint32":
      return view.getUint32(0, little);
    case "int64":
      return narrow(view.getBigInt64(0, little));
    case "uint64":
      return narrow(view.getBigUint64(0, little));
    case "float32":
      return view.getFloat32(0, little);
    case "float64":
      return view.getFloat64(0, little);
    default:
      return undefined;
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
