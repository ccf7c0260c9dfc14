import { CheckpointError } from "../../../errors.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { denseStrides } from "../../../tensor/shape.ts";
import type { Part } from "../../../tensor/tensor.ts";
import type { Hdf5Layout } from "../bytes.ts";
import type { DatasetHeader } from "../dataset-header.ts";
import { absentBoxes } from "./absent.ts";
import { readChunks } from "./chunk-index.ts";
import { type ChunkCache, type ChunkCoding, chunkSource } from "./chunk-source.ts";
import type { Hdf5Storage } from "./storage.ts";

/** The elements of a dataset in chunks: a part for each that was written, and one for each box of chunks that were not. */
export async function chunkedParts(
  { layout, cache }: { readonly layout: Hdf5Layout; readonly cache: ChunkCache },
  header: DatasetHeader,
  storage: Extract<Hdf5Storage, { kind: "chunked" }>,
  shape: readonly number[],
): Promise<readonly Part[]> {
  const { source, base } = layout;
  const { type, filters, most } = header;
  const { chunk } = storage;
  const chunkBytes = chunk.reduce((product, dim) => product * dim, type.size);
  if (chunk.length !== shape.length || !Number.isSafeInteger(chunkBytes) || chunkBytes === 0) {
    throw new CheckpointError("malformed", `chunks of ${chunk.join("x")} in a dataset of ${shape.join("x")}`, { file: source.name });
  }
  const strides = denseStrides(chunk, type.size, "row");
  const coding: ChunkCoding = { filters, size: chunkBytes, ...libraryCoding(header, chunk, source.name) };
  const plain: ChunkCoding = { filters: [], size: chunkBytes };
  const chunks = await readChunks(layout, { storage, shape, most, chunkBytes, filtered: filters.length > 0 });
  const parts = chunks.map((entry): Part => {
    const box = shape.map((extent, axis) => Math.min(chunk[axis] ?? 0, extent - (entry.start[axis] ?? 0)));
    const edge = storage.plainEdges === true && box.some((extent, axis) => extent < (chunk[axis] ?? 0));
    const elements = chunkSource(source, base + entry.address, entry, edge ? plain : coding, cache);
    return { source: elements, offset: 0, start: entry.start, shape: box, strides };
  });
  const grid = shape.map((extent, axis) => Math.ceil(extent / (chunk[axis] ?? 1)));
  const places = chunks.map(({ start }) => start.map((at, axis) => at / (chunk[axis] ?? 1)));
  const value = fillSource(header);
  const absent = absentBoxes(grid, places).map((box) => {
    const start = box.start.map((at, axis) => at * (chunk[axis] ?? 1));
    const extents = box.shape.map((count, axis) => Math.min(count * (chunk[axis] ?? 1), (shape[axis] ?? 0) - (start[axis] ?? 0)));
    return constantPart(value, start, extents);
  });
  return [...parts, ...absent];
}

/** For filters that only the HDF5 library undoes: it is loaded by the first chunk that is read. */
function libraryCoding({ raw, filters, type }: DatasetHeader, chunk: readonly number[], file: string): Pick<ChunkCoding, "library"> {
  if (raw === undefined) return {};
  return { library: async () => (await import("./library.ts")).chunkLibrary({ raw, extents: chunk, type, filters, file }) };
}

/** A box that was never written: the fill value at every index. */
export function filled(header: DatasetHeader, start: readonly number[], shape: readonly number[]): Part {
  return constantPart(fillSource(header), start, shape);
}

export function everywhere(header: DatasetHeader, shape: readonly number[]): Part {
  return filled(
    header,
    shape.map(() => 0),
    shape,
  );
}

function fillSource({ type, fill }: DatasetHeader): ByteSource {
  const value = new Uint8Array(type.size);
  if (fill !== undefined && fill.length === type.size) value.set(fill);
  return memorySource(value, "fill value");
}

/** One value for every index, so all strides are 0. */
function constantPart(value: ByteSource, start: readonly number[], shape: readonly number[]): Part {
  return { source: value, offset: 0, start, shape, strides: shape.map(() => 0) };
}
