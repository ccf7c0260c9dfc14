import { CheckpointError } from "../../errors.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { denseStrides } from "../../tensor/shape.ts";
import type { Part } from "../../tensor/tensor.ts";
import type { Hdf5Layout } from "./bytes.ts";
import type { DatasetHeader } from "./dataset-header.ts";
import type { Hdf5Shape } from "./datatype.ts";
import type { GlobalHeap } from "./heaps.ts";
import { chunkedParts, everywhere, filled } from "./storage/chunk-parts.ts";
import type { ChunkCache } from "./storage/chunk-source.ts";
import { externalSource } from "./storage/external.ts";
import { type FindSource, virtualParts } from "./storage/virtual.ts";

/** Whole values are read for what a reader interprets (texts, references, small lists), never for tensors. */
const maxWhole = 64 * 1024 * 1024;

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
  const { layout, heap, find } = file;
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
  return chunkedParts(file, header, storage, shape);
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
