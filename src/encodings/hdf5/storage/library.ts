import { CheckpointError } from "../../../errors.ts";
import type { RawChunked } from "../dataset-header.ts";
import type { Hdf5Type } from "../datatype.ts";
import { chunkFile, chunkName } from "./chunk-file.ts";
import { libraryFilter, libraryFilters, undoBehind } from "./filters.ts";
import type { Hdf5Filter } from "./storage.ts";

/*
 * The HDF5 library itself, compiled to WebAssembly (h5wasm), for filters that this reader does not undo: szip, n-bit, scale-offset. It is
 * loaded when the first such chunk is read, and is given one chunk at a time in a file of its own in its own memory: it sees no
 * other file, and needs no more memory than a chunk takes twice.
 */

/** Undoes the filters of one chunk. */
export interface ChunkLibrary {
  /** `size` bytes of elements, as the datatype stores them. Throws `unsupported` or `malformed`. */
  decode(stored: Uint8Array, mask: number, size: number): Uint8Array;
}

/** In the library's own memory. */
const path = "/chunk.h5";

let loaded: Promise<typeof import("h5wasm")> | undefined;

/** What the library's chunks have in common. */
export interface LibraryChunks {
  readonly raw: RawChunked;
  readonly extents: readonly number[];
  readonly type: Hdf5Type;
  readonly filters: readonly Hdf5Filter[];
  readonly file: string;
}

export async function chunkLibrary({ raw, extents, type, filters, file }: LibraryChunks): Promise<ChunkLibrary> {
  const count = libraryFilters(filters);
  // The second byte of the message is the number of filters; those behind are undone before, LZF (h5py's own) among them.
  const own: RawChunked = { ...raw, filters: raw.filters.with(1, count) };
  const filter = libraryFilter(filters) ?? "";
  loaded ??= import("h5wasm");
  const { File, ready } = await loaded.catch((cause: unknown) => {
    throw notInstalled(cause, filter, file);
  });
  const library = await ready;
  library.activate_throwing_error_handler();
  return {
    decode(stored, mask, size) {
      // What scale-offset or szip made of a chunk can be a little longer than it.
      const filtered = undoBehind(stored, filters, mask, { from: count, most: 2 * size + 4096, file });
      library.FS.writeFile(path, chunkFile(filtered, mask, extents, type.size, own));
      const at = library._malloc(size);
      try {
        if (at === 0) throw new Error("no memory is left");
        const opened = new File(path, "r");
        try {
          library.get_dataset_data(opened.file_id, chunkName, null, null, null, BigInt(at));
        } finally {
          opened.close();
        }
        return inFileOrder(library.HEAPU8.slice(at, at + size), type);
      } catch (cause) {
        throw failure(cause, filter, file);
      } finally {
        library._free(at);
        library.FS.unlink(path);
      }
    },
  };
}

function notInstalled(cause: unknown, filter: string, file: string): unknown {
  if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) return cause;
  return new CheckpointError(
    "unsupported",
    `values behind the HDF5 filter ${filter} are undone by the HDF5 library, which is not installed`,
    {
      file,
      cause,
      hint: "npm install h5wasm, beside vggtool",
    },
  );
}

/** h5wasm gives numbers little-endian, where our sources have the order of the file. */
function inFileOrder(bytes: Uint8Array, type: Hdf5Type): Uint8Array {
  const width = swappedWidth(type);
  if (width > 1) for (let at = 0; at + width <= bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return bytes;
}

function swappedWidth(type: Hdf5Type): number {
  if (type.class === "enum") return swappedWidth(type.base);
  if (type.class === "compound") return type.members[0] === undefined ? 1 : swappedWidth(type.members[0].type);
  return (type.class === "integer" || type.class === "float") && type.bigEndian ? type.size : 1;
}

/** A filter that the library was built without is distinguished from data that it refuses. */
function failure(cause: unknown, filter: string, file: string): CheckpointError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /not (registered|available)|unable to load|required filter/i.test(text)
    ? new CheckpointError("unsupported", `HDF5 dataset with ${filter}, which the HDF5 library here was built without`, { file, cause })
    : new CheckpointError("malformed", `a chunk with ${filter} is damaged`, { file, cause });
}
