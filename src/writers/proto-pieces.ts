import protobuf from "protobufjs/minimal.js";
import { concatBytes } from "../io/bytes.ts";
import { layoutBytes } from "./execute.ts";
import type { Piece } from "./layout.ts";
import { bytesPiece } from "./pieces.ts";

/** Wire types of protobuf's encoding. */
const varintType = 0;
const lengthType = 2;
const fixed32Type = 5;

/** A field of a message, ready to be written. */
export type FieldPieces = readonly Piece[];

/** What comes before a field's value: its number and its wire type. */
export function tag(number: number, type: number): number {
  return number * 8 + type;
}

function field(number: number, type: number): protobuf.Writer {
  return protobuf.Writer.create().uint32(tag(number, type));
}

/** A whole number from 0 to 2^53. */
export function intField(number: number, value: number): FieldPieces {
  return [bytesPiece(field(number, varintType).uint64(value).finish())];
}

export function floatField(number: number, value: number): FieldPieces {
  return [bytesPiece(field(number, fixed32Type).float(value).finish())];
}

export function textField(number: number, value: string): FieldPieces {
  return [bytesPiece(field(number, lengthType).string(value).finish())];
}

/** Repeated whole numbers in one run. */
export function packedField(number: number, values: readonly number[]): FieldPieces {
  const writer = field(number, lengthType).fork();
  for (const value of values) writer.uint64(value);
  return [bytesPiece(writer.ldelim().finish())];
}

/** Bytes of known length, a message among them. */
export function lengthField(number: number, content: readonly Piece[]): FieldPieces {
  return [bytesPiece(field(number, lengthType).uint64(layoutBytes(content)).finish()), ...content];
}

export function messageField(number: number, ...fields: readonly FieldPieces[]): FieldPieces {
  return lengthField(number, joinedPieces(fields.flat()));
}

/** Neighbouring bytes in one piece: a graph has thousands of small fields. */
export function joinedPieces(pieces: readonly Piece[]): readonly Piece[] {
  const result: Piece[] = [];
  let run: Uint8Array[] = [];
  const flush = (): void => {
    if (run.length > 0) result.push(bytesPiece(new Uint8Array(concatBytes(run))));
    run = [];
  };
  for (const piece of pieces) {
    if (piece.kind === "bytes") run.push(piece.bytes);
    else {
      flush();
      result.push(piece);
    }
  }
  flush();
  return result;
}

/** The bytes of fields that hold no tensor's values; throws where one does, since those are streamed. */
export function fieldBytes(fields: readonly FieldPieces[]): Uint8Array {
  const [piece, ...more] = joinedPieces(fields.flat());
  if (piece === undefined) return new Uint8Array(0);
  if (piece.kind !== "bytes" || more.length > 0) throw new TypeError("a message with tensors in it is streamed, not joined");
  return piece.bytes;
}
