import { CheckpointError, locate } from "../../../errors.ts";
import type { Cursor } from "../../../io/source/cursor.ts";
import { at, miMatrix, readInner, type Tag } from "./element.ts";
import { checkDepth, countArray } from "./limits.ts";
import { readFieldNames, readMatrixDims, readName } from "./matrix-names.ts";
import { parseNumeric, parseSparse } from "./matrix-numbers.ts";
import { parseChar } from "./matrix-text.ts";
import type { Header, ParsedMatrix, Parsing } from "./matrix-types.ts";
import { shortTexts } from "./short-text.ts";
import { countOf, type MatValue, type NumericArray } from "./value.ts";

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
  const dims = await readMatrixDims(cursor, end);
  const name = await readName(cursor, end);
  const payload = (): Promise<ParsedMatrix> => parsePayload(header, dims, key === "" ? name : key);
  // Of a variable, errors say the name.
  const parsed = depth === 0 && name !== "" ? await locate({ tensor: name }, payload) : await payload();
  return finish(parsed, name, tag);
}

/** The name of an array whose contents may be cut off; the cursor is at its first sub-element. */
export async function readMatrixName(cursor: Cursor, end: number): Promise<string> {
  const flags = await readInner(cursor, end);
  cursor.seek(flags.next);
  await readMatrixDims(cursor, end);
  return readName(cursor, end);
}

function has(flags: number, bit: number): boolean {
  return Math.floor(flags / bit) % 2 === 1;
}

function finish(parsed: ParsedMatrix, name: string, tag: Tag): Matrix {
  const end = tag.data + tag.length;
  const own = parsed.value.kind === "char" && tag.length % 8 === 4 && end - parsed.end === 4 ? 4 : 0;
  const excess = parsed.excess + own;
  // Miscounted arrays inside: what holds them counts the same bytes too many, and ends where its contents end.
  return excess > 0 && end - parsed.end === excess
    ? { name, value: parsed.value, end: parsed.end, excess }
    : { name, value: parsed.value, end: Math.max(end, parsed.end), excess: 0 };
}

async function parsePayload(header: Header, dims: readonly number[], key: string): Promise<ParsedMatrix> {
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

async function parseChildren(header: Header, count: number, keyOf: (k: number) => string): Promise<{ values: MatValue[]; excess: number }> {
  const { parsing, end, depth } = header;
  const { cursor } = parsing;
  // Each takes at least its own tag of 8 bytes.
  if (count * 8 > end - cursor.position) {
    throw new CheckpointError(
      "malformed",
      `${Number.isFinite(count) ? count : "more than 2^53"} arrays inside need more than the ${end - cursor.position} bytes that are left`,
      at(cursor, header.start),
    );
  }
  const values: MatValue[] = [];
  let excess = 0;
  for (let k = 0; k < count; k += 1) {
    const texts = shortTexts(cursor, end, count - k, parsing.budget);
    for (const text of texts) values.push(text);
    k += texts.length;
    if (k === count) break;
    const tag = await readInner(cursor, end);
    if (tag.type !== miMatrix)
      throw new CheckpointError("malformed", `element type ${tag.type} inside a cell or struct, ${miMatrix} needed`, at(cursor, tag.start));
    const child = await parseMatrix(parsing, tag, keyOf(k), depth + 1);
    values.push(child.value);
    excess += child.excess;
    cursor.seek(child.end);
  }
  // SciPy would go on where the last one ended, MATLAB where this one says that it ends.
  const rest = end - cursor.position;
  if (excess === 0 && rest >= 8) {
    throw new CheckpointError(
      "malformed",
      `${count} arrays inside end ${rest} bytes before the array that holds them`,
      at(cursor, header.start),
    );
  }
  return { values, excess };
}

async function parseCell(header: Header, dims: readonly number[], key: string): Promise<ParsedMatrix> {
  const { values, excess } = await parseChildren(header, countOf(dims), () => key);
  return { value: { kind: "cell", dims, items: values }, end: header.parsing.cursor.position, excess };
}

async function parseStruct(header: Header, dims: readonly number[]): Promise<ParsedMatrix> {
  const { cursor } = header.parsing;
  const fields = await readFieldNames(header.parsing, header.end);
  const count = countOf(dims);
  const { values, excess } = await parseChildren(
    header,
    fields.length === 0 ? 0 : count * fields.length,
    (k) => fields[k % fields.length] ?? "",
  );
  return { value: { kind: "struct", dims, fields, values }, end: cursor.position, excess };
}
