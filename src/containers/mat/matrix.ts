import { CheckpointError } from "../../errors.ts";
import type { Cursor } from "../../io/cursor.ts";
import { memorySource } from "../../io/memory.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { numericArray, readColumnMajor, withValues } from "./array.ts";
import { decodeChars } from "./chars.ts";
import { at, miMatrix, readData, readInner, storageOf, type Tag } from "./element.ts";
import { type Budget, checkDepth, countArray, maxAsked, maxDims, maxText, smallBytes } from "./limits.ts";
import { numericDTypeOf } from "./matrix-class.ts";
import { sparseArray } from "./sparse.ts";
import type { Stored } from "./stored.ts";
import { countOf, type KeepRule, type MatValue, type NumericArray } from "./value.ts";

/*
 * MATRIX (type 14), sub-elements in order:
 *   flags    u32, 8 bytes: low byte class; 0x200 logical, 0x400 global, 0x800 complex; then u32 nzmax
 *   dims     i32 each
 *   name     i8
 *   payload  numbers: real part [, imaginary part]        cell: one MATRIX an element
 *            struct: i32 name length, names, one MATRIX a field of each element      object: class name, then as struct
 *            sparse: i32 row indices, i32 column starts, real part [, imaginary part]      function: one MATRIX
 * opaque (class 17) has no dims: name, type system, class name, MATRIX.
 */

const flagLogical = 0x200;
const flagComplex = 0x800;

/** What parsing an array needs besides its place. */
export interface Parsing {
  readonly cursor: Cursor;
  readonly keep: KeepRule;
  readonly budget: Budget;
}

export interface Matrix {
  /** Of a variable; empty inside cells and structs. */
  readonly name: string;
  readonly value: MatValue;
  /** Where its contents end. */
  readonly end: number;
  /** Bytes that its tag counts too many: Octave 7.3 takes the small element of a 2×2 char array for 12 bytes. */
  readonly excess: number;
}

const emptyDims: readonly number[] = [0, 0];
const emptyDouble: NumericArray = { kind: "numeric", dims: emptyDims, dtype: "float64", kept: new Uint8Array(0), parts: async () => [] };

/** The array whose tag was just read. `key` is the name that its holder gives it. */
export async function parseMatrix(parsing: Parsing, tag: Tag, key: string, depth: number): Promise<Matrix> {
  const { cursor } = parsing;
  checkDepth(depth, at(cursor, tag.start));
  countArray(parsing.budget, at(cursor, tag.start));
  const end = tag.data + tag.length;
  // A tag alone is an empty double: unset cells and fields.
  if (tag.length === 0) return { name: "", value: emptyDouble, end: tag.data, excess: 0 };
  cursor.seek(tag.data);
  const flagsTag = await readInner(cursor, end);
  if (flagsTag.type !== 6 || flagsTag.length !== 8) {
    throw new CheckpointError(
      "malformed",
      `array flags of type ${flagsTag.type} and ${flagsTag.length} bytes, type 6 and 8 bytes needed`,
      at(cursor, flagsTag.start),
    );
  }
  if (!cursor.has(8)) await cursor.fill(8);
  const flags = cursor.u32();
  cursor.seek(flagsTag.next);
  const header: Header = {
    parsing,
    start: tag.start,
    end,
    depth,
    class: flags % 256,
    logical: has(flags, flagLogical),
    complex: has(flags, flagComplex),
  };
  if (header.class === 17) return parseOpaque(header);
  const dims = await readDims(cursor, end);
  const name = await readName(cursor, end);
  const parsed = await parsePayload(header, dims, key === "" ? name : key);
  return finish(parsed, name, tag);
}

/** The name of an array whose contents may be cut off; the cursor is at its first sub-element. */
export async function readMatrixName(cursor: Cursor, end: number): Promise<string> {
  const flags = await readInner(cursor, end);
  cursor.seek(flags.next);
  await readDims(cursor, end);
  return readName(cursor, end);
}

function has(flags: number, bit: number): boolean {
  return Math.floor(flags / bit) % 2 === 1;
}

interface Header {
  readonly parsing: Parsing;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly class: number;
  readonly logical: boolean;
  readonly complex: boolean;
}

interface Parsed {
  readonly value: MatValue;
  /** Where the last sub-element that was read ends. */
  readonly end: number;
  /** Bytes that arrays inside count too many. */
  readonly excess: number;
}

