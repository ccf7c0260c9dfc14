import { CheckpointError } from "../../errors.ts";
import { concatBytes } from "../../io/bytes.ts";
import { itemsize } from "../../tensor/dtype.ts";
import type { Group, Piece, TensorSpec } from "../layout.ts";
import { specBytes, tensorPiece } from "../pieces.ts";

/*
 * MATLAB values as level 5 elements: u32 type, u32 bytes, data, padded to 8 (the reading side draws the layout). The long form is always
 * allowed but for the length of a struct's field names, which MATLAB writes as a small element and Octave reads as no other. Little-endian.
 */

/** A MATRIX element with its tag, and its length in bytes, which is a multiple of 8. */
export interface MatPieces {
  readonly pieces: readonly Piece[];
  readonly length: number;
}

/** Makes an element; a variable has a name, what is in cells and structs has none. */
export type MatNode = (name?: string) => MatPieces;

const miInt8 = 1;
const miUint8 = 2;
const miInt32 = 5;
const miUint32 = 6;
const miSingle = 7;
const miDouble = 9;
const miMatrix = 14;
const miCompressed = 15;
const miUtf16 = 17;

const classes = { cell: 1, struct: 2, char: 4, double: 6, single: 7, uint8: 9 } as const;
const flagLogical = 0x200;
/** MATLAB reads variables of level 5 up to 2^31 - 1 bytes (help page "MAT-File Versions"). */
const maxVariable = 2 ** 31 - 1;
/** MATLAB's limit for field names is 63 characters; each slot has one byte more, for its NUL. */
const fieldSlot = 64;

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [k, value] of values.entries()) view.setUint32(k * 4, value, true);
  return bytes;
}

function padding(length: number): Uint8Array {
  return new Uint8Array((8 - (length % 8)) % 8);
}

function element(type: number, data: Uint8Array): MatPieces {
  const bytes = concatBytes([words(type, data.length), data, padding(data.length)]);
  return { pieces: [{ kind: "bytes", bytes }], length: bytes.length };
}

/** Up to four bytes of data in the second half of the tag: u16 type, u16 bytes. */
function smallElement(type: number, data: Uint8Array): MatPieces {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, data.length * 0x10000 + type, true);
  bytes.set(data, 4);
  return { pieces: [{ kind: "bytes", bytes }], length: bytes.length };
}

function joined(...parts: readonly MatPieces[]): MatPieces {
  return { pieces: parts.flatMap(({ pieces }) => pieces), length: parts.reduce((sum, { length }) => sum + length, 0) };
}

function matrix(arrayClass: number, dims: readonly number[], payload: readonly MatPieces[]): MatNode {
  return (name = "") => {
    const contents = joined(
      element(miUint32, words(arrayClass, 0)),
      element(miInt32, words(...dims)),
      element(miInt8, new TextEncoder().encode(name)),
      ...payload,
    );
    const tag: Piece = { kind: "bytes", bytes: words(miMatrix, contents.length) };
    return { pieces: [tag, ...contents.pieces], length: 8 + contents.length };
  };
}

/** A row vector of doubles. */
export function row(...values: readonly number[]): MatNode {
  return doubles([1, values.length], values);
}

function doubles(dims: readonly number[], values: readonly number[]): MatNode {
  return matrix(classes.double, dims, [element(miDouble, new Uint8Array(Float64Array.from(values).buffer))]);
}

/** Single-precision numbers in column-major order. */
export function singles(dims: readonly number[], values: readonly number[]): MatNode {
  return matrix(classes.single, dims, [element(miSingle, new Uint8Array(Float32Array.from(values).buffer))]);
}

export function logical(value: boolean): MatNode {
  return matrix(classes.uint8 + flagLogical, [1, 1], [element(miUint8, Uint8Array.of(value ? 1 : 0))]);
}

/** A row of characters, as UTF-16 units. */
export function textNode(value: string): MatNode {
  const units = Uint16Array.from({ length: value.length }, (_, k) => value.charCodeAt(k));
  return matrix(classes.char, [value === "" ? 0 : 1, units.length], [element(miUtf16, new Uint8Array(units.buffer))]);
}

/** A cell array: a row, or a column. */
export function cell(items: readonly MatNode[], shape: "row" | "column" = "row"): MatNode {
  const dims = shape === "row" ? [1, items.length] : [items.length, 1];
  return matrix(
    classes.cell,
    items.length === 0 ? [0, 0] : dims,
    items.map((item) => item()),
  );
}

/** A 1×1 struct, fields in this order. */
export function struct(fields: ReadonlyMap<string, MatNode>): MatNode {
  return structArray([fields]);
}

/** A row of structs, all with the fields of the first. */
export function structArray(elements: readonly ReadonlyMap<string, MatNode>[]): MatNode {
  const fields = [...(elements[0]?.keys() ?? [])];
  const names = new Uint8Array(fields.length * fieldSlot);
  for (const [k, name] of fields.entries()) names.set(new TextEncoder().encode(name).subarray(0, fieldSlot - 1), k * fieldSlot);
  const values = elements.flatMap((each) => [...each.values()].map((value) => value()));
  return matrix(classes.struct, [1, elements.length], [smallElement(miInt32, words(fieldSlot)), element(miInt8, names), ...values]);
}

/** A tensor's values, column-major, filled in by the executor. */
export function tensor(spec: TensorSpec): MatNode {
  const length = specBytes(spec);
  const [arrayClass, type] = itemsize(spec.dtype) === 8 ? [classes.double, miDouble] : [classes.single, miSingle];
  const dims = spec.shape.length >= 2 ? spec.shape : [...spec.shape, 1, 1].slice(0, 2);
  const data: MatPieces = {
    pieces: [{ kind: "bytes", bytes: words(type, length) }, tensorPiece(spec, "column"), { kind: "bytes", bytes: padding(length) }],
    length: 8 + length + padding(length).length,
  };
  return matrix(arrayClass, dims, [data]);
}

/** The 128 bytes at the start: the same for every file, so that the same input gives the same bytes. */
export function matHeader(): Piece {
  const bytes = new Uint8Array(128).fill(0x20);
  bytes.set(new TextEncoder().encode("MATLAB 5.0 MAT-file, written by vggtool"));
  bytes.fill(0, 116, 124);
  bytes.set([0x00, 0x01, 0x49, 0x4d], 124);
  return { kind: "bytes", bytes };
}

/** A variable, plain (v6) or as a zlib stream (v7), which is not padded. Throws `unsupported` from 2 GiB on. */
export function variable(name: string, value: MatNode, compress: boolean): readonly Piece[] {
  const { pieces, length } = value(name);
  if (length > maxVariable) {
    throw new CheckpointError("unsupported", `the variable ${name} takes ${length} bytes, MAT-files of level 5 hold 2 GiB in one`, {
      hint: "convert with --dtype float32, or to another format",
    });
  }
  if (!compress) return pieces;
  const group: Group = { kind: "group", pieces, encode: "deflate" };
  return [{ kind: "late", byteLength: 8, make: (written) => words(miCompressed, written(group).length) }, group];
}
