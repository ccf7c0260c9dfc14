import { CheckpointError } from "../../errors.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { denseStrides } from "../../tensor/shape.ts";
import type { Part } from "../../tensor/tensor.ts";
import type { Hdf5Layout } from "./bytes.ts";
import { type Dataspace, type Hdf5Shape, type Hdf5Type, readDataspace, readDatatype } from "./datatype.ts";
import type { GlobalHeap } from "./heaps.ts";
import { type Message, messageType } from "./object-header.ts";
import { maxChunks, readChunks } from "./storage/chunk-index.ts";
import { type ChunkCache, type ChunkCoding, chunkSource } from "./storage/chunk-source.ts";
import { externalSource } from "./storage/external.ts";
import { libraryFilter, unknownFilter } from "./storage/filters.ts";
import { type Hdf5Filter, type Hdf5Storage, readFill, readFilters, readStorage } from "./storage/storage.ts";
import { type FindSource, virtualParts } from "./storage/virtual.ts";

/** What an object header says of a dataset. */
export interface DatasetHeader {
  readonly type: Hdf5Type;
  readonly shape: Hdf5Shape;
  readonly most: Dataspace["most"];
  readonly storage: Hdf5Storage;
  readonly filters: readonly Hdf5Filter[];
  /** undefined: zeros. */
  readonly fill: Uint8Array | undefined;
  /** What is not read, in words. */
  readonly beyond: string | undefined;
  /** Only where the chunks are for the HDF5 library to decode. */
  readonly raw: RawChunked | undefined;
  /** The message that lists other files, where the elements are in those. */
  readonly external: Uint8Array | undefined;
}

/** Messages of an object header as they are stored. */
export interface RawChunked {
  readonly datatype: Uint8Array;
  readonly filters: Uint8Array;
}

/** Whole values are read for what a reader interprets (texts, references, small lists), never for tensors. */
export const maxWhole = 64 * 1024 * 1024;

/** undefined where the object is no dataset. */
export function readDatasetHeader(messages: readonly Message[]): DatasetHeader | undefined {
  const find = (type: number): Message["body"] | undefined => {
    const body = messages.find((message) => message.type === type)?.body;
    if (body !== undefined) body.position = 0;
    return body;
  };
  const typeBody = find(messageType.datatype);
  const spaceBody = find(messageType.dataspace);
  const layoutBody = find(messageType.layout);
  if (typeBody === undefined || spaceBody === undefined || layoutBody === undefined) return undefined;
  const type = readDatatype(typeBody);
  const { shape, most } = readDataspace(spaceBody);
  const storage = readStorage(layoutBody);
  const filterBody = find(messageType.filters);
  const filters = filterBody === undefined ? [] : readFilters(filterBody);
  const fillBody = find(messageType.fill);
  const oldFillBody = find(messageType.oldFill);
  // A copy: the view would keep the whole header in memory.
  const fill = (fillBody ? readFill(fillBody, false) : oldFillBody && readFill(oldFillBody, true))?.slice();
  // A copy, as above.
  const external = find(messageType.externalFiles)?.bytes.slice();
  const raw =
    filterBody !== undefined && libraryFilter(filters) !== undefined
      ? { datatype: typeBody.bytes.slice(), filters: filterBody.bytes.slice() }
      : undefined;
  return { type, shape, most, storage, filters, fill, beyond: beyond(storage, filters), raw, external };
}

function beyond(storage: Hdf5Storage, filters: readonly Hdf5Filter[]): string | undefined {
  if (storage.kind === "other") return storage.what;
  return storage.kind === "chunked" ? unknownFilter(filters) : undefined;
}

/** What the parts of a dataset are found with. */
export interface DatasetFile {
  readonly layout: Hdf5Layout;
  readonly heap: GlobalHeap;
  readonly cache: ChunkCache;
  /** The sources of virtual datasets. */
  readonly find: FindSource;
}

/** Where the elements lie, in the file's own byte order. Throws `unsupported` for what `beyond` says. */
export async function datasetParts(file: DatasetFile, header: DatasetHeader): Promise<readonly Part[]> {
  const { shape, storage, type } = header;
  const { layout, heap, cache, find } = file;
  const { source, base } = layout;
  const total = shape === null ? 0 : shape.reduce((product, dim) => product * dim, 1);
  if (shape === null || total === 0) return [];
  if (storage.kind === "other" || header.beyond !== undefined) {
    throw new CheckpointError("unsupported", `HDF5 dataset with ${header.beyond ?? "unknown storage"}`, { file: source.name });
  }
  const whole = (from: ByteSource, offset: number, size: number): Part => {
    const needed = total * type.size;
    if (!Number.isSafeInteger(needed) || needed > size) {
      throw new CheckpointError("truncated", `${shape.join("x")} elements need ${needed} bytes, ${size} are there`, {
        file: source.name,
        offset,
      });
    }
    return { source: from, offset, start: shape.map(() => 0), shape, strides: denseStrides(shape, type.size, "row") };
  };
  // A copy: these bytes are part of a header with a checksum, not a place that may be written to.
  if (storage.kind === "compact") {
    const bytes = await source.read(storage.offset, storage.size);
    return [whole(memorySource(bytes, source.name), 0, bytes.length)];
  }
  if (header.external !== undefined) {
    const size = total * type.size;
    return [whole(await externalSource(layout, header.external, size), 0, size)];
  }
  if (storage.kind === "virtual") {
    const block = storage.address === undefined ? undefined : await heap.read(storage.address, storage.index);
    return block === undefined
      ? [everywhere(header, shape)]
      : virtualParts(layout, block, { type, shape }, find, (start, box) => filled(header, start, box));
  }
  if (storage.kind === "contiguous") {
    if (storage.address === undefined) return [everywhere(header, shape)];
    return [whole(source, base + storage.address, source.size - base - storage.address)];
  }
  return chunkedParts(layout, header, storage, shape, cache);
}

