import type { Fields } from "./bytes.ts";

/** A type of elements as the file describes it; `size` in bytes. */
export type Hdf5Type =
  | { readonly class: "integer"; readonly size: number; readonly signed: boolean; readonly bigEndian: boolean; readonly whole: boolean }
  | {
      readonly class: "float";
      readonly size: number;
      readonly bigEndian: boolean;
      readonly exponent: number;
      readonly mantissa: number;
      readonly bias: number;
    }
  | { readonly class: "string"; readonly size: number; readonly padding: "terminated" | "nul" | "space" }
  | { readonly class: "opaque"; readonly size: number; readonly tag: string }
  | { readonly class: "compound"; readonly size: number; readonly members: readonly Hdf5Member[] }
  | { readonly class: "reference"; readonly size: number; readonly object: boolean }
  | {
      readonly class: "enum";
      readonly size: number;
      readonly base: Hdf5Type;
      readonly names: readonly string[];
      readonly values: readonly Uint8Array[];
    }
  | { readonly class: "vlen"; readonly size: number; readonly string: boolean; readonly base: Hdf5Type }
  | { readonly class: "array"; readonly size: number; readonly dims: readonly number[]; readonly base: Hdf5Type }
  | { readonly class: "other"; readonly size: number; readonly what: string };

export interface Hdf5Member {
  readonly name: string;
  /** In the compound, in bytes. */
  readonly offset: number;
  readonly type: Hdf5Type;
}

/** Compounds of compounds; h5py and MATLAB stay at two. */
const maxDepth = 16;

/** The datatype message, also as it is in attributes. Throws `malformed` where it contradicts itself. */
export function readDatatype(fields: Fields, depth = 0): Hdf5Type {
  if (depth > maxDepth) fields.fail(`datatype nested deeper than ${maxDepth}`);
  const head = fields.u8();
  const version = Math.floor(head / 16);
  const flags = fields.uint(3);
  const size = fields.u32();
  if (version < 1 || version > 5) fields.fail(`datatype version ${version}`);
  if (size === 0) fields.fail("datatype of no bytes");
  switch (head % 16) {
    case 0: {
      const offset = fields.u16();
      const precision = fields.u16();
      const signed = Math.floor(flags / 8) % 2 === 1;
      return { class: "integer", size, signed, bigEndian: flags % 2 === 1, whole: offset === 0 && precision === size * 8 };
    }
    case 1:
      return readFloat(fields, flags, size);
    case 2:
      fields.skip(2);
      return { class: "other", size, what: "time" };
    case 3:
      return { class: "string", size, padding: flags % 16 === 0 ? "terminated" : flags % 16 === 1 ? "nul" : "space" };
    case 4: {
      // A bit field; h5py shows it as the unsigned integer of its width.
      const whole = fields.u16() === 0 && fields.u16() === size * 8;
      return { class: "integer", size, signed: false, bigEndian: flags % 2 === 1, whole };
    }
    case 5:
      return { class: "opaque", size, tag: new TextDecoder().decode(fields.take(flags % 256)).replace(/\0.*$/s, "") };
    case 6:
      return readCompound(fields, version, flags % 65536, size, depth);
    case 7:
      return { class: "reference", size, object: flags % 16 === 0 };
    case 8:
      return readEnum(fields, version, flags % 65536, size, depth);
    case 9:
      return { class: "vlen", size, string: flags % 16 === 1, base: readDatatype(fields, depth + 1) };
    case 10:
      return readArray(fields, version, size, depth);
    case 11: {
      const base = readDatatype(fields, depth + 1);
      if (base.size * 2 !== size) fields.fail(`complex numbers of ${size} bytes out of parts of ${base.size}`);
      const members = [
        { name: "r", offset: 0, type: base },
        { name: "i", offset: base.size, type: base },
      ];
      return { class: "compound", size, members };
    }
    default:
      return { class: "other", size, what: `datatype class ${head % 16}` };
  }
}

