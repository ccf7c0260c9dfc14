import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";

/*
 * The end of a zip (PKWARE APPNOTE 6.3.10): where its central directory is. All integers are little-endian.
 *
 *   end record      0 "PK\5\6"  10 u16 entries  12 u32 directory size  16 u32 directory offset  20 u16 comment length
 *   zip64 locator   0 "PK\6\7"   8 u64 offset of the zip64 end record                     (20 bytes before the end record)
 *   zip64 end       0 "PK\6\6"  32 u64 entries  40 u64 directory size  48 u64 directory offset
 */

const endRecord = 0x06054b50;
const zip64Locator = 0x07064b50;
const zip64End = 0x06064b50;

const endSize = 22;
/** Bytes of a directory entry without its name and extras. */
export const entrySize = 46;
/** The end record's comment has at most this many bytes, so the record is in the last 65,557. */
const maxComment = 0xffff;
/** The directory is read whole: 64 MiB hold about 600,000 members, several times a checkpoint of 100,000 tensors. */
const maxDirectory = 64 * 1024 * 1024;

/** Where the central directory of a zip is. */
export interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  /** Bytes before the archive (a self-extracting stub): added to every offset. */
  readonly shift: number;
}

/** Throws `truncated` without an end record, `malformed` where it contradicts the file. */
export async function findDirectory(source: ByteSource): Promise<Directory> {
  const length = Math.min(source.size, maxComment + endSize);
  const start = source.size - length;
  const tail = await source.read(start, length);
  const view = dataViewOf(tail);
  for (let at = length - endSize; at >= 0; at--) {
    if (view.getUint32(at, true) !== endRecord) continue;
    if (at + endSize + view.getUint16(at + 20, true) > length) continue;
    return readEnd(source, view, at, start);
  }
  throw new CheckpointError("truncated", "the zip ends without its directory: the end record is missing", {
    file: source.name,
    offset: source.size,
    hint: "the file is cut short: download or copy it again",
  });
}

async function readEnd(source: ByteSource, view: DataView, at: number, start: number): Promise<Directory> {
  let count = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let offset = view.getUint32(at + 16, true);
  let end = start + at;
  // PyTorch writes the zip64 records into every archive, so they are looked for whatever the plain fields say.
  const far = await readZip64End(source, end);
  if (far !== undefined) ({ count, size, offset, end } = far);
  const where = { file: source.name, offset: end };
  const shift = end - size - offset;
  if (!Number.isSafeInteger(shift) || shift < 0) {
    throw new CheckpointError(
      "malformed",
      `zip directory of ${size} bytes at ${offset} does not fit before its end record at ${end}`,
      where,
    );
  }
  if (size > maxDirectory) {
    throw new CheckpointError("unsafe", `zip directory of ${size} bytes, at most ${maxDirectory} are read`, where);
  }
  if (count * entrySize > size) {
    throw new CheckpointError("malformed", `zip directory of ${size} bytes cannot hold ${count} members`, where);
  }
  return { offset: offset + shift, size, count, shift };
}

async function readZip64End(
  source: ByteSource,
  end: number,
): Promise<{ count: number; size: number; offset: number; end: number } | undefined> {
  if (end < 20) return undefined;
  const locator = dataViewOf(await source.read(end - 20, 20));
  if (locator.getUint32(0, true) !== zip64Locator) return undefined;
  const stated = safe(locator.getBigUint64(8, true), source.name, end - 12);
  // With bytes before the archive the stated offset is too low; the record then is directly before its locator.
  for (const at of [stated, end - 76]) {
    if (at < 0 || at + 56 > source.size) continue;
    const record = dataViewOf(await source.read(at, 56));
    if (record.getUint32(0, true) !== zip64End) continue;
    const field = (offset: number): number => safe(record.getBigUint64(offset, true), source.name, at + offset);
    return { count: field(32), size: field(40), offset: field(48), end: at };
  }
  throw new CheckpointError("malformed", `zip64 end record is not at ${stated}`, { file: source.name, offset: end - 20 });
}

/** A number of 64 bits that a file can have. */
export function safe(value: bigint, file: string, offset: number): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CheckpointError("malformed", `zip64 field ${value} is beyond any file`, { file, offset });
  }
  return Number(value);
}

export function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
