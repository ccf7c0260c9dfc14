import { CheckpointError } from "../../../errors.ts";
import { walkTree } from "../btree1.ts";
import { treeRecords } from "../btree2.ts";
import { type Fields, type Hdf5Layout, readAt } from "../bytes.ts";
import { readExtensibleArray } from "./extensible-array.ts";
import type { ChunkIndex, Hdf5Storage } from "./storage.ts";

/** One stored chunk. */
export interface Chunk {
  /** Its first element's index in the dataset. */
  readonly start: readonly number[];
  readonly address: number;
  /** Bytes in the file. */
  readonly size: number;
  /** Bit n: filter n was not applied. */
  readonly mask: number;
}

export interface ChunkedSpec {
  readonly storage: Extract<Hdf5Storage, { kind: "chunked" }>;
  readonly shape: readonly number[];
  readonly most: readonly (number | undefined)[];
  /** Bytes of a whole chunk, decoded. */
  readonly chunkBytes: number;
  readonly filtered: boolean;
}

/** Chunks of one dataset: a tensor of 16 GB in chunks of 16 KiB. */
export const maxChunks = 1_000_000;

/** The chunks that were written, each inside the dataset and none twice. Throws `malformed` otherwise. */
export async function readChunks(layout: Hdf5Layout, spec: ChunkedSpec): Promise<readonly Chunk[]> {
  if (spec.storage.address === undefined) return [];
  const seen = new Set<string>();
  const chunks: Chunk[] = [];
  const add = (chunk: Chunk, fields: Fields | undefined): void => {
    const key = chunk.start.join();
    const where = { file: layout.source.name, ...(fields && { offset: fields.offset }) };
    const { shape, storage } = spec;
    if (chunk.start.some((at, axis) => at % (storage.chunk[axis] ?? 1) !== 0)) {
      throw new CheckpointError("malformed", `a chunk starts at ${key}, between chunks`, where);
    }
    if (chunk.start.some((at, axis) => at >= (shape[axis] ?? 0))) return; // left behind when the dataset shrank
    if (seen.has(key)) throw new CheckpointError("malformed", `two chunks start at ${key}`, where);
    if (chunks.length >= maxChunks) throw new CheckpointError("unsafe", `more than ${maxChunks} chunks`, where);
    seen.add(key);
    chunks.push(chunk);
  };
  await listers[spec.storage.index.kind](layout, spec, spec.storage.address, add);
  return chunks;
}

type Add = (chunk: Chunk, fields?: Fields) => void;
type Lister = (layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add) => Promise<void>;

const listers: Readonly<Record<ChunkIndex["kind"], Lister>> = {
  btree1: listTree1,
  btree2: listTree2,
  implicit: listImplicit,
  fixed: listFixed,
  single: listSingle,
  extensible: listExtensible,
};

/** Keys: u32 stored bytes, u32 mask, u64 index of the first element for each axis, u64 0 for the bytes of an element. */
async function listTree1(layout: Hdf5Layout, { shape }: ChunkedSpec, address: number, add: Add): Promise<void> {
  await walkTree(layout, address, 1, 8 + 8 * (shape.length + 1), (key, child) => {
    const size = key.u32();
    const mask = key.u32();
    add({ start: shape.map(() => key.uint(8)), address: child, size, mask }, key);
  });
}

/** Records: address, [filtered: stored bytes, u32 mask], u64 number of the chunk along each axis. */
async function listTree2(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const { shape, storage, chunkBytes, filtered } = spec;
  for await (const record of treeRecords(layout, address, filtered ? 11 : 10)) {
    const at = record.address();
    const size = filtered ? record.uint(record.remaining - 4 - 8 * shape.length) : chunkBytes;
    const mask = filtered ? record.u32() : 0;
    const start = shape.map((_, axis) => record.uint(8) * (storage.chunk[axis] ?? 1));
    if (at !== undefined) add({ start, address: at, size, mask }, record);
  }
}

/** All chunks one behind the other. */
async function listImplicit(_: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const grid = gridOf(spec);
  for (let number = 0; number < count(grid); number++) {
    add({ start: startOf(number, grid, spec), address: address + number * spec.chunkBytes, size: spec.chunkBytes, mask: 0 });
  }
}