async function chunkedParts(
  layout: Hdf5Layout,
  header: DatasetHeader,
  storage: Extract<Hdf5Storage, { kind: "chunked" }>,
  shape: readonly number[],
  cache: ChunkCache,
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
  const crop = (start: readonly number[]): number[] => shape.map((extent, axis) => Math.min(chunk[axis] ?? 0, extent - (start[axis] ?? 0)));
  const chunks = await readChunks(layout, { storage, shape, most, chunkBytes, filtered: filters.length > 0 });
  const plain: ChunkCoding = { filters: [], size: chunkBytes };
  const parts = chunks.map((entry): Part => {
    const box = crop(entry.start);
    const edge = storage.plainEdges === true && box.some((extent, axis) => extent < (chunk[axis] ?? 0));
    const elements = chunkSource(source, base + entry.address, entry, edge ? plain : coding, cache);
    return { source: elements, offset: 0, start: entry.start, shape: box, strides };
  });
  const grid = shape.map((extent, axis) => Math.ceil(extent / (chunk[axis] ?? 1)));
  const all = grid.reduce((product, extent) => product * extent, 1);
  if (all === parts.length) return parts;
  if (parts.length === 0) return [everywhere(header, shape)];
  if (all > maxChunks) throw new CheckpointError("unsafe", `${all} chunks, at most ${maxChunks} are followed`, { file: source.name });
  const written = new Set(chunks.map(({ start }) => start.join()));
  for (let number = 0; number < all; number++) {
    const start = startOf(number, grid, chunk);
    if (!written.has(start.join())) parts.push(filled(header, start, crop(start)));
  }
  return parts;
}

/** For filters that only the HDF5 library undoes: it is loaded by the first chunk that is read. */
function libraryCoding({ raw, filters, type }: DatasetHeader, chunk: readonly number[], file: string): Pick<ChunkCoding, "library"> {
  if (raw === undefined) return {};
  const filter = libraryFilter(filters) ?? "";
  return { library: async () => (await import("./storage/library.ts")).chunkLibrary(raw, chunk, type, filter, file) };
}

/** A box that was never written: one fill value for every index, so all strides are 0. */
function filled({ type, fill }: DatasetHeader, start: readonly number[], shape: readonly number[]): Part {
  const value = new Uint8Array(type.size);
  if (fill !== undefined && fill.length === type.size) value.set(fill);
  return { source: memorySource(value, "fill value"), offset: 0, start, shape, strides: shape.map(() => 0) };
}

function everywhere(header: DatasetHeader, shape: readonly number[]): Part {
  return filled(
    header,
    shape.map(() => 0),
    shape,
  );
}

function startOf(number: number, grid: readonly number[], chunk: readonly number[]): readonly number[] {
  const start = grid.map(() => 0);
  let rest = number;
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const extent = grid[axis] ?? 1;
    start[axis] = (rest % extent) * (chunk[axis] ?? 1);
    rest = Math.floor(rest / extent);
  }
  return start;
}

/** All elements, row-major, as stored. Throws `unsafe` above 64 MiB. */
export async function wholeBytes(parts: readonly Part[], shape: Hdf5Shape, width: number, file: string): Promise<Uint8Array> {
  const size = (shape ?? [0]).reduce((product, dim) => product * dim, width);
  if (size > maxWhole) throw new CheckpointError("unsafe", `${size} bytes of values, at most ${maxWhole} are read at once`, { file });
  const out = new Uint8Array(size);
  const target = denseStrides(shape ?? [0], width, "row");
  for (const part of parts) await copyPart(part, 0, part.offset, offsetOf(part.start, target), { out, target, width });
  return out;
}

async function copyPart(
  part: Part,
  axis: number,
  from: number,
  to: number,
  into: { out: Uint8Array; target: readonly number[]; width: number },
): Promise<void> {
  const { out, target, width } = into;
  const rest = part.shape.slice(axis);
  const run = rest.reduce((product, dim) => product * dim, width);
  const dense = denseStrides(rest, width, "row");
  const packed = (strides: readonly number[]): boolean => rest.every((dim, k) => dim === 1 || strides[axis + k] === dense[k]);
  if (packed(part.strides) && packed(target)) {
    await part.source.read(from, run, out.subarray(to, to + run));
    return;
  }
  for (let index = 0; index < (part.shape[axis] ?? 0); index++) {
    await copyPart(part, axis + 1, from + index * (part.strides[axis] ?? 0), to + index * (target[axis] ?? 0), into);
  }
}

function offsetOf(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((total, at, axis) => total + at * (strides[axis] ?? 0), 0);
}
