import type { Fields } from "../bytes.ts";
import { has } from "../object-header.ts";

/** Where a dataset's elements are, as its layout message says. Addresses undefined: nothing was ever written. */
export type Hdf5Storage =
  | { readonly kind: "compact"; readonly offset: number; readonly size: number } // in the file, in bytes
  | { readonly kind: "contiguous"; readonly address: number | undefined }
  | {
      readonly kind: "chunked";
      readonly address: number | undefined;
      readonly chunk: readonly number[];
      readonly index: ChunkIndex;
      readonly plainEdges?: boolean;
    }
  | { readonly kind: "virtual"; readonly address: number | undefined; readonly index: number } // of the list of its sources
  | { readonly kind: "other"; readonly what: string };

/** How chunks are found. */
export type ChunkIndex =
  | { readonly kind: "btree1" | "btree2" | "implicit" | "fixed" | "extensible" }
  | { readonly kind: "single"; readonly storedSize: number | undefined; readonly mask: number };

export interface Hdf5Filter {
  readonly id: number;
  readonly values: readonly number[];
}

/** Layout message, versions 1 to 5. */
export function readStorage(fields: Fields): Hdf5Storage {
  const version = fields.u8();
  if (version === 1 || version === 2) return readOld(fields);
  // 5 (HDF5 2.0) is 4 with room for chunks above 4 GiB; how wide sizes are follows from the entries themselves.
  if (version < 3 || version > 5) return { kind: "other", what: `layout version ${version}` };
  const kind = fields.u8();
  if (kind === 0) return compact(fields, fields.u16());
  if (kind === 1) return { kind: "contiguous", address: fields.address() };
  if (kind === 3) return { kind: "virtual", address: fields.address(), index: fields.u32() };
  if (kind !== 2) return { kind: "other", what: `layout class ${kind}` };
  return version === 3 ? readChunked3(fields) : readChunked4(fields);
}

/** u8 rank (chunked: one more), u8 class, 5 bytes, [address], extents u32, [chunked: element size u32], [compact: size u32, data]. */
function readOld(fields: Fields): Hdf5Storage {
  const rank = fields.u8();
  const kind = fields.u8();
  fields.skip(5);
  const address = kind === 0 ? undefined : fields.address();
  const dims = Array.from({ length: rank }, () => fields.u32());
  if (kind === 0) return compact(fields, fields.u32());
  if (kind === 1) return { kind: "contiguous", address };
  return { kind: "chunked", address, chunk: dims.slice(0, -1), index: { kind: "btree1" } };
}

function compact(fields: Fields, size: number): Hdf5Storage {
  const offset = fields.offset + fields.position;
  fields.take(size);
  return { kind: "compact", offset, size };
}

/** u8 rank + 1, B-tree address, chunk extents u32, element size u32. */
function readChunked3(fields: Fields): Hdf5Storage {
  const rank = fields.u8();
  const address = fields.address();
  const dims = Array.from({ length: rank }, () => fields.u32());
  return { kind: "chunked", address, chunk: dims.slice(0, -1), index: { kind: "btree1" } };
}

/** u8 flags, u8 rank + 1, u8 width of extents, extents, u8 index kind, its parameters, address. */
function readChunked4(fields: Fields): Hdf5Storage {
  const flags = fields.u8();
  const rank = fields.u8();
  const width = fields.u8();
  const dims = Array.from({ length: rank }, () => fields.uint(width));
  const kind = fields.u8();
  const chunk = dims.slice(0, -1);
  // Chunks that reach beyond the extents are stored without filters.
  const edges = has(flags, 0x01) ? { plainEdges: true } : {};
  switch (kind) {
    case 1: {
      const filtered = has(flags, 0x02);
      const storedSize = filtered ? fields.length() : undefined;
      const mask = filtered ? fields.u32() : 0;
      return { kind: "chunked", address: fields.address(), chunk, index: { kind: "single", storedSize, mask }, ...edges };
    }
    case 2:
      return { kind: "chunked", address: fields.address(), chunk, index: { kind: "implicit" }, ...edges };
    case 3:
      fields.skip(1);
      return { kind: "chunked", address: fields.address(), chunk, index: { kind: "fixed" }, ...edges };
    case 4:
      fields.skip(5);
      return { kind: "chunked", address: fields.address(), chunk, index: { kind: "extensible" }, ...edges };
    case 5:
      fields.skip(6);
      return { kind: "chunked", address: fields.address(), chunk, index: { kind: "btree2" }, ...edges };
    default:
      return { kind: "other", what: `chunk index ${kind}` };
  }
}

/** Filter message. Version 1: u8 n, 6 bytes; version 2: u8 n; each u16 id, u16 name length (2: only from id 256), u16 flags, u16 values. */
export function readFilters(fields: Fields): readonly Hdf5Filter[] {
  const version = fields.u8();
  const count = fields.u8();
  if (version !== 1 && version !== 2) fields.fail(`filter version ${version}`);
  if (version === 1) fields.skip(6);
  return Array.from({ length: count }, () => {
    const id = fields.u16();
    const nameLength = version === 1 || id >= 256 ? fields.u16() : 0;
    fields.skip(2);
    const values = fields.u16();
    fields.skip(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
    const filter = { id, values: Array.from({ length: values }, () => fields.u32()) };
    if (version === 1 && values % 2 === 1) fields.skip(4);
    return filter;
  });
}

/** The fill value's bytes; undefined where it is zero. Versions 1 to 3 of message 5, and message 4. */
export function readFill(fields: Fields, old: boolean): Uint8Array | undefined {
  if (old) return bytes(fields, fields.u32());
  const version = fields.u8();
  if (version === 3) return has(fields.u8(), 0x20) ? bytes(fields, fields.u32()) : undefined;
  fields.skip(2);
  const defined = fields.u8() === 1;
  return version === 1 || defined ? bytes(fields, fields.u32()) : undefined;
}

/** A size of -1 says that no fill value was given. */
function bytes(fields: Fields, size: number): Uint8Array | undefined {
  return size === 0 || size === 0xffffffff ? undefined : fields.take(size);
}
