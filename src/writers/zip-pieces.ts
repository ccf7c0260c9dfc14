import { layoutBytes } from "./execute.ts";
import type { Group, LatePiece, Piece } from "./layout.ts";

/** One file inside a zip archive on its way out. */
export interface ZipMember {
  readonly name: string;
  readonly pieces: readonly Piece[];
  /** Deflated; stored otherwise. */
  readonly deflate?: boolean;
  /** The data starts at a multiple of this many bytes in the archive; only where no earlier member is deflated. */
  readonly align?: number;
}

interface Entry {
  readonly name: Uint8Array;
  readonly group: Group;
  /** Marks where the local header starts: an archive may itself are anywhere in its file. */
  readonly header: Group;
  readonly method: 0 | 8;
}

const utf8 = new TextEncoder();
/** Zip64 wherever a size or offset does not fit 32 bits; 0xFFFFFFFF itself is the mark (APPNOTE 4.3.9.2). */
const limit32 = 0xffffffff;
/** Deflate of noise may grow by five bytes in every 16 KiB: sizes this near the limit get room for 64 bits. */
const deflateMargin = 0xfff00000;
/** 1 January 1980, 00:00, the earliest date there is: the same archive from the same input, at any time of day. */
const dosDate = 0x0021;
/** Extra field that PyTorch and Android call padding; its content means nothing. */
const paddingId = 0x4246;

/**
 * The pieces of an archive, in the order of the members. Sizes and CRC-32 stand in the local headers, so that readers
 * which stream need no data descriptors.
 */
export function zipPieces(members: readonly ZipMember[]): readonly Piece[] {
  const entries: Entry[] = [];
  const pieces: Piece[] = [];
  let offset = 0;
  let start: Group | undefined;
  for (const member of members) {
    const name = utf8.encode(member.name);
    const bytes = layoutBytes(member.pieces);
    const deflate = member.deflate === true;
    const group: Group = {
      kind: "group",
      pieces: member.pieces,
      checksum: "crc32",
      ...(deflate ? { encode: "deflate-raw" as const } : {}),
    };
    const wide = bytes >= (deflate ? deflateMargin : limit32);
    const plain = 30 + name.length + (wide ? 20 : 0);
    const padding = member.align === undefined ? 0 : paddingFor(offset + plain, member.align);
    const method = deflate ? 8 : 0;
    const late: LatePiece = {
      kind: "late",
      byteLength: plain + padding,
      make: (written) => {
        const { length, rawLength, checksum } = written(group);
        const extra = [...(wide ? [zip64Extra([rawLength, length])] : []), ...(padding > 0 ? [paddingExtra(padding)] : [])];
        const header = record(30, (view) => {
          view.setUint32(0, 0x04034b50, true);
          view.setUint16(4, wide ? 45 : 20, true);
          view.setUint16(6, flags(name), true);
          view.setUint16(8, method, true);
          view.setUint16(12, dosDate, true);
          view.setUint32(14, checksum, true);
          view.setUint32(18, wide ? limit32 : length, true);
          view.setUint32(22, wide ? limit32 : rawLength, true);
          view.setUint16(26, name.length, true);
          view.setUint16(28, total(extra), true);
        });
        return join([header, name, ...extra]);
      },
    };
    const header: Group = { kind: "group", pieces: [late] };
    start ??= header;
    pieces.push(header, group);
    entries.push({ name, group, header, method });
    offset += plain + padding + bytes;
  }
  const first = start;
  // A group of its own, so that the directory's place is known when it is made.
  const directory: Group = { kind: "group", pieces: [] };
  pieces.push(directory, {
    kind: "late",
    make: (written) => {
      const base = first === undefined ? written(directory).offset : written(first).offset;
      const central = entries.map((entry) => centralEntry(entry, written(entry.header).offset - base, written(entry.group)));
      return join([...central, ...endOfDirectory(entries.length, total(central), written(directory).offset - base)]);
    },
  });
  return pieces;
}