function finish(parsed: Parsed, name: string, tag: Tag): Matrix {
  const end = tag.data + tag.length;
  const own = parsed.value.kind === "char" && tag.length % 8 === 4 && end - parsed.end === 4 ? 4 : 0;
  const excess = parsed.excess + own;
  // Miscounted arrays inside: what holds them counts the same bytes too many, and ends where its contents end.
  return excess > 0 && end - parsed.end === excess
    ? { name, value: parsed.value, end: parsed.end, excess }
    : { name, value: parsed.value, end: Math.max(end, parsed.end), excess: 0 };
}

async function parsePayload(header: Header, dims: readonly number[], key: string): Promise<Parsed> {
  switch (header.class) {
    case 1:
      return parseCell(header, dims, key);
    case 2:
      return parseStruct(header, dims);
    case 3: {
      const { cursor } = header.parsing;
      const className = await readName(cursor, header.end);
      return { value: { kind: "object", name: className, offset: header.start }, end: header.end, excess: 0 };
    }
    case 4:
      return parseChar(header, dims);
    case 5:
      return parseSparse(header, dims, key);
    case 16:
      return { value: { kind: "function", name: "", offset: header.start }, end: header.end, excess: 0 };
    default:
      return parseNumeric(header, dims, key);
  }
}

async function parseOpaque(header: Header): Promise<Matrix> {
  const { cursor } = header.parsing;
  const name = await readName(cursor, header.end);
  await readName(cursor, header.end); // the type system: MCOS, handle, java
  const className = await readName(cursor, header.end);
  return { name, value: { kind: "object", name: className, offset: header.start }, end: header.end, excess: 0 };
}

async function readDims(cursor: Cursor, end: number): Promise<readonly number[]> {
  const tag = await readInner(cursor, end);
  // Some writers tag dimensions as unsigned; scipy takes those too, as long as none is above 2^31.
  if ((tag.type !== 5 && tag.type !== 6) || tag.length % 4 !== 0 || tag.length < 8) {
    throw new CheckpointError("malformed", `dimensions of type ${tag.type} and ${tag.length} bytes`, at(cursor, tag.start));
  }
  if (tag.length > 4 * maxDims)
    throw new CheckpointError("unsupported", `${tag.length / 4} dimensions, at most ${maxDims} are read`, at(cursor, tag.start));
  if (!cursor.has(tag.length)) await cursor.fill(tag.length);
  const dims = Array.from({ length: tag.length / 4 }, () => cursor.i32());
  const negative = dims.find((n) => n < 0);
  if (negative !== undefined) throw new CheckpointError("malformed", `a dimension of ${negative}`, at(cursor, tag.start));
  cursor.seek(tag.next);
  return dims;
}

/** MATLAB's names have at most 63 characters, some writers allow more; class names may have a package in front. */
const maxName = 4096;

async function readName(cursor: Cursor, end: number): Promise<string> {
  const tag = await readInner(cursor, end);
  if ((tag.type !== 1 && tag.type !== 16 && tag.type !== 2) || tag.length > maxName) {
    throw new CheckpointError("malformed", `a name of type ${tag.type} and ${tag.length} bytes`, at(cursor, tag.start));
  }
  const bytes = await readData(cursor, tag);
  if (bytes.some((byte) => byte > 127)) throw new CheckpointError("malformed", "a name that is not ASCII", at(cursor, tag.start));
  return Buffer.from(bytes).toString("latin1");
}

/** A run of numbers: a place in the source, or in memory where it is short or `asked` for. The cursor is then behind it. */
async function readStored(parsing: Parsing, tag: Tag, asked: boolean): Promise<Stored> {
  const { cursor, budget } = parsing;
  const { dtype } = storageOf(cursor, tag);
  const { bigEndian, source } = cursor;
  const wanted = tag.length <= smallBytes || (asked && tag.length <= maxAsked);
  if (wanted && tag.length <= budget.kept) {
    budget.kept -= tag.length;
    return { source: memorySource(await readData(cursor, tag), source.name), offset: 0, length: tag.length, dtype, bigEndian };
  }
  cursor.seek(tag.next);
  return { source, offset: tag.data, length: tag.length, dtype, bigEndian };
}

