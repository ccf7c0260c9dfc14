import { CheckpointError } from "../../errors.ts";
import { utf8Length } from "../../io/bytes.ts";
import { inflated } from "../../io/source/decoded.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { checked } from "../checksum/checked.ts";
import { crc32 } from "../checksum/crc32.ts";
import { type Directory, dataViewOf, entrySize, findDirectory, safe } from "./zip-end.ts";

/*
 * The zip subset that PyTorch, NumPy and Keras write (PKWARE APPNOTE 6.3.10): stored and deflated members, zip64.
 * Only the central directory at the end counts; what local headers say about sizes is not looked at, because NumPy
 * writes 0xffffffff there and streaming writers write 0. All integers are little-endian.
 *
 *   entry           0 "PK\1\2"   8 u16 flags  10 u16 method  16 u32 crc  20 u32 stored size  24 u32 size
 *                  28 u16 name  30 u16 extra  32 u16 comment  42 u32 offset of the local header  46 name
 *   local header    0 "PK\3\4"  26 u16 name  28 u16 extra  30 name
 */

export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated; others are listed and cannot be opened. */
  readonly method: number;
  /** Bytes in the archive. */
  readonly storedSize: number;
  /** Bytes after decoding. */
  readonly size: number;
  /** CRC-32 of the decoded bytes. */
  readonly crc32: number;
  /** Where the local header starts in the archive, in bytes. */
  readonly headerOffset: number;
  /** Where its entry of the central directory starts, in bytes. */
  readonly entryOffset: number;
  /** Whether the CRC follows the data (flag bit 3), beside the two records that have it. */
  readonly described: boolean;
  readonly encrypted: boolean;
  /** Whether the name is UTF-8 (flag bit 11), and not code page 437. */
  readonly utf8: boolean;
}

export interface ZipArchive {
  readonly name: string;
  /** In the order of the central directory; folders are left out. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /**
   * A stored member is a window of the archive, a deflated one decodes forward; undefined where there is none. Its checksum is
   * compared as `checked` does it: a damaged member throws `malformed` when values are read. Throws `unsupported` for other
   * methods and encryption, `malformed` where the local header contradicts the directory. `zeroCrc`: what a checksum of 0 means; PyTorch
   * writes it for none after `set_crc32_options(False)`, to Python's zipfile it is one like every other.
   */
  open(name: string, zeroCrc?: "checksum" | "none"): Promise<ByteSource | undefined>;
  /** The same without the checksum: for members that are looked into at many places, which `checked` would read whole first. */
  openUnchecked(name: string): Promise<ByteSource | undefined>;
}

const entryRecord = 0x02014b50;
const localHeader = 0x04034b50;

const localSize = 30;

/** Throws `truncated` without an end record, `malformed` for a directory that contradicts itself, `unsafe` for overlapping members. */
export async function openZip(source: ByteSource): Promise<ZipArchive> {
  const directory = await findDirectory(source);
  const bytes = await source.read(directory.offset, directory.size);
  const entries = parseDirectory(bytes, directory, source.name);
  refuseOverlap(entries, directory.offset, source.name);
  return {
    name: source.name,
    entries,
    async open(name, zeroCrc) {
      const entry = entries.get(name);
      const member = await openMember(source, entry);
      if (entry === undefined || member === undefined) return undefined;
      return zeroCrc === "none" && entry.crc32 === 0 ? member : checkedMember(member, entry);
    },
    openUnchecked: async (name) => openMember(source, entries.get(name)),
  };
}

/** The bytes of a member, decoded by whatever way, with its checksum compared. */
export function checkedMember(member: ByteSource, { crc32: value, size }: ZipEntry): ByteSource {
  const whole = { offset: 0, size };
  return checked(member, whole, { value, compute: crc32 }, whole, { within: member.within });
}

function parseDirectory(bytes: Uint8Array, directory: Directory, file: string): ReadonlyMap<string, ZipEntry> {
  const view = dataViewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  let index = 0;
  for (; at < bytes.length; index++) {
    const where = { file, offset: directory.offset + at };
    if (at + entrySize > bytes.length || view.getUint32(at, true) !== entryRecord) {
      throw new CheckpointError("malformed", `zip directory breaks off at member ${index} of ${directory.count}`, where);
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + entrySize + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) throw new CheckpointError("malformed", "zip directory entry reaches beyond the directory", where);
    const flags = view.getUint16(at + 8, true);
    const nameStart = at + entrySize;
    const name = decodeName(bytes.subarray(nameStart, nameStart + nameLength), isUtf8(flags));
    if (name.includes("\0")) throw new CheckpointError("malformed", "a zip member's name holds a NUL, where Python cuts it off", where);
    const sizes = readSizes(view, at, nameStart + nameLength, extraLength, where);
    if (!name.endsWith("/")) {
      if (entries.has(name)) throw new CheckpointError("malformed", `zip holds two members named ${name}`, where);
      entries.set(name, {
        name,
        method: view.getUint16(at + 10, true),
        crc32: view.getUint32(at + 16, true),
        storedSize: sizes.stored,
        size: sizes.size,
        headerOffset: sizes.header + directory.shift,
        entryOffset: directory.offset + at,
        described: Math.floor(flags / 8) % 2 === 1,
        encrypted: flags % 2 === 1,
        utf8: isUtf8(flags),
      });
    }
    at = next;
  }
  // Python's zipfile goes by the size of the directory, PyTorch by the count. Without zip64 the count has 16 bits, and old writers let it wrap.
  if (index !== directory.count && (index <= 0xffff || index % 0x10000 !== directory.count)) {
    throw new CheckpointError("malformed", `zip directory of ${index} members, its end record counts ${directory.count}`, {
      file,
      offset: directory.offset,
    });
  }
  return entries;
}

