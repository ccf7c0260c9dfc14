import { CheckpointError } from "../../errors.ts";
import { byteSwapped } from "../../io/source/mapped.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { dtypes, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Literal, parseLiteral } from "./python-literal.ts";

/*
 * .npy (numpy/lib/_format_impl.py): "\x93NUMPY", u8 major, u8 minor, header length (u16 in version 1, u32 in 2 and 3,
 * little-endian), the header as a Python dict literal with exactly descr, fortran_order and shape, then the elements.
 */

export interface NpyHeader {
  readonly version: 1 | 2 | 3;
  readonly element: NpyElement;
  /** The elements are stored column-major over `shape`. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the elements start, in bytes. */
  readonly dataOffset: number;
}

/** What a `descr` means. */
export type NpyElement =
  | { readonly kind: "numeric"; readonly dtype: NumericDType; readonly bigEndian: boolean }
  | { readonly kind: "bytes" | "unicode"; readonly width: number; readonly bigEndian: boolean } // width in bytes, padded with NUL
  | { readonly kind: "object" } // one pickle follows
  | { readonly kind: "other"; readonly descr: string; readonly width: number | undefined }; // complex256, dates, void, structured

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** NumPy refuses longer headers, because its own parser of them could be exhausted. */
const maxHeader = 10_000;
/** NumPy 2 allows 64 dimensions, earlier versions 32. */
const maxRank = 64;

/** For people: what of a header is no tensor. */
export function descrOf({ element }: NpyHeader): string {
  return element.kind === "other" ? element.descr : element.kind;
}

export function isNpy(head: Uint8Array): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

/** Throws `malformed` for what NumPy would refuse, `truncated` where the file ends inside the header. */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const where = { file: source.name, offset: 0 };
  // One read serves nearly every header: they have 128 bytes; a compressed member is not decoded twice.
  const head = await source.read(0, Math.min(source.size, 256));
  if (!isNpy(head)) throw new CheckpointError("malformed", "npy signature expected", where);
  const [major = 0, minor = 0] = head.subarray(6, 8);
  if ((major !== 1 && major !== 2 && major !== 3) || minor !== 0) {
    throw new CheckpointError("unsupported", `npy version ${major}.${minor}, 1.0 to 3.0 are known`, where);
  }
  const start = major === 1 ? 10 : 12;
  if (head.length < start) throw new CheckpointError("truncated", `npy of ${head.length} bytes ends inside its header`, where);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > source.size) {
    throw new CheckpointError("truncated", `npy header of ${length} bytes, ${source.size - start} are left`, where);
  }
  if (length > maxHeader) throw new CheckpointError("unsafe", `npy header of ${length} bytes, NumPy accepts ${maxHeader}`, where);
  const bytes = start + length <= head.length ? head.subarray(start, start + length) : await source.read(start, length);
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes);
  return { version: major, dataOffset: start + length, ...interpret(parseLiteral(text, source.name), source.name) };
}

function interpret(header: Literal, file: string): Omit<NpyHeader, "version" | "dataOffset"> {
  const fail = (message: string): never => {
    throw new CheckpointError("malformed", message, { file, offset: 0 });
  };
  if (!(header instanceof Map) || header.size !== 3) return fail("npy header has to be a dict of descr, fortran_order and shape");
  const descr = header.get("descr");
  const fortranOrder = header.get("fortran_order");
  const dims = header.get("shape");
  if (descr === undefined || typeof fortranOrder !== "boolean" || !Array.isArray(dims)) {
    return fail("npy header has to be a dict of descr, fortran_order and a shape tuple");
  }
  if (dims.length > maxRank) return fail(`npy shape of ${dims.length} dimensions, at most ${maxRank}`);
  const shape = dims.map((dim) => {
    if (typeof dim !== "bigint" || dim < 0n) return fail(`npy shape with a dimension of ${String(dim)}`);
    if (dim > BigInt(Number.MAX_SAFE_INTEGER)) return fail(`npy dimension of ${dim} is beyond any file`);
    return Number(dim);
  });
  return { element: elementOf(descr, fail), fortranOrder, shape };
}

