import { CheckpointError } from "../../errors.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import { ByteList } from "../byte-list.ts";

/*
 * Messages of object headers as h5py writes them for its oldest readers (HDF5 File Format Specification, "Data Object
 * Header Messages"): addresses and lengths of 8 bytes, little-endian.
 */

/** An attribute's value: a text of variable length (as h5py writes str), or texts of one fixed length (as it writes bytes). */
export type Hdf5Value =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "fixed"; readonly texts: string | readonly string[] };

export interface Hdf5Message {
  readonly type: number;
  readonly body: Uint8Array;
}

/** The size of a message is a u16. */
const maxMessage = 65_528;

/** Version 1: u8 1, u8 rank, u8 flags, 5 bytes, extents. */
export function dataspace(shape: readonly number[]): Uint8Array {
  const out = new ByteList().u8(1, shape.length, 0).zeros(5);
  for (const extent of shape) out.u64(extent);
  return out.done();
}

/** u8 version and class, 3 bytes of flags, u32 size, properties. */
export function datatype(dtype: NumericDType): Uint8Array {
  const { kind, itemsize } = dtypes[dtype];
  if (dtype === "bfloat16") return opaque(itemsize);
  if (kind === "bool") return boolType();
  if (kind === "complex") return complexType(dtype === "complex64" ? "float32" : "float64", itemsize);
  if (kind === "int" || kind === "uint") return integer(itemsize, kind === "int");
  const layout = floats.get(dtype);
  if (layout === undefined) throw new CheckpointError("unsupported", `${dtype} has no place in HDF5 files that h5py reads`);
  return float(itemsize, layout);
}

interface FloatLayout {
  /** Bits. */
  readonly exponent: number;
  readonly mantissa: number;
  readonly bias: number;
}

const floats: ReadonlyMap<NumericDType, FloatLayout> = new Map([
  ["float16", { exponent: 5, mantissa: 10, bias: 15 }],
  ["float32", { exponent: 8, mantissa: 23, bias: 127 }],
  ["float64", { exponent: 11, mantissa: 52, bias: 1023 }],
]);

function float(size: number, { exponent, mantissa, bias }: FloatLayout): Uint8Array {
  // Flags: 0x20 the mantissa's first bit is not stored; second byte the bit of the sign.
  const out = new ByteList().u8(0x11, 0x20, size * 8 - 1, 0).u32(size);
  return out
    .u16(0)
    .u16(size * 8)
    .u8(mantissa, exponent, 0, mantissa)
    .u32(bias)
    .done();
}

function integer(size: number, signed: boolean): Uint8Array {
  return new ByteList()
    .u8(0x10, signed ? 0x08 : 0, 0, 0)
    .u32(size)
    .u16(0)
    .u16(size * 8)
    .done();
}

/** An enum over int8, names padded to 8 bytes, then their values. */
function boolType(): Uint8Array {
  const out = new ByteList().u8(0x18, 2, 0, 0).u32(1).bytes(integer(1, true));
  return out.ascii("FALSE\0\0\0").ascii("TRUE\0\0\0\0").u8(0, 1).done();
}

/** A compound of r and i; members are name padded to 8, u32 offset, u8 rank, 3 + 4 + 4 bytes, four u32 extents, type. */
function complexType(part: NumericDType, size: number): Uint8Array {
  const out = new ByteList().u8(0x16, 2, 0, 0).u32(size);
  for (const [index, name] of ["r", "i"].entries()) {
    out
      .ascii(name.padEnd(8, "\0"))
      .u32((index * size) / 2)
      .zeros(12 + 16)
      .bytes(datatype(part));
  }
  return out.done();
}

function opaque(size: number): Uint8Array {
  return new ByteList().u8(0x15, 0, 0, 0).u32(size).done();
}

/** NUL-padded; charset 1 is UTF-8. */
function fixedText(size: number, utf8: boolean): Uint8Array {
  return new ByteList()
    .u8(0x13, utf8 ? 0x11 : 0x01, 0, 0)
    .u32(size)
    .done();
}

/** A sequence of characters, NUL-terminated, UTF-8: 16 bytes that point into the global heap. */
function variableText(): Uint8Array {
  return new ByteList().u8(0x19, 0x01, 0x01, 0).u32(16).bytes(integer(1, false)).done();
}

/**
 * Version 1: u8 1, u8 0, u16 sizes of name, type and space, then each padded to 8, then the elements. `heap` gives the 16
 * bytes that mean a text of variable length. Throws `unsupported` above 64 KiB.
 */
export function attributeMessage(name: string, value: Hdf5Value, heap: (text: string) => Uint8Array): Uint8Array {
  const title = new TextEncoder().encode(`${name}\0`);
  const { type, shape, elements } = content(value, heap);
  const space = dataspace(shape);
  const out = new ByteList().u8(1, 0).u16(title.length).u16(type.length).u16(space.length);
  for (const field of [title, type, space]) out.bytes(field).align(8);
  const bytes = out.bytes(elements).done();
  if (bytes.length <= maxMessage) return bytes;
  throw new CheckpointError("unsupported", `HDF5 attribute ${name} of ${bytes.length} bytes, a header holds at most ${maxMessage}`);
}

function content(
  value: Hdf5Value,
  heap: (text: string) => Uint8Array,
): { readonly type: Uint8Array; readonly shape: readonly number[]; readonly elements: Uint8Array } {
  if (value.kind === "text") return { type: variableText(), shape: [], elements: heap(value.text) };
  const list = typeof value.texts === "string" ? [value.texts] : value.texts;
  const encoded = list.map((text) => new TextEncoder().encode(text));
  const size = encoded.reduce((longest, { length }) => Math.max(longest, length), 1);
  const utf8 = encoded.some((bytes) => bytes.some((byte) => byte > 0x7f));
  const elements = new Uint8Array(size * encoded.length);
  for (const [index, bytes] of encoded.entries()) elements.set(bytes, index * size);
  return { type: fixedText(size, utf8), shape: typeof value.texts === "string" ? [] : [encoded.length], elements };
}

/** Version 2: no value of its own, space given late, as h5py has it. */
export function fillValue(): Uint8Array {
  return new ByteList().u8(2, 2, 2, 1).u32(0).done();
}

/** Version 3, contiguous; no address where there are no elements. */
export function contiguousLayout(address: number | undefined, size: number): Uint8Array {
  const out = new ByteList().u8(3, 1);
  if (address === undefined) out.bytes(new Uint8Array(8).fill(0xff));
  else out.u64(address);
  return out.u64(size).done();
}

/** Version 1: u8 1, u8 0, u16 messages, u32 references, u32 size, 4 bytes; each message u16 type, u16 size, u8 flags, 3 bytes. */
export function objectHeader(messages: readonly Hdf5Message[]): Uint8Array {
  const body = new ByteList();
  for (const { type, body: message } of messages) {
    const padded = Math.ceil(message.length / 8) * 8;
    body.u16(type).u16(padded).zeros(4).bytes(message).align(8);
  }
  return new ByteList().u8(1, 0).u16(messages.length).u32(1).u32(body.length).zeros(4).bytes(body.done()).done();
}
