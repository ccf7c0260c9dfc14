import { CheckpointError } from "../../errors.ts";
import { paged } from "../../io/source/paged.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { Fields, type Hdf5Layout } from "./bytes.ts";
import { checksumSize, readChecked } from "./checksum.ts";

/*
 * HDF5 File Format Specification, "Superblock". Versions 0 and 1: signature, eight u8 (1 superblock version, 6 offset
 * size, 7 length size), u16 leaf and internal K, u32 flags, [1: u16 chunk K, u16 0], base, free space, end of file,
 * driver, root symbol-table entry (name offset, object header, …). Versions 2 and 3: version, offset size, length size,
 * flags, base, extension, end of file, root object header, checksum.
 */

const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Of version 1 with addresses of 8 bytes. */
const longest = 28 + 4 * 8 + 40;

export interface Superblock {
  readonly version: number;
  readonly layout: Hdf5Layout;
  /** Address of the root group's object header. */
  readonly root: number;
}

/** Throws `malformed` without a signature, `truncated` where the file is shorter than it says of itself. */
export async function readSuperblock(source: ByteSource): Promise<Superblock> {
  const at = await findSignature(source);
  const bytes = await source.read(at, Math.min(longest, source.size - at));
  const version = bytes[8] ?? 0;
  const where = { file: source.name, offset: at };
  if (bytes.length < 16) throw new CheckpointError("truncated", `HDF5 superblock of ${bytes.length} bytes`, where);
  if (version > 3) throw new CheckpointError("unsupported", `HDF5 superblock version ${version}, 0 to 3 are known`, where);
  const sizes = version < 2 ? bytes.subarray(13, 15) : bytes.subarray(9, 11);
  const [offsetSize = 0, lengthSize = 0] = sizes;
  for (const size of sizes) {
    if (size !== 2 && size !== 4 && size !== 8) throw new CheckpointError("malformed", `HDF5 addresses of ${size} bytes`, where);
  }
  const unextended: Hdf5Layout = { source, structures: paged(source), base: at, offsetSize, lengthSize };
  const fields =
    version < 2
      ? new Fields(bytes, unextended, at, "HDF5 superblock")
      : await readChecked(unextended, 0, 12 + 4 * offsetSize + checksumSize, "HDF5 superblock");
  fields.skip(version < 2 ? 24 : 12);
  if (version === 1) fields.skip(4);
  fields.address(); // the base: the library believes the superblock's own place instead
  const second = fields.address(); // free space, or the extension
  const layout: Hdf5Layout = { ...unextended, extension: version < 2 ? undefined : second };
  const end = fields.address();
  if (end !== undefined && end > source.size) {
    throw new CheckpointError("truncated", `the HDF5 file says that it has ${end} bytes, ${source.size} are there`, {
      file: source.name,
      offset: source.size,
    });
  }
  if (version < 2) {
    fields.address(); // driver information
    fields.skip(lengthSize); // name offset of the root
  }
  const root = fields.address();
  if (root === undefined) return fields.fail("no root group");
  return { version, layout, root };
}

/** At 0, 512, 1024, 2048 …: whoever wrote the file may have put a header of his own before. */
async function findSignature(source: ByteSource): Promise<number> {
  for (let at = 0; at + signature.length <= source.size; at = at === 0 ? 512 : at * 2) {
    const bytes = await source.read(at, signature.length);
    if (signature.every((byte, index) => bytes[index] === byte)) return at;
  }
  throw new CheckpointError("malformed", "HDF5 signature not found at byte 0, 512, 1024 …", { file: source.name, offset: 0 });
}