/** By kind letter and width in bytes. */
export const numeric: ReadonlyMap<string, NumericDType> = new Map([
  ["b1", "bool"],
  ["i1", "int8"],
  ["i2", "int16"],
  ["i4", "int32"],
  ["i8", "int64"],
  ["u1", "uint8"],
  ["u2", "uint16"],
  ["u4", "uint32"],
  ["u8", "uint64"],
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
  ["c8", "complex64"],
  ["c16", "complex128"],
  ["f16", "float128"],
]);
/** Codes without a width, as NumPy itself accepts them (l is a long of 64 bits, as on Linux). */
const letters: ReadonlyMap<string, string> = new Map(
  [
    "?b1",
    "bi1",
    "Bu1",
    "hi2",
    "Hu2",
    "ii4",
    "Iu4",
    "qi8",
    "Qu8",
    "li8",
    "Lu8",
    "pi8",
    "Pu8",
    "ni8",
    "Nu8",
    "ef2",
    "ff4",
    "df8",
    "gf16",
    "Fc8",
    "Dc16",
  ].map((pair) => [pair.slice(0, 1), pair.slice(1)]),
);

/** Names of types and what `numpy.dtype` makes of them (`numpy.sctypeDict`, widths as on Linux). Those of a number of bits: `sized`. */
const names: ReadonlyMap<string, string> = new Map([
  ["bool", "b1"],
  ["bool_", "b1"],
  ["byte", "i1"],
  ["ubyte", "u1"],
  ["short", "i2"],
  ["ushort", "u2"],
  ["intc", "i4"],
  ["uintc", "u4"],
  ["int", "i8"],
  ["int_", "i8"],
  ["intp", "i8"],
  ["long", "i8"],
  ["longlong", "i8"],
  ["uint", "u8"],
  ["uintp", "u8"],
  ["ulong", "u8"],
  ["ulonglong", "u8"],
  ["half", "f2"],
  ["single", "f4"],
  ["double", "f8"],
  ["float", "f8"],
  ["float_", "f8"],
  ["longdouble", "f16"],
  ["csingle", "c8"],
  ["cdouble", "c16"],
  ["complex", "c16"],
  ["complex_", "c16"],
  ["clongdouble", "c32"],
  ["bytes", "S0"],
  ["bytes_", "S0"],
  ["str", "U0"],
  ["str_", "U0"],
  ["unicode", "U0"],
  ["object", "O"],
  ["object_", "O"],
  ["void", "V0"],
]);

/** The code of a type that is named (`float32`, `double`); undefined for all else. */
function codeOfName(descr: string): string | undefined {
  const [, kind, bits] = /^(bool|int|uint|float|complex)(\d{1,3})$/.exec(descr) ?? [];
  const sized = kind === undefined ? undefined : `${kind.charAt(0)}${Number(bits) / 8}`;
  if (sized !== undefined && (numeric.has(sized) || sized === "c32")) return sized;
  const date = /^(datetime|timedelta)64(\[.*\])?$/.exec(descr);
  if (date !== null) return `${date[1] === "datetime" ? "M" : "m"}8${date[2] ?? ""}`;
  return names.get(descr);
}

