import { layoutBytes } from "./execute.ts";
import type { Piece } from "./layout.ts";
import { bytesPiece } from "./pieces.ts";

/** Wire types of protobuf's encoding. */
const varintType = 0;
const lengthType = 2;
const fixed32Type = 5;

/** A field of a message, ready to be written. */
export type Field = readonly Piece[];

/** 7 bits a byte, lowest first; a whole number from 0 to 2^53. */
export function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}

function tag(number: number, type: number): readonly number[] {
  return varint(number * 8 + type);
}

export function intField(number: number, value: number): Field {
  return [bytesPiece(Uint8Array.from([...tag(number, varintType), ...varint(value)]))];
}

export function floatField(number: number, value: number): Field {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [bytesPiece(Uint8Array.from([...tag(number, fixed32Type), ...bytes]))];
}

export function textField(number: number, value: string): Field {
  const bytes = new TextEncoder().encode(value);
  return [bytesPiece(Uint8Array.from([...tag(number, lengthType), ...varint(bytes.length), ...bytes]))];
}

/** Repeated whole numbers in one run. */
export function packedField(number: number, values: readonly number[]): Field {
  return lengthField(number, [bytesPiece(Uint8Array.from(values.flatMap(varint)))]);
}

/** Bytes of known length, a message among them. */
export function lengthField(number: number, content: readonly Piece[]): Field {
  return [bytesPiece(Uint8Array.from([...tag(number, lengthType), ...varint(layoutBytes(content))])), ...content];
}

export function messageField(number: number, ...fields: readonly Field[]): Field {
  return lengthField(number, joined(fields.flat()));
}

/** Neighbouring bytes in one piece: a graph has thousands of small fields. */
export function joined(pieces: readonly Piece[]): readonly Piece[] {
  const result: Piece[] = [];
  let run: Uint8Array[] = [];
  const flush = (): void => {
    if (run.length > 0) result.push(bytesPiece(new Uint8Array(Buffer.concat(run))));
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
