import type { ZipArchive } from "../../encodings/archive/zip.ts";
import { readPickle } from "../../encodings/pickle/machine.ts";
import type { PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { interpretTorch, type StorageId } from "./records.ts";
import type { StorageSet } from "./storages.ts";

/*
 * torch.save since 1.6 and TorchScript (caffe2/serialize/inline_container.cc): a zip whose members are in one folder of any name:
 *   data.pkl        the object; a storage's id names its member
 *   data/KEY        the storages, bare elements
 *   byteorder       "little" or "big"; little where it is missing
 *   constants.pkl, constants/KEY, code/…   TorchScript only
 */

export interface TorchZip {
  readonly archive: ZipArchive;
  /** The folder, with the final slash; "" where there is none. */
  readonly prefix: string;
  readonly bigEndian: boolean;
  readonly version: string;
}

/** Small text members: a version, a byte order. */
const maxText = 64;

/** Members that are not read here: TorchScript's sources, and whatever was added. */
const unread = /(^|\/)(code|extra)\//;

/**
 * An archive as PyTorch reads it (caffe2/serialize/inline_container.cc): a checksum of 0 is none, and names are looked up without regard to
 * case. Throws `malformed` where two differ in nothing else: PyTorch may take either.
 */
export function asTorch(archive: ZipArchive): ZipArchive {
  const spellings = new Map<string, string>();
  for (const name of archive.entries.keys()) {
    if (unread.test(name)) continue;
    const lower = name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    const before = spellings.get(lower);
    if (before !== undefined) {
      const message = `the members ${before} and ${name} differ only in case, and PyTorch takes either for the other`;
      throw new CheckpointError("malformed", message, { file: archive.name });
    }
    spellings.set(lower, name);
  }
  return { ...archive, open: (name) => archive.open(name, "none") };
}

/** The folder of a PyTorch archive: where data.pkl is, or would be. */
export function torchPrefix(archive: ZipArchive): string | undefined {
  const names = [...archive.entries.keys()];
  const pickles = names.filter((name) => /(^|\/)data\.pkl$/.test(name) && !name.startsWith(".."));
  const [shortest] = pickles.sort((a, b) => a.length - b.length);
  if (shortest !== undefined) return shortest.slice(0, -"data.pkl".length);
  const version = names.find((name) => /^[^/]+\/version$/.test(name))?.slice(0, -"version".length);
  return version !== undefined && names.some((name) => name.startsWith(`${version}data/`)) ? version : undefined;
}

export async function openTorchZip(archive: ZipArchive, prefix: string): Promise<TorchZip> {
  const order = await textMember(archive, `${prefix}byteorder`);
  if (order !== undefined && order !== "little" && order !== "big") {
    throw new CheckpointError("malformed", `byteorder is ${JSON.stringify(order)}, little or big was expected`, { file: archive.name });
  }
  return { archive, prefix, bigEndian: order === "big", version: (await textMember(archive, `${prefix}version`)) ?? "?" };
}

async function textMember(archive: ZipArchive, name: string): Promise<string | undefined> {
  const size = archive.entries.get(name)?.size;
  if (size === undefined || size > maxText) return undefined;
  const source = await archive.open(name);
  return source === undefined ? undefined : new TextDecoder().decode(await source.read(0, size)).trim();
}

/** One pickle of the archive. Throws `not-found` where it is missing. */
export async function readMember(
  zip: TorchZip,
  name: string,
  ctx: Context,
): Promise<{ readonly value: PickleValue; readonly protocol: number }> {
  const member = await zip.archive.open(zip.prefix + name);
  if (member === undefined) {
    throw new CheckpointError("not-found", `the archive has no ${name}, which says what its storages hold`, { file: zip.archive.name });
  }
  // A deflated pickle is walked forward; data inside it (NumPy arrays) are read by offset later.
  return readPickle(ctx.random(member), 0, { interpret: interpretTorch });
}

/** The storages in a folder of the archive: `data/` or `constants/`. */
export function zipStorages(zip: TorchZip, folder: string): StorageSet {
  const { archive, prefix, bigEndian } = zip;
  const nameOf = (id: StorageId): string => `${prefix}${folder}${id.key}`;
  return {
    bigEndian,
    size(id) {
      const size = archive.entries.get(nameOf(id))?.size ?? (id.count === 0 ? 0 : undefined);
      const needed = id.dtype === undefined ? undefined : id.count * itemsize(id.dtype);
      const where = { file: archive.name };
      if (size === undefined)
        throw new CheckpointError("not-found", `storage ${id.key} is missing: the archive has no ${nameOf(id)}`, where);
      if (needed !== undefined && size !== needed) {
        throw new CheckpointError("mismatch", `storage ${id.key} has ${size} bytes, ${needed} are needed`, where);
      }
      return size;
    },
    open: (id) => archiveMember(archive, nameOf(id)),
  };
}

export async function archiveMember(archive: ZipArchive, name: string): Promise<ByteSource> {
  const source = await archive.open(name);
  if (source === undefined) throw new CheckpointError("not-found", `the archive has no ${name}`, { file: archive.name });
  return source;
}
