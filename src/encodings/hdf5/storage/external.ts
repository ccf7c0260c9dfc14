import { CheckpointError } from "../../../errors.ts";
import type { ByteSource, FileSet } from "../../../io/source/source.ts";
import { concat, window } from "../../../io/source/window.ts";
import { Fields, type Hdf5Layout } from "../bytes.ts";
import { readLocalHeap } from "../heaps.ts";

/**
 * The elements of a dataset that are kept in other files, one after the other, as one source of `size` bytes. The message: u8 version 1,
 * 3 bytes, u16 places, u16 of them used, address of a local heap with the names; for each name offset, offset in that file, size (all
 * bits set: to its end). Names are taken relative to the folder of the file itself; those that lead out of it throw `unsafe`.
 */
export async function externalSource(layout: Hdf5Layout, message: Uint8Array, size: number): Promise<ByteSource> {
  const fields = new Fields(message, layout, 0, "list of external files");
  fields.skip(6);
  const used = fields.u16();
  const heap = fields.address();
  if (heap === undefined) return fields.fail("no heap with the names of the files");
  const name = await readLocalHeap(layout, heap);
  const sources: ByteSource[] = [];
  let left = size;
  for (let k = 0; k < used && left > 0; k++) {
    const [file, offset, most] = [name(fields.length()), fields.length(), fields.lengthOrNone()];
    const source = await siblingSource(layout, file);
    const length = Math.min(left, most ?? Number.POSITIVE_INFINITY);
    if (offset + length > source.size) {
      throw new CheckpointError("truncated", `${length} bytes at ${offset} of ${file} are needed, it has ${source.size}`, {
        file: layout.source.name,
      });
    }
    sources.push(window(source, offset, length));
    left -= length;
  }
  if (left > 0)
    throw new CheckpointError("truncated", `the external files hold ${size - left} of ${size} bytes`, { file: layout.source.name });
  return concat(sources, layout.source.name);
}

/** A file beside this one. Throws `not-found`, and `unsupported` where there is no folder around the file. */
export async function siblingSource({ source, files }: Hdf5Layout, name: string): Promise<ByteSource> {
  if (files === undefined) {
    throw new CheckpointError("unsupported", `it keeps data in ${name}, and there is no folder around it to look in`, {
      file: source.name,
    });
  }
  const found = await files.open(name);
  if (found === undefined)
    throw new CheckpointError("not-found", `it keeps data in ${name}, which is not beside it`, { file: source.name });
  try {
    return opening(files, name, found.size);
  } finally {
    await found.close();
  }
}

/** Opened for each read and closed again: nobody has to remember it, and few tensors are kept so. */
function opening(files: FileSet, name: string, size: number): ByteSource {
  return {
    name,
    size,
    access: "random",
    async read(offset, length, into) {
      const file = await files.open(name);
      if (file === undefined) throw new CheckpointError("not-found", `${name} has gone`, { file: name });
      try {
        return await file.read(offset, length, into);
      } finally {
        await file.close();
      }
    },
    async close() {},
  };
}
