import { CheckpointError } from "../../../errors.ts";
import { walkBtree } from "../btree1.ts";
import { treeRecords } from "../btree2.ts";
import type { Fields, Hdf5Layout } from "../bytes.ts";
import { readExtensibleArray } from "./extensible-array.ts";
import { readFixedArray } from "./fixed-array.ts";
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
const maxChunks = 1_000_000;

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
  await walkBtree(layout, address, 1, 8 + 8 * (shape.length + 1), (key, child) => {
    const size = key.u32();
    const mask = key.u32();
    add({ start: shape.map(() => key.uint(8)), address: child, size, mask }, key);
  });
}

/** Records: address, [filtered: stored bytes, u32 mask], u64 number of the chunk along each axis. */
async function listTree2(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const { shape, storage, filtered } = spec;
  for await (const record of treeRecords(layout, address, filtered ? 11 : 10)) {
    const stored = readEntry(layout, spec, record, 8 * shape.length);
    if (stored === undefined) continue;
    const start = shape.map((_, axis) => record.uint(8) * (storage.chunk[axis] ?? 1));
    add({ start, ...stored }, record);
  }
}

/**
 * What every index but the oldest has of a chunk: address, [filtered: stored bytes in as many bytes as are left, u32 mask]; `behind` bytes
 * follow. undefined where the chunk was never written. Throws `malformed` where the entry is of another size.
 */
function readEntry(
  { offsetSize }: Hdf5Layout,
  { filtered, chunkBytes }: ChunkedSpec,
  entry: Fields,
  behind = 0,
): Omit<Chunk, "start"> | undefined {
  const width = entry.remaining - offsetSize - behind - (filtered ? 4 : 0);
  if (filtered ? width < 1 || width > 8 : width !== 0) {
    entry.fail(`an entry of ${entry.remaining} bytes does not fit ${filtered ? "filtered " : ""}chunks of the dataset`);
  }
  const address = entry.address();
  if (address === undefined) return undefined;
  return filtered ? { address, size: entry.uint(width), mask: entry.u32() } : { address, size: chunkBytes, mask: 0 };
}

/** All chunks one behind the other. */
async function listImplicit(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const grid = gridOf(spec);
  const end = layout.base + address + count(grid) * spec.chunkBytes;
  if (end > layout.source.size) {
    throw new CheckpointError("truncated", `${count(grid)} chunks end at byte ${end}, the file at ${layout.source.size}`, {
      file: layout.source.name,
      offset: layout.base + address,
    });
  }
  for (let number = 0; number < count(grid); number++) {
    add({ start: startOf(number, grid, spec), address: address + number * spec.chunkBytes, size: spec.chunkBytes, mask: 0 });
  }
}

async function listSingle(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const { index, chunk } = spec.storage;
  if (index.kind !== "single") return;
  if (count(gridOf(spec)) !== 1) {
    const message = `one chunk of ${chunk.join("x")} in a dataset of ${spec.shape.join("x")}, which needs ${count(gridOf(spec))}`;
    throw new CheckpointError("malformed", message, { file: layout.source.name });
  }
  add({ start: spec.shape.map(() => 0), address, size: index.storedSize ?? spec.chunkBytes, mask: index.mask });
}

async function listFixed(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const grid = gridOf(spec);
  await readFixedArray(layout, address, count(grid), (number, element) => {
    const stored = readEntry(layout, spec, element);
    if (stored !== undefined) add({ start: startOf(number, grid, spec), ...stored }, element);
  });
}

/** Numbered as if the axis that grows came first. */
async function listExtensible(layout: Hdf5Layout, spec: ChunkedSpec, address: number, add: Add): Promise<void> {
  const growing = Math.max(0, spec.most.indexOf(undefined));
  const grid = gridOf(spec);
  const axes = [growing, ...grid.keys()].filter((axis, place) => place === 0 || axis !== growing);
  await readExtensibleArray(layout, address, (number, element) => {
    const stored = readEntry(layout, spec, element);
    if (stored === undefined) return;
    const start = grid.map(() => 0);
    let rest = number;
    for (const axis of axes.toReversed()) {
      const extent = axis === growing ? Number.POSITIVE_INFINITY : (grid[axis] ?? 1);
      const at = extent === Number.POSITIVE_INFINITY ? rest : rest % extent;
      start[axis] = at * (spec.storage.chunk[axis] ?? 1);
      rest = Math.floor(rest / extent);
    }
    add({ start, ...stored }, element);
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