async function listSingle(_: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const { index } = spec.storage;
  if (index.kind !== "single") return;
  add({ start: spec.shape.map(() => 0), address, size: index.storedSize ?? spec.chunkBytes, mask: index.mask });
}

/**
 * "FAHD", u8 0, u8 client, u8 entry size, u8 page bits, entries, data block; "FADB", u8 0, u8 client, header address,
 * entries, or from 2^bits entries on a bit map of pages and a checksum, then pages that each end with a checksum.
 */
async function listFixed(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const header = await readAt(layout, address, 8 + layout.lengthSize + layout.offsetSize, "fixed array");
  header.signature("FAHD");
  header.skip(2);
  const entrySize = header.u8();
  const pageBits = header.u8();
  const entries = header.length();
  const block = header.address();
  if (block === undefined) return;
  if (entries > maxChunks) header.fail(`${entries} chunks, at most ${maxChunks} are read`);
  const grid = gridOf(spec);
  const perPage = 2 ** Math.min(pageBits, 32);
  const prefix = 6 + layout.offsetSize;
  (await readAt(layout, block, prefix, "fixed array block")).signature("FADB");
  const read = async (at: number, from: number, to: number): Promise<void> => {
    const fields = await readAt(layout, at, (to - from) * entrySize, "fixed array block");
    for (let number = from; number < to; number++) {
      const entry = fields.sub(entrySize, "fixed array entry");
      const place = entry.address();
      const size = spec.filtered ? entry.uint(entry.remaining - 4) : spec.chunkBytes;
      const mask = spec.filtered ? entry.u32() : 0;
      if (place !== undefined) add({ start: startOf(number, grid, spec), address: place, size, mask }, entry);
    }
  };
  if (entries <= perPage) return read(block + prefix, 0, entries);
  const pages = Math.ceil(entries / perPage);
  const map = await readAt(layout, block + prefix, Math.ceil(pages / 8), "fixed array pages");
  const first = block + prefix + map.bytes.length + 4;
  for (let page = 0; page < pages; page++) {
    const written = Math.floor((map.bytes[Math.floor(page / 8)] ?? 0) / 2 ** (7 - (page % 8))) % 2 === 1;
    const from = page * perPage;
    if (written) await read(first + page * (perPage * entrySize + 4), from, Math.min(entries, from + perPage));
  }
}

/** Numbered as if the axis that grows came first. */
async function listExtensible(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const growing = Math.max(0, spec.most.indexOf(undefined));
  const grid = gridOf(spec);
  const axes = [growing, ...grid.keys()].filter((axis, place) => place === 0 || axis !== growing);
  await readExtensibleArray(layout, address, (number, element) => {
    const place = element.address();
    if (place === undefined) return;
    const size = spec.filtered ? element.uint(element.remaining - 4) : spec.chunkBytes;
    const mask = spec.filtered ? element.u32() : 0;
    const start = grid.map(() => 0);
    let rest = number;
    for (const axis of axes.toReversed()) {
      const extent = axis === growing ? Number.POSITIVE_INFINITY : (grid[axis] ?? 1);
      const at = extent === Number.POSITIVE_INFINITY ? rest : rest % extent;
      start[axis] = at * (spec.storage.chunk[axis] ?? 1);
      rest = Math.floor(rest / extent);
    }
    add({ start, address: place, size, mask }, element);
  });
}

/** Chunks along each axis, counted up to where the dataset may grow. */
function gridOf({ shape, most, storage }: ChunkedSpec): readonly number[] {
  return shape.map((extent, axis) => Math.ceil((most[axis] ?? extent) / (storage.chunk[axis] ?? 1)));
}

function startOf(number: number, grid: readonly number[], { storage }: ChunkedSpec): readonly number[] {
  let rest = number;
  return grid
    .map((extent, axis) => ({ extent, size: storage.chunk[axis] ?? 1 }))
    .reverse()
    .map(({ extent, size }) => {
      const at = rest % extent;
      rest = Math.floor(rest / extent);
      return at * size;
    })
    .reverse();
}

function count(grid: readonly number[]): number {
  return grid.reduce((total, extent) => total * extent, 1);
}
