import { CheckpointError } from "../../../errors.ts";
import { libraryFilter } from "./filters.ts";
import type { ChunkLibrary, LibraryChunks } from "./library.ts";

/** A page does without the HDF5 library, which is larger than all of it. Throws `unsupported`. */
export async function chunkLibrary({ filters, file }: LibraryChunks): Promise<ChunkLibrary> {
  throw new CheckpointError("unsupported", `values behind the HDF5 filter ${libraryFilter(filters) ?? ""} are not read in a page`, {
    file,
    hint: "read the file with the command and h5wasm: npm install h5wasm, then npx vggtool inspect FILE",
  });
}
