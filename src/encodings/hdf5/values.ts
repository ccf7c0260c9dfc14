import type { Inert } from "../../tensor/checkpoint.ts";
import type { Hdf5Layout } from "./bytes.ts";
import { Fields } from "./bytes.ts";
import type { Hdf5Type } from "./datatype.ts";
import type { GlobalHeap } from "./heaps.ts";

/**
 * Elements as inert values, in row-major order: numbers (bigint beyond 2^53), strings, bytes for opaque ones, a list for
 * arrays and sequences, a Map for compounds, an address for object references (null for those that lead nowhere).
 */
export async function decodeValues(layout: Hdf5Layout, heap: GlobalHeap, type: Hdf5Type, bytes: Uint8Array): Promise<readonly Inert[]> {
  const values: Inert[] = [];
  for (let at = 0; at + type.size <= bytes.length; at += type.size) {
    values.push(await decodeOne(layout, heap, type, bytes.subarray(at, at + type.size)));
  }
  return values;
}

async function decodeOne(layout: Hdf5Layout, heap: GlobalHeap, type: Hdf5Type, bytes: Uint8Array): Promise<Inert> {
  switch (type.class) {
    case "integer":
      return integer(bytes, type.signed, type.bigEndian);
    case "float":
      return type.size === 4 || type.size === 8 ? float(bytes, type.bigEndian) : bytes.slice();
    case "string":
      return new TextDecoder().decode(trimmed(bytes, type.padding));
    case "enum": {
      const index = type.values.findIndex((value) => value.every((byte, k) => byte === bytes[k]));
      if (isBool(type)) return type.names[index] === "TRUE";
      return type.names[index] ?? decodeOne(layout, heap, type.base, bytes);
    }
    case "reference":
      return type.object ? reference(layout, bytes) : bytes.slice();
    case "vlen": {
      const data = await vlenBytes(layout, heap, bytes);
      if (type.string) return new TextDecoder().decode(trimmed(data.bytes, "terminated"));
      return decodeValues(layout, heap, type.base, data.bytes.subarray(0, data.count * type.base.size));
    }
    case "array":
      return decodeValues(layout, heap, type.base, bytes);
    case "compound": {
      const members = new Map<string, Inert>();
      for (const { name, offset, type: member } of type.members) {
        members.set(name, await decodeOne(layout, heap, member, bytes.subarray(offset, offset + member.size)));
      }
      return members;
    }
    default:
      return bytes.slice();
  }
}

/** The own bytes of every text, row-major; no text comes of another type. They need not be UTF-8. */
export async function textBytes(layout: Hdf5Layout, heap: GlobalHeap, type: Hdf5Type, bytes: Uint8Array): Promise<readonly Uint8Array[]> {
  const texts: Uint8Array[] = [];
  for (let at = 0; at + type.size <= bytes.length; at += type.size) {
    const element = bytes.subarray(at, at + type.size);
    if (type.class === "string") texts.push(trimmed(element, type.padding));
    else if (type.class === "vlen") texts.push(trimmed((await vlenBytes(layout, heap, element)).bytes, "terminated"));
  }
  return texts;
}

/** NumPy's bool as h5py writes it: an enum over int8. */
export function isBool(type: Hdf5Type): boolean {
  return type.class === "enum" && type.size === 1 && type.names.length === 2 && type.names[0] === "FALSE" && type.names[1] === "TRUE";
}

/** A string's own bytes, without its padding. */
export function trimmed(bytes: Uint8Array, padding: "terminated" | "nul" | "space"): Uint8Array {
  if (padding === "terminated") {
    const end = bytes.indexOf(0);
    return end < 0 ? bytes : bytes.subarray(0, end);
  }
  const pad = padding === "nul" ? 0 : 0x20;
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === pad) end--;
  return bytes.subarray(0, end);
}

/** What a variable-length element points at: u32 elements, address and u32 index of an object in the global heap. */
async function vlenBytes(layout: Hdf5Layout, heap: GlobalHeap, element: Uint8Array): Promise<{ count: number; bytes: Uint8Array }> {
  const fields = new Fields(element, layout, 0, "variable-length element");
  const count = fields.u32();
  const address = fields.address();
  if (count === 0 || address === undefined || address === 0) return { count: 0, bytes: new Uint8Array(0) };
  return { count, bytes: await heap.read(address, fields.u32()) };
}

/** The address that an object reference holds; null where it was never set. */
export function reference(layout: Hdf5Layout, bytes: Uint8Array): number | null {
  const address = new Fields(bytes, layout, 0, "object reference").address();
  return address === undefined || address === 0 ? null : address;
}

function integer(bytes: Uint8Array, signed: boolean, bigEndian: boolean): number | bigint {
  let value = 0n;
  for (const byte of bigEndian ? bytes : bytes.toReversed()) value = value * 256n + BigInt(byte);
  if (signed) value = BigInt.asIntN(bytes.length * 8, value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function float(bytes: Uint8Array, bigEndian: boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length === 4 ? view.getFloat32(0, !bigEndian) : view.getFloat64(0, !bigEndian);
}