/** Bytes of padding field (0, or 4 and more) that bring the data to a multiple of `align`. */
function paddingFor(offset: number, align: number): number {
  const rest = (align - (offset % align)) % align;
  return rest === 0 || rest >= 4 ? rest : rest + align;
}

function centralEntry(
  entry: Entry,
  offset: number,
  data: { readonly length: number; readonly rawLength: number; readonly checksum: number },
): Uint8Array {
  const wide: number[] = [];
  const narrow = (value: number): number => {
    if (value < limit32) return value;
    wide.push(value);
    return limit32;
  };
  const header = record(46, (view) => {
    view.setUint32(0, 0x02014b50, true);
    // In the order in which the zip64 field holds them: raw size, stored size, offset.
    view.setUint32(24, narrow(data.rawLength), true);
    view.setUint32(20, narrow(data.length), true);
    view.setUint32(42, narrow(offset), true);
    const version = wide.length > 0 ? 45 : 20;
    // Made by: 3 in the upper byte is Unix, which gives the mode below its meaning.
    view.setUint16(4, 0x0300 + version, true);
    view.setUint16(6, version, true);
    view.setUint16(8, flags(entry.name), true);
    view.setUint16(10, entry.method, true);
    view.setUint16(14, dosDate, true);
    view.setUint32(16, data.checksum, true);
    view.setUint16(28, entry.name.length, true);
    view.setUint16(30, wide.length === 0 ? 0 : 4 + 8 * wide.length, true);
    // A regular file, read and write for its owner, read for others.
    view.setUint32(38, 0o100644 * 0x10000, true);
  });
  return join([header, entry.name, ...(wide.length === 0 ? [] : [zip64Extra(wide)])]);
}

function endOfDirectory(count: number, size: number, offset: number): readonly Uint8Array[] {
  const wide = count >= 0xffff || size >= limit32 || offset >= limit32;
  const end = record(22, (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(8, wide ? 0xffff : count, true);
    view.setUint16(10, wide ? 0xffff : count, true);
    view.setUint32(12, wide ? limit32 : size, true);
    view.setUint32(16, wide ? limit32 : offset, true);
  });
  if (!wide) return [end];
  const end64 = record(56, (view) => {
    view.setUint32(0, 0x06064b50, true);
    view.setBigUint64(4, 44n, true); // bytes of this record behind this number
    view.setUint16(12, 0x0300 + 45, true);
    view.setUint16(14, 45, true);
    view.setBigUint64(24, BigInt(count), true);
    view.setBigUint64(32, BigInt(count), true);
    view.setBigUint64(40, BigInt(size), true);
    view.setBigUint64(48, BigInt(offset), true);
  });
  const locator = record(20, (view) => {
    view.setUint32(0, 0x07064b50, true);
    view.setBigUint64(8, BigInt(offset + size), true);
    view.setUint32(16, 1, true);
  });
  return [end64, locator, end];
}

/** General purpose bit 11: the name is UTF-8; left alone for names that are ASCII anyhow. */
function flags(name: Uint8Array): number {
  return name.some((byte) => byte > 127) ? 0x0800 : 0;
}

function zip64Extra(values: readonly number[]): Uint8Array {
  return record(4 + 8 * values.length, (view) => {
    view.setUint16(0, 1, true);
    view.setUint16(2, 8 * values.length, true);
    values.forEach((value, k) => {
      view.setBigUint64(4 + 8 * k, BigInt(value), true);
    });
  });
}

function paddingExtra(bytes: number): Uint8Array {
  return record(bytes, (view) => {
    view.setUint16(0, paddingId, true);
    view.setUint16(2, bytes - 4, true);
  });
}

function record(bytes: number, set: (view: DataView) => void): Uint8Array {
  const array = new Uint8Array(bytes);
  set(new DataView(array.buffer));
  return array;
}

function total(arrays: readonly Uint8Array[]): number {
  return arrays.reduce((sum, array) => sum + array.length, 0);
}

function join(arrays: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(total(arrays));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}
