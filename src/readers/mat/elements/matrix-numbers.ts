import { CheckpointError } from "../../../errors.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import { numericArray, readColumnMajor, withValues } from "./array.ts";
import { at, readData, readInner, storageOf, type Tag } from "./element.ts";
import { maxAsked, smallBytes } from "./limits.ts";
import type { Header, ParsedMatrix, Parsing } from "./matrix-types.ts";
import { sparseArray } from "./sparse.ts";
import type { Stored } from "./stored.ts";
import { countOf, type NumericArray } from "./value.ts";

/** Array classes 6 to 15. */
const classes: readonly NumericDType[] = ["float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"];

/** A run of numbers: a place in the source, or in memory where it is short or `asked` for. The cursor is then behind it. */
async function readStored(parsing: Parsing, tag: Tag, asked: boolean): Promise<Stored> {
  const { cursor, budget } = parsing;
  const { dtype } = storageOf(cursor, tag);
  const { bigEndian, source } = cursor;
  const wanted = tag.length <= smallBytes || (asked && tag.length <= maxAsked);
  if (wanted && tag.length <= budget.kept) {
    budget.kept -= tag.length;
    const kept = memorySource(await readData(cursor, tag), source.name, { source, offset: tag.data });
    return { source: kept, offset: 0, length: tag.length, dtype, bigEndian };
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
  return withValues(array, await readColumnMajor(array), parsing.cursor.source.name, placeOf(array, stored));
}

/** Where values are in the file as they are, if they do. */
function placeOf({ dtype }: NumericArray, [stored, ...more]: readonly Stored[]): ByteSource["within"] {
  const alike = stored !== undefined && more.length === 0 && stored.dtype === dtype && (!stored.bigEndian || itemsize(dtype) === 1);
  return alike ? stored.source.within : undefined;
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

export async function parseNumeric(header: Header, dims: readonly number[], key: string): Promise<ParsedMatrix> {
  const { parsing, end } = header;
  const { cursor } = parsing;
  const classType = classes[header.class - 6];
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

export async function parseSparse(header: Header, dims: readonly number[], key: string): Promise<ParsedMatrix> {
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
