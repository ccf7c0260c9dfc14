import { CheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { archiveSet } from "./archive-set.ts";

/*
 * tar as written by GNU tar, Python and PyTorch before 0.1.10: 512-byte headers (POSIX.1-1988 ustar, with the pax and
 * GNU ways to long names), each followed by the member, padded to 512.
 *
 *   0 name[100]  124 size[12] octal text, or big-endian binary where the first bit is set  148 checksum[8] octal
 *   156 type  257 "ustar"  345 prefix[155]
 */

export interface TarEntry {
  readonly name: string;
  /** Where the data start in the archive, in bytes. */
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** Headers are kept in memory, so their number is bounded; a checkpoint of 100,000 tensors stays below. */
const maxEntries = 250_000;
/** Long names and pax records are read whole; real ones have some hundred bytes. */
const maxExtension = 1024 * 1024;

/** Regular files in the order of the archive. Throws `truncated` where a member reaches beyond the file, `malformed` for a bad header. */
async function tarEntries(source: ByteSource): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  let at = 0;
  let longName: string | undefined;
  let longSize: number | undefined;
  while (at + block <= source.size) {
    const header = await source.read(at, block);
    if (header.every((byte) => byte === 0)) break;
    const where = { file: source.name, offset: at };
    if (!hasChecksum(header)) throw new CheckpointError("malformed", "tar header with a wrong checksum", where);
    const type = String.fromCharCode(header[156] ?? 0);
    const size = (type === "x" || type === "L" ? undefined : longSize) ?? number(header.subarray(124, 136), where);
    const start = at + block;
    if (size > source.size - start) {
      throw new CheckpointError("truncated", `tar member of ${size} bytes, ${source.size - start} are left in the file`, where);
    }
    if (type === "L" || type === "x" || type === "K" || type === "g") {
      if (size > maxExtension)
        throw new CheckpointError("unsafe", `tar extension of ${size} bytes, at most ${maxExtension} are read`, where);
      const bytes = await source.read(start, size);
      if (type === "L") longName = text(bytes);
      if (type === "x") {
        const records = paxRecords(bytes, where);
        longName = records.get("path") ?? longName;
        const sparse = [...records.keys()].find((key) => key.startsWith("GNU.sparse."));
        if (sparse !== undefined) {
          throw new CheckpointError(
            "unsupported",
            "a sparse tar member (GNU.sparse), whose holes are left out; pack it again without --sparse",
            where,
          );
        }
        const stated = records.get("size");
        if (stated !== undefined) longSize = decimal(stated, where);
      }
    } else {
      const prefix = text(header.subarray(257, 262)) === "ustar" ? text(header.subarray(345, 500)) : "";
      const short = text(header.subarray(0, 100));
      const name = longName ?? (prefix === "" ? short : `${prefix}/${short}`);
      if ((type === "0" || type === "\0" || type === "7") && !name.endsWith("/")) entries.push({ name, offset: start, size });
      if (entries.length > maxEntries) throw new CheckpointError("unsafe", `tar of more than ${maxEntries} members`, where);
      longName = undefined;
      longSize = undefined;
    }
    at = start + Math.ceil(size / block) * block;
  }
  if (entries.length === 0 && at === 0) throw new CheckpointError("truncated", "no tar header", { file: source.name, offset: 0 });
  return entries;
}

/** The members as a set of files. A name that occurs twice means its last member, as tar itself has it. */
export async function tarSet(source: ByteSource): Promise<FileSet> {
  const byName = new Map<string, TarEntry>();
  for (const entry of await tarEntries(source)) byName.set(entry.name, entry);
  return archiveSet(source.name, [...byName.keys()], async (name) => {
    const entry = byName.get(name);
    return entry && window(source, entry.offset, entry.size, `${source.name}:${name}`);
  });
}

function hasChecksum(header: Uint8Array): boolean {
  const stated = text(header.subarray(148, 156)).trim();
  if (!/^[0-7]+$/.test(stated)) return false;
  let sum = 8 * 0x20;
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte;
  return sum === Number.parseInt(stated, 8);
}

function number(field: Uint8Array, where: { file: string; offset: number }): number {
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    let value = first - 0x80;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if (Number.isSafeInteger(value)) return value;
    throw new CheckpointError("malformed", "tar size beyond any file", where);
  }
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw new CheckpointError("malformed", "tar size is no octal number", where);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** Records "<length> <key>=<value>\n", the length counting itself. */
function paxRecords(bytes: Uint8Array, where: { file: string; offset: number }): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 ? 0 : decimal(text(bytes.subarray(at, space)), where);
    if (length <= space - at || at + length > bytes.length) throw new CheckpointError("malformed", "pax record with a wrong length", where);
    const record = new TextDecoder().decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

function decimal(digits: string, where: { file: string; offset: number }): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new CheckpointError("malformed", "number expected in a pax record", where);
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}