/** With the values, where what they are made of is in memory and they are short or asked for. */
async function keepValues(array: NumericArray, stored: readonly Stored[], parsing: Parsing, asked: boolean): Promise<NumericArray> {
  const bytes = countOf(array.dims) * itemsize(array.dtype);
  const inMemory = stored.every(({ source }) => source !== parsing.cursor.source);
  if (!inMemory || bytes > (asked ? maxAsked : smallBytes) || bytes > parsing.budget.kept) return array;
  parsing.budget.kept -= bytes;
  return withValues(array, await readColumnMajor(array), parsing.cursor.source.name);
}

function countMatches(header: Header, stored: Stored, dims: readonly number[]): void {
  const present = stored.length / itemsize(stored.dtype);
  const declared = countOf(dims);
  if (present === declared) return;
  const size = declared === Number.POSITIVE_INFINITY ? "more than 2^53" : String(declared);
  throw new CheckpointError(
    "malformed",
    `${dims.join("x")} are ${size} elements, ${present} are present`,
    at(header.parsing.cursor, header.start),
  );
}

async function parseNumeric(header: Header, dims: readonly number[], key: string): Promise<Parsed> {
  const { parsing, end } = header;
  const { cursor } = parsing;
  const classType = numericDTypeOf(header.class);
  if (classType === undefined) throw new CheckpointError("malformed", `array class ${header.class}`, at(cursor, header.start));
  const dtype = header.logical ? "bool" : classType;
  if (countOf(dims) === 0 && end - cursor.position < 8) {
    return { value: { kind: "numeric", dims, dtype, kept: new Uint8Array(0), parts: async () => [] }, end: cursor.position, excess: 0 };
  }
  const asked = parsing.keep(key);
  const real = await readStored(parsing, await readInner(cursor, end), asked);
  // Octave 7.3 writes a sparse logical array with the class of a full one, and reads it back wrong: row indices come first.
  if (header.logical && header.class === 9 && real.dtype === "int32" && end - cursor.position >= 16) {
    return {
      value: { kind: "unreadable", name: "a sparse logical array that Octave wrote as a full one", offset: header.start },
      end,
      excess: 0,
    };
  }
  countMatches(header, real, dims);
  const imaginary = header.complex ? await readStored(parsing, await readInner(cursor, end), asked) : undefined;
  if (imaginary !== undefined) countMatches(header, imaginary, dims);
  const array = numericArray(dims, dtype, real, imaginary);
  const value = await keepValues(array, imaginary === undefined ? [real] : [real, imaginary], parsing, asked);
  return { value, end: cursor.position, excess: 0 };
}

async function parseSparse(header: Header, dims: readonly number[], key: string): Promise<Parsed> {
  const { parsing, end } = header;
  const { cursor } = parsing;
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2) throw new CheckpointError("malformed", `a sparse array of ${dims.length} dimensions`, at(cursor, header.start));
  const asked = parsing.keep(key);
  const rowIndices = await readStored(parsing, await readInner(cursor, end), asked);
  const starts = await readStored(parsing, await readInner(cursor, end), asked);
  if (starts.length / itemsize(starts.dtype) < columns + 1) {
    throw new CheckpointError(
      "malformed",
      `${starts.length / itemsize(starts.dtype)} sparse column starts for ${columns} columns`,
      at(cursor, header.start),
    );
  }
  const dataTag = await readInner(cursor, end);
  const real = await readStored(parsing, header.logical ? logicalValues(dataTag, rowIndices) : dataTag, asked);
  const imaginary = header.complex ? await readStored(parsing, await readInner(cursor, end), asked) : undefined;
  const array = sparseArray(
    { rows, columns, rowIndices, starts, real, ...(imaginary === undefined ? {} : { imaginary }) },
    header.logical ? "bool" : "float64",
  );
  const stored = [rowIndices, starts, real, ...(imaginary === undefined ? [] : [imaginary])];
  return { value: await keepValues(array, stored, parsing, asked), end: cursor.position, excess: 0 };
}

/** Sparse logical values may be tagged as doubles and yet be one byte each; the row indices tell. */
function logicalValues(tag: Tag, rowIndices: Stored): Tag {
  const entries = rowIndices.length / itemsize(rowIndices.dtype);
  return tag.type === 9 && tag.length < entries * 8 ? { ...tag, type: 2 } : tag;
}

