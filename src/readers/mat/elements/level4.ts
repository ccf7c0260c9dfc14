import { CheckpointError } from "../../../errors.ts";
import { latin1 } from "../../../io/bytes.ts";
import type { Context } from "../../../io/context.ts";
import { Cursor } from "../../../io/source/cursor.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import { numericArray, readColumnMajor, withValues } from "./array.ts";
import { decodeChars } from "./chars.ts";
import { countArray, createBudget, maxText, smallBytes } from "./limits.ts";
import { tripletArray } from "./sparse.ts";
import { readNumbers, type Stored } from "./stored.ts";
import { countOf, type MatFile, type MatValue, type MatVariable } from "./value.ts";

/*
 * Level 4, no file header; each variable:
 *   0 i32 MOPT, decimal digits: thousands byte order (0 little, 1 big), hundreds 0, tens storage, ones 0 numbers, 1 text, 2 sparse
 *   4 i32 rows   8 i32 columns   12 i32 has an imaginary part   16 i32 name length with its NUL   20 name, real part, imaginary part
 * Nothing is padded. Facts: scipy/io/matlab/_mio4.py.
 */

const storages: readonly NumericDType[] = ["float64", "float32", "int32", "int16", "uint16", "uint8"];
const headerBytes = 20;
/** MATLAB 4 allowed 19 characters; longer names of later writers stay far below this. */
const maxName = 4096;

interface Header {
  readonly start: number;
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly dtype: NumericDType;
  readonly kind: number;
  readonly imaginary: boolean;
  readonly bigEndian: boolean;
}

/** Byte order, and whether the first 20 bytes can be a level 4 header at all. */
export function level4Order(head: Uint8Array): "little" | "big" | undefined {
  if (head.length < headerBytes) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const little of [true, false]) {
    const mopt = view.getInt32(0, little);
    const [rows, columns, imaginary, name] = [4, 8, 12, 16].map((at) => view.getInt32(at, little));
    if (mopt < 0 || Math.floor(mopt / 1000) !== (little ? 0 : 1) || mopt % 1000 > 52 || mopt % 10 > 2) continue;
    if (rows === undefined || rows < 0 || columns === undefined || columns < 0 || (imaginary !== 0 && imaginary !== 1)) continue;
    if (name !== undefined && isName(head.subarray(headerBytes, headerBytes + name), name)) return little ? "little" : "big";
  }
  return undefined;
}

/** A MATLAB identifier and its NUL, or as much of it as there is. */
function isName(bytes: Uint8Array, length: number): boolean {
  if (length < 2 || length > maxName) return false;
  const text = latin1(bytes);
  return text.length < length ? /^[A-Za-z]\w*$/.test(text) : /^[A-Za-z]\w*\0+$/.test(text);
}

/** Reads all variables' structure. Throws `truncated`, `malformed`, `unsupported` (VAX and Cray numbers). */
export async function readLevel4(source: ByteSource, ctx: Context): Promise<MatFile> {
  const bigEndian = level4Order(await source.read(0, Math.min(headerBytes + maxName, source.size))) === "big";
  const cursor = new Cursor(source, 0, source.size, { bigEndian, chunk: 4096 });
  const budget = createBudget();
  const variables = new Map<string, MatVariable>();
  while (cursor.remaining > 0) {
    countArray(budget, { file: source.name, offset: cursor.position });
    const header = await readHeader(cursor);
    if (variables.has(header.name)) {
      throw new CheckpointError("malformed", `the variable ${header.name} is there twice`, { file: source.name, offset: header.start });
    }
    variables.set(header.name, { name: header.name, value: await readValue(cursor, header) });
    await ctx.tick(0);
  }
  return { version: "4", bigEndian, header: "", variables: [...variables.values()], remarks: [] };
}