/** Sizes and offset of a directory entry; the zip64 extra (id 1) holds those that are 0xffffffff, in this order. */
function readSizes(
  view: DataView,
  at: number,
  extraStart: number,
  extraLength: number,
  where: { file: string; offset: number },
): { size: number; stored: number; header: number } {
  const fields = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const end = extraStart + extraLength;
  for (let extra = extraStart; extra + 4 <= end; ) {
    const id = view.getUint16(extra, true);
    const stop = extra + 4 + view.getUint16(extra + 2, true);
    if (stop > end) break;
    if (id === 1) {
      let from = extra + 4;
      for (const [index, field] of fields.entries()) {
        if (field !== 0xffffffff) continue;
        if (from + 8 > stop) throw new CheckpointError("malformed", "zip64 extra field lacks a size", where);
        fields[index] = safe(view.getBigUint64(from, true), where.file, where.offset);
        from += 8;
      }
    }
    extra = stop;
  }
  const [size = 0, stored = 0, header = 0] = fields;
  return { size, stored, header };
}

/** Members that share bytes are how small archives unpack to huge ones; no writer of checkpoints makes them. */
function refuseOverlap(entries: ReadonlyMap<string, ZipEntry>, directory: number, file: string): void {
  const ordered = [...entries.values()].sort((a, b) => a.headerOffset - b.headerOffset);
  for (const [index, entry] of ordered.entries()) {
    const end = entry.headerOffset + localSize + entry.storedSize;
    const next = ordered[index + 1];
    const limit = next?.headerOffset ?? directory;
    if (end <= limit) continue;
    const where = { file, offset: entry.headerOffset };
    if (next === undefined) {
      throw new CheckpointError("malformed", `zip member ${entry.name} ends at ${end}, the directory starts at ${directory}`, where);
    }
    throw new CheckpointError("unsafe", `zip members ${entry.name} and ${next.name} overlap`, where);
  }
}

async function openMember(source: ByteSource, entry: ZipEntry | undefined): Promise<ByteSource | undefined> {
  if (entry === undefined) return undefined;
  const where = { file: source.name, offset: entry.headerOffset };
  if (entry.encrypted) throw new CheckpointError("unsupported", `zip member ${entry.name} is encrypted`, where);
  if (entry.method !== 0 && entry.method !== 8) {
    throw new CheckpointError(
      "unsupported",
      `zip member ${entry.name} uses compression method ${entry.method}, only stored and deflated are read`,
      where,
    );
  }
  if (entry.method === 0 && entry.storedSize !== entry.size) {
    throw new CheckpointError("malformed", `stored zip member ${entry.name} has ${entry.storedSize} bytes and claims ${entry.size}`, where);
  }
  const nameLength = entry.utf8 ? utf8Length(entry.name) : entry.name.length;
  const head = await source.read(entry.headerOffset, Math.min(localSize + nameLength, source.size - entry.headerOffset));
  const header = dataViewOf(head);
  if (header.getUint32(0, true) !== localHeader) {
    throw new CheckpointError("malformed", `zip member ${entry.name} has no local header`, where);
  }
  if (header.getUint16(26, true) !== nameLength || decodeName(head.subarray(localSize), entry.utf8) !== entry.name) {
    throw new CheckpointError("malformed", `zip member ${entry.name} has another name in its own header`, where);
  }
  const start = entry.headerOffset + localSize + nameLength + header.getUint16(28, true);
  const stored = window(source, start, entry.storedSize, `${source.name}:${entry.name}`);
  return entry.method === 0 ? stored : inflated(stored, entry.size, "raw");
}

function isUtf8(flags: number): boolean {
  return Math.floor(flags / 0x800) % 2 === 1;
}

/** Flag bit 11 marks UTF-8; without it names are code page 437, which readers commonly meet as UTF-8 all the same. */
function decodeName(bytes: Uint8Array, utf8: boolean): string {
  if (utf8 || bytes.every((byte) => byte < 0x80)) return new TextDecoder().decode(bytes);
  return Array.from(bytes, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : (upperHalf[byte - 0x80] ?? ""))).join("");
}

/** Code page 437, 0x80 to 0xff. */
const upperHalf = [
  ..."ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0",
];