/** Several types in one text, or one with a shape: `f4,f4`, `3f4`, `(2,2)f4`. */
const composed = /^[(\d]|,/;

function elementOf(descr: Literal, fail: (message: string) => never): NpyElement {
  if (typeof descr !== "string") {
    if (!Array.isArray(descr)) return fail("npy descr has to be a string or a list of fields");
    return hasObjectField(descr) ? { kind: "object" } : { kind: "other", descr: "structured type", width: undefined };
  }
  const match = /^([<>=|]?)([a-zA-Z?])(\d{0,9})(\[.*\])?$/.exec(codeOfName(descr) ?? descr);
  if (match === null && composed.test(descr)) return { kind: "other", descr, width: undefined };
  if (match === null) return fail(`npy descr ${JSON.stringify(descr)} is unknown`);
  const [, order = "", letter = "", digits = "", unit] = match;
  const bigEndian = order === ">";
  if (letter === "O") return { kind: "object" };
  const code = digits === "" && unit === undefined ? (letters.get(letter) ?? letter) : letter + digits;
  const width = Number(code.slice(1));
  const dtype = numeric.get(code);
  if (dtype !== undefined) return { kind: "numeric", dtype, bigEndian };
  if (letter === "S" || letter === "a") return { kind: "bytes", width, bigEndian };
  if (letter === "U") return { kind: "unicode", width: width * 4, bigEndian };
  return { kind: "other", descr, width: letter === "M" || letter === "m" ? 8 : width };
}

function hasObjectField(fields: readonly Literal[]): boolean {
  return fields.some((field) => {
    const type = Array.isArray(field) ? field[1] : undefined;
    if (typeof type === "string") return /^[<>=|]?O/.test(type);
    return Array.isArray(type) && hasObjectField(type);
  });
}

/**
 * The array behind a header, or undefined for objects and types that no tensor has (the caller notes those). More data
 * may follow the array: NumPy ignores it too. Throws `truncated` where the elements are not all there.
 */
export function npyTensor(name: string, source: ByteSource, header: NpyHeader): Tensor | undefined {
  const { element, shape, fortranOrder, dataOffset } = header;
  if (element.kind === "object") return undefined;
  const width = element.kind === "numeric" ? itemsize(element.dtype) : element.width;
  if (width === undefined) return undefined;
  const count = shape.reduce((product, dim) => product * dim, 1);
  const size = count * width;
  if (!Number.isSafeInteger(size) || size > source.size - dataOffset) {
    const where = { file: source.name, offset: dataOffset, tensor: name };
    throw new CheckpointError("truncated", `shape (${shape.join(", ")}) needs ${size} bytes, ${source.size - dataOffset} are there`, where);
  }
  if (element.kind === "other") return undefined;
  const order = fortranOrder ? "column" : "row";
  if (element.kind === "numeric") {
    const swap = element.bigEndian && dtypes[element.dtype].unit > 1;
    const data = swap ? byteSwapped(window(source, dataOffset, size), dtypes[element.dtype].unit) : source;
    return contiguous({ name, dtype: element.dtype, shape, source: data, offset: swap ? 0 : dataOffset, order });
  }
  const { kind, bigEndian } = element;
  const offsets = fortranOrder ? columnMajor(shape) : undefined;
  return {
    name,
    dtype: "string",
    shape,
    async *elements() {
      for (let index = 0; index < count; index++) {
        const at = dataOffset + (offsets === undefined ? index : offsets(index)) * width;
        const bytes = await source.read(at, width);
        yield kind === "bytes" ? trimmed(bytes) : utf8(bytes, bigEndian);
      }
    },
  };
}

/** Where the element with a row-major index is in a column-major array. */
function columnMajor(shape: readonly number[]): (index: number) => number {
  return (index) => {
    let rest = index;
    let inner = shape.reduce((product, dim) => product * dim, 1);
    let at = 0;
    for (const dim of shape.toReversed()) {
      inner /= dim;
      at += (rest % dim) * inner;
      rest = Math.floor(rest / dim);
    }
    return at;
  };
}

/** NumPy pads byte strings with NUL and drops them again. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** UCS-4 to UTF-8, without the padding. */
function utf8(bytes: Uint8Array, bigEndian: boolean): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = "";
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = view.getUint32(at, !bigEndian);
    text += point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  }
  return new TextEncoder().encode(text.replace(/\0+$/, ""));
}