async function readHeader(cursor: Cursor): Promise<Header> {
  const start = cursor.position;
  const where = { file: cursor.source.name, offset: start };
  await cursor.need(headerBytes);
  const [mopt, rows, columns, imaginary, nameLength] = [cursor.i32(), cursor.i32(), cursor.i32(), cursor.i32(), cursor.i32()];
  const [order, zero, storage, kind] = [Math.floor(mopt / 1000), Math.floor(mopt / 100) % 10, Math.floor(mopt / 10) % 10, mopt % 10];
  const dtype = storages[storage];
  if (order >= 2 && order <= 4) throw new CheckpointError("unsupported", "a level 4 MAT-file of VAX or Cray numbers", where);
  if (order !== (cursor.bigEndian ? 1 : 0) || zero !== 0 || dtype === undefined || kind > 2) {
    throw new CheckpointError("malformed", `${mopt} is no type of a level 4 MAT variable`, where);
  }
  if (rows < 0 || columns < 0) throw new CheckpointError("malformed", `dimensions ${rows}x${columns}`, where);
  if (nameLength < 1 || nameLength > maxName) throw new CheckpointError("malformed", `a variable name of ${nameLength} bytes`, where);
  await cursor.need(nameLength);
  const name = latin1(cursor.bytes(nameLength)).split("\0", 1).join("");
  return { start, name, rows, columns, dtype, kind, imaginary: imaginary !== 0, bigEndian: cursor.bigEndian };
}

async function readValue(cursor: Cursor, header: Header): Promise<MatValue> {
  const { rows, columns, dtype, name } = header;
  const dims = [rows, columns];
  const length = countOf(dims) * itemsize(dtype);
  const planes = header.imaginary ? 2 : 1;
  if (length * planes > cursor.remaining) {
    throw new CheckpointError(
      "truncated",
      `${rows}x${columns} ${dtype} values need ${Number.isFinite(length) ? length * planes : "more than 2^53"} bytes, ${cursor.remaining} are left`,
      {
        file: cursor.source.name,
        offset: header.start,
        tensor: name,
      },
    );
  }
  const real = await readStored(cursor, header, length);
  const imaginary = header.imaginary ? await readStored(cursor, header, length) : undefined;
  if (header.kind === 1) return readText(real, dims);
  if (header.kind === 2) return readSparse(cursor, header, real);
  const array = numericArray(dims, dtype, real, imaginary);
  return length * planes <= smallBytes ? withValues(array, await readColumnMajor(array), cursor.source.name) : array;
}

async function readStored(cursor: Cursor, header: Header, length: number): Promise<Stored> {
  const { dtype, bigEndian } = header;
  const source = cursor.source;
  const offset = cursor.position;
  if (length > smallBytes) {
    cursor.skip(length);
    return { source, offset, length, dtype, bigEndian };
  }
  await cursor.need(length);
  return { source: memorySource(cursor.bytes(length), source.name), offset: 0, length, dtype, bigEndian };
}

/** Text is kept as character codes, mostly in doubles. */
async function readText(real: Stored, dims: readonly number[]): Promise<MatValue> {
  const count = countOf(dims);
  if (count > maxText || (dims[0] ?? 0) > maxText) return { kind: "char", dims, rows: undefined };
  const codes = Uint16Array.from(await readNumbers(real, 0, count));
  return { kind: "char", dims, rows: decodeChars("utf16", new Uint8Array(codes.buffer), dims) };
}

async function readSparse(cursor: Cursor, header: Header, table: Stored): Promise<MatValue> {
  const { rows, columns } = header;
  const where = { file: cursor.source.name, offset: header.start, tensor: header.name };
  if (rows < 1 || (columns !== 3 && columns !== 4)) {
    throw new CheckpointError("malformed", `a sparse table of ${rows}x${columns}, rows of 3 or 4 numbers needed`, where);
  }
  const last = async (column: number): Promise<number> => (await readNumbers(table, column * rows + rows - 1, 1))[0] ?? 0;
  const dims = [await last(0), await last(1)];
  if (dims.some((n) => !Number.isInteger(n) || n < 0 || n > 2 ** 48)) {
    throw new CheckpointError("malformed", `a sparse array of dimensions ${dims.join("x")}`, where);
  }
  return tripletArray({ rows: dims[0] ?? 0, columns: dims[1] ?? 0, entries: rows - 1, complex: columns === 4, table });
}