async function parseChar(header: Header, dims: readonly number[]): Promise<Parsed> {
  const { parsing, end } = header;
  const { cursor, budget } = parsing;
  if (end - cursor.position < 8)
    return {
      value: { kind: "char", dims, rows: Array.from({ length: Math.min(dims[0] ?? 0, 1) }, () => "") },
      end: cursor.position,
      excess: 0,
    };
  const tag = await readInner(cursor, end);
  const { coding, dtype } = storageOf(cursor, tag);
  if (coding === undefined) throw new CheckpointError("malformed", `a char array of ${dtype} values`, at(cursor, tag.start));
  const size = Math.max(tag.length, countOf(dims), dims[0] ?? 0);
  if (size > Math.min(maxText, budget.text)) {
    cursor.seek(tag.next);
    return { value: { kind: "char", dims, rows: undefined }, end: tag.next, excess: 0 };
  }
  budget.text -= size;
  const bytes = await readData(cursor, tag);
  const unit = itemsize(dtype);
  const little = cursor.bigEndian && unit > 1 ? swapped(bytes, unit) : bytes;
  try {
    return { value: { kind: "char", dims, rows: decodeChars(coding, little, dims) }, end: cursor.position, excess: 0 };
  } catch (error) {
    throw error instanceof CheckpointError ? error.at(at(cursor, header.start)) : error;
  }
}

function swapped(bytes: Uint8Array, unit: number): Uint8Array {
  const buffer = Buffer.from(bytes);
  return unit === 2 ? buffer.swap16() : buffer.swap32();
}

async function parseChildren(header: Header, count: number, keyOf: (k: number) => string): Promise<{ values: MatValue[]; excess: number }> {
  const { parsing, end, depth } = header;
  const { cursor } = parsing;
  // Each takes at least its own tag of 8 bytes.
  if (count * 8 > end - cursor.position) {
    throw new CheckpointError(
      "malformed",
      `${count} arrays inside need more than the ${end - cursor.position} bytes that are left`,
      at(cursor, header.start),
    );
  }
  const values: MatValue[] = [];
  let excess = 0;
  for (let k = 0; k < count; k += 1) {
    const tag = await readInner(cursor, end);
    if (tag.type !== miMatrix)
      throw new CheckpointError("malformed", `element type ${tag.type} inside a cell or struct, ${miMatrix} needed`, at(cursor, tag.start));
    const child = await parseMatrix(parsing, tag, keyOf(k), depth + 1);
    values.push(child.value);
    excess += child.excess;
    cursor.seek(child.end);
  }
  return { values, excess };
}

async function parseCell(header: Header, dims: readonly number[], key: string): Promise<Parsed> {
  const { values, excess } = await parseChildren(header, countOf(dims), () => key);
  return { value: { kind: "cell", dims, items: values }, end: header.parsing.cursor.position, excess };
}

async function parseStruct(header: Header, dims: readonly number[]): Promise<Parsed> {
  const { cursor } = header.parsing;
  const fields = await readFieldNames(cursor, header.end);
  const count = countOf(dims);
  const { values, excess } = await parseChildren(
    header,
    fields.length === 0 ? 0 : count * fields.length,
    (k) => fields[k % fields.length] ?? "",
  );
  return { value: { kind: "struct", dims, fields, values }, end: cursor.position, excess };
}

async function readFieldNames(cursor: Cursor, end: number): Promise<readonly string[]> {
  const lengthTag = await readInner(cursor, end);
  if ((lengthTag.type !== 5 && lengthTag.type !== 6) || lengthTag.length !== 4) {
    throw new CheckpointError(
      "malformed",
      `a field name length of type ${lengthTag.type} and ${lengthTag.length} bytes`,
      at(cursor, lengthTag.start),
    );
  }
  if (!cursor.has(4)) await cursor.fill(4);
  const width = cursor.i32();
  cursor.seek(lengthTag.next);
  const tag = await readInner(cursor, end);
  if (width < 1 || width > maxName || tag.length % width !== 0 || storageOf(cursor, tag).dtype.endsWith("int8") === false) {
    throw new CheckpointError("malformed", `${tag.length} bytes of field names of ${width} bytes each`, at(cursor, tag.start));
  }
  if (tag.length > maxText) throw new CheckpointError("unsupported", `${tag.length / width} fields in one struct`, at(cursor, tag.start));
  const bytes = await readData(cursor, tag);
  const names = Array.from({ length: bytes.length / width }, (_, k) => {
    const slot = bytes.subarray(k * width, (k + 1) * width);
    const zero = slot.indexOf(0);
    return new TextDecoder().decode(zero < 0 ? slot : slot.subarray(0, zero));
  });
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) throw new CheckpointError("malformed", `the field ${twice} is in one struct twice`, at(cursor, tag.start));
  return names;
}
