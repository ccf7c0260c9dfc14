import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/encodings/checksum/crc32.ts";

export interface Member {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** Directory fields to falsify. */
  readonly size?: number;
  readonly header?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly crc?: number;
  /** The name in the member's own header. */
  readonly local?: string;
}

/** A zip put together by hand, so that single fields can be. */
export function zip(
  members: readonly Member[],
  options: { comment?: string; before?: string; zip64?: boolean; count?: number } = {},
): Uint8Array {
  const out: Buffer[] = [Buffer.from(options.before ?? "")];
  let start = 0;
  const directory: Buffer[] = [];
  for (const { name, data, deflate = false, size, header, method, flags = 0, crc, local: own = name } of members) {
    const stored = deflate ? deflateRawSync(data) : data;
    const at = start;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(0xffffffff, 18); // as NumPy writes it: only the directory counts
    local.writeUInt16LE(own.length, 26);
    out.push(local, Buffer.from(own), Buffer.from(stored));
    start += local.length + own.length + stored.length;
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method ?? (deflate ? 8 : 0), 10);
    entry.writeUInt32LE(crc ?? crc32(data), 16);
    entry.writeUInt32LE(stored.length, 20);
    entry.writeUInt32LE(size ?? data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(header ?? at, 42);
    directory.push(entry, Buffer.from(name));
  }
  const bytes = Buffer.concat(directory);
  out.push(bytes);
  if (options.zip64) {
    const far = Buffer.alloc(76);
    far.writeUInt32LE(0x06064b50, 0);
    far.writeBigUInt64LE(BigInt(members.length), 32);
    far.writeBigUInt64LE(BigInt(bytes.length), 40);
    far.writeBigUInt64LE(BigInt(start), 48);
    far.writeUInt32LE(0x07064b50, 56);
    far.writeBigUInt64LE(BigInt(start + bytes.length), 64);
    out.push(far);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(options.zip64 ? 0xffff : (options.count ?? members.length), 10);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : bytes.length, 12);
  end.writeUInt32LE(options.zip64 ? 0xffffffff : start, 16);
  end.writeUInt16LE((options.comment ?? "").length, 20);
  out.push(end, Buffer.from(options.comment ?? ""));
  return Buffer.concat(out);
}