function readFloat(fields: Fields, flags: number, size: number): Hdf5Type {
  const bitOffset = fields.u16();
  const precision = fields.u16();
  const exponentAt = fields.u8();
  const exponent = fields.u8();
  const mantissaAt = fields.u8();
  const mantissa = fields.u8();
  const bias = fields.u32();
  const packed =
    bitOffset === 0 && precision === size * 8 && mantissaAt === 0 && exponentAt === mantissa && exponent + mantissa + 1 === precision;
  const vax = Math.floor(flags / 64) % 2 === 1;
  if (!packed || vax) return { class: "other", size, what: `float of ${precision} bits in ${size} bytes` };
  return { class: "float", size, bigEndian: flags % 2 === 1, exponent, mantissa, bias };
}

/** Up to version 2 names are padded to 8 bytes, version 3 ends them with their NUL. */
function memberName(fields: Fields, version: number): string {
  const start = fields.position;
  const name = fields.text();
  if (version < 3) fields.skip((8 - ((fields.position - start) % 8)) % 8);
  return name;
}

function readCompound(fields: Fields, version: number, count: number, size: number, depth: number): Hdf5Type {
  const members: Hdf5Member[] = [];
  const offsetWidth = version < 3 ? 4 : size < 0x100 ? 1 : size < 0x10000 ? 2 : size < 0x1000000 ? 3 : 4;
  for (let index = 0; index < count; index++) {
    const name = memberName(fields, version);
    const offset = fields.uint(offsetWidth);
    let dims: number[] = [];
    if (version === 1) {
      const rank = fields.u8();
      fields.skip(3 + 4 + 4);
      const sizes = [fields.u32(), fields.u32(), fields.u32(), fields.u32()];
      if (rank > 4) fields.fail(`member ${name} of ${rank} dimensions`);
      dims = sizes.slice(0, rank);
    }
    const base = readDatatype(fields, depth + 1);
    const type: Hdf5Type = dims.length === 0 ? base : { class: "array", size: base.size * product(dims), dims, base };
    if (offset + type.size > size) fields.fail(`member ${name} reaches beyond its compound of ${size} bytes`);
    members.push({ name, offset, type });
  }
  return { class: "compound", size, members };
}

function readEnum(fields: Fields, version: number, count: number, size: number, depth: number): Hdf5Type {
  const base = readDatatype(fields, depth + 1);
  const names: string[] = [];
  for (let index = 0; index < count; index++) names.push(memberName(fields, version));
  const values = names.map(() => fields.take(base.size).slice());
  return { class: "enum", size, base, names, values };
}

function readArray(fields: Fields, version: number, size: number, depth: number): Hdf5Type {
  const rank = fields.u8();
  if (version < 3) fields.skip(3);
  const dims = Array.from({ length: rank }, () => fields.u32());
  if (version < 3) fields.skip(4 * rank);
  const base = readDatatype(fields, depth + 1);
  if (base.size * product(dims) !== size) fields.fail(`array of ${dims.join("x")} elements of ${base.size} bytes in ${size}`);
  return { class: "array", size, dims, base };
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}

/** Rank and extents; null: a dataspace that holds nothing, not even one element. */
export type Hdf5Shape = readonly number[] | null;

/** The library allows 32. */
const maxRank = 32;

export interface Dataspace {
  readonly shape: Hdf5Shape;
  /** How far each dimension may grow; undefined: without end. */
  readonly most: readonly (number | undefined)[];
}

/** The dataspace message. Version 1: u8 rank, u8 flags, 5 bytes; version 2: u8 rank, u8 flags, u8 kind; extents, [largest extents]. */
export function readDataspace(fields: Fields): Dataspace {
  const version = fields.u8();
  const rank = fields.u8();
  const flags = fields.u8();
  if (version !== 1 && version !== 2) fields.fail(`dataspace version ${version}`);
  if (rank > maxRank) fields.fail(`dataspace of ${rank} dimensions, at most ${maxRank}`);
  if (version === 1) fields.skip(5);
  else if (fields.u8() === 2) return { shape: null, most: [] };
  const shape = Array.from({ length: rank }, () => fields.length());
  if (!Number.isSafeInteger(product(shape))) fields.fail(`${shape.join("x")} elements are beyond any file`);
  const most = flags % 2 === 1 ? shape.map(() => fields.lengthOrNone()) : shape;
  return { shape, most };
}
