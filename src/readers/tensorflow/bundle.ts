import { checked } from "../../encodings/checksum/checked.ts";
import { CheckpointError, locate } from "../../errors.ts";
import { bytesOfLatin1, utf8Bytes } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import { byteSwapped } from "../../io/source/mapped.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import type { Note } from "../../tensor/checkpoint.ts";
import { checkTensorRange } from "../../tensor/contiguous.ts";
import { dtypes, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, Part, StringTensor, Tensor, TensorInfo, TensorKind } from "../../tensor/tensor.ts";
import { type BundleEntry, type BundleIndex, readBundleIndex } from "./bundle-index.ts";
import { maxObjectGraph, type ObjectGraph, objectGraphKey, parseObjectGraph } from "./object-graph.ts";
import { checkCover, keyText, sliceBox, sliceKey, slicePart } from "./slices.ts";
import { stringElements } from "./strings.ts";
import { tfDtype, tfTypeName } from "./types.ts";

/** Pieces of so many bytes are compared with their checksum each time they are read: that is less than what it takes to remember it. */
const checkedAnew = 1 << 16;

/** Bytes of a tensor in an index, about: keys share what they begin with. */
const indexEntry = 40;

/** A TF V2 checkpoint (TensorBundle): `P.index`, a table of entries, and `P.data-00000-of-0000N`, plain bytes. */
export interface Bundle {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly notes: readonly Note[];
  readonly files: readonly string[];
  readonly bytes: number;
  readonly shards: number;
  readonly bigEndian: boolean;
  /** Whether it was saved by tf.train.Checkpoint, Keras or a SavedModel of TF 2: it then has an object graph. */
  readonly objectBased: boolean;
  close(): Promise<void>;
}

/** Opens the checkpoint with this prefix in `set`. Throws CheckpointError; nothing stays open then. */
export async function openBundle(set: FileSet, prefix: string, ctx?: Pick<Context, "expect">): Promise<Bundle> {
  const index = await set.open(`${prefix}.index`);
  if (index === undefined) {
    throw new CheckpointError("not-found", `${prefix}.index is missing, which says where the tensors of this checkpoint lie`, {
      file: `${prefix}.index`,
    });
  }
  const opened = [index];
  try {
    await ctx?.expect?.(index.size / indexEntry);
    const contents = await locate({ file: index.name }, () => readBundleIndex(index));
    const shards = await openShards(set, prefix, contents, opened);
    const builder = new TensorBuilder(contents, shards);
    const graph = await builder.objectGraph();
    builder.build(graph);
    // Named apart, so that no function below keeps all the entries.
    const { shards: count, bigEndian } = contents.header;
    return {
      tensors: builder.tensors,
      notes: builder.notes,
      files: [`${prefix}.index`, ...[...shards.keys()].map((shard) => shardName(prefix, shard, count))],
      bytes: opened.reduce((sum, source) => sum + source.size, 0),
      shards: count,
      bigEndian,
      objectBased: contents.entries.has(objectGraphKey),
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close();
}

export function shardName(prefix: string, shard: number, of: number): string {
  const digits = (value: number): string => String(value).padStart(5, "0");
  return `${prefix}.data-${digits(shard)}-of-${digits(of)}`;
}

/** Opens the data files that an entry is in; a missing one is named with what it holds. */
async function openShards(
  set: FileSet,
  prefix: string,
  { header, entries }: BundleIndex,
  opened: ByteSource[],
): Promise<ReadonlyMap<number, ByteSource>> {
  const needed = new Set<number>();
  for (const [key, entry] of entries) {
    if (entry.slices.length > 0 || needed.has(entry.shard)) continue;
    if (entry.shard >= header.shards) {
      throw new CheckpointError("malformed", `is in data file ${entry.shard} of ${header.shards}`, { tensor: readable(key) });
    }
    needed.add(entry.shard);
  }
  const shards = new Map<number, ByteSource>();
  for (const shard of [...needed].sort((a, b) => a - b)) {
    const name = shardName(prefix, shard, header.shards);
    const source = await set.open(name);
    if (source === undefined) {
      const lost = [...entries].filter(([, entry]) => entry.shard === shard && entry.slices.length === 0);
      throw missingShard(
        name,
        lost.map(([key]) => key),
      );
    }
    opened.push(source);
    shards.set(shard, source);
  }
  return shards;
}

function missingShard(name: string, keys: readonly string[]): CheckpointError {
  const names = keys.filter((key) => !key.startsWith("\0")).map(readable);
  const shown = names.slice(0, 3).join(", ");
  const holds =
    keys.length > 3 || names.length < keys.length ? `${keys.length} tensors or slices${shown === "" ? "" : ` (${shown}, …)`}` : shown;
  return new CheckpointError("not-found", `the data file ${name} is missing, which holds ${holds}`, { file: name });
}

/** A table key (one character a byte) as the UTF-8 text that it is. */
function readable(key: string): string {
  if (!/[^\x20-\x7e]/.test(key)) return key;
  return new TextDecoder().decode(bytesOfLatin1(key));
}

class TensorBuilder {
  readonly tensors = new Map<string, Tensor>();
  readonly notes: Note[] = [];
  readonly #index: BundleIndex;
  readonly #shards: ReadonlyMap<number, ByteSource>;

  constructor(index: BundleIndex, shards: ReadonlyMap<number, ByteSource>) {
    this.#index = index;
    this.#shards = shards;
  }

  /** The object graph, where there is one and it can be read; otherwise names go without labels. */
  async objectGraph(): Promise<ObjectGraph | undefined> {
    const entry = this.#index.entries.get(objectGraphKey);
    if (entry === undefined || tfDtype(entry.dtype) !== "string" || elementCount(entry.shape) !== 1) return undefined;
    if (entry.size > maxObjectGraph) {
      this.notes.push({
        code: "assumed",
        message: `the object graph has ${entry.size} bytes, at most ${maxObjectGraph} are read: tensors go by their keys alone`,
        tensor: objectGraphKey,
      });
      return undefined;
    }
    return locate({ tensor: objectGraphKey }, async () => {
      for await (const bytes of stringElements(this.#stored(entry), 1, entry.crc, objectGraphKey)) return parseObjectGraph(bytes);
      return undefined;
    });
  }

  build(graph: ObjectGraph | undefined): void {
    for (const [key, entry] of this.#index.entries) {
      if (key.startsWith("\0")) continue; // a slice: listed with its variable
      const name = readable(key);
      try {
        const tensor = this.#tensor(name, entry, graph);
        if (tensor !== undefined) this.tensors.set(name, tensor);
      } catch (error) {
        throw error instanceof CheckpointError ? error.at({ tensor: name }) : error;
      }
    }
  }

  #tensor(name: string, entry: BundleEntry, graph: ObjectGraph | undefined): Tensor | undefined {
    const dtype = tfDtype(entry.dtype);
    if (dtype === undefined || (dtype === "string" && entry.slices.length > 0)) {
      const what = dtype === undefined ? tfTypeName(entry.dtype) : "strings in slices";
      this.notes.push({ code: "unsupported-tensor", message: `${what} is no array of numbers or strings that can be read`, tensor: name });
      return undefined;
    }
    const info = graph === undefined ? { name, shape: entry.shape } : describe(name, entry.shape, graph);
    if (dtype === "string") return this.#strings(info, entry);
    const pieces = entry.slices.length > 0 ? this.#slices(name, dtype, entry) : [this.#piece(dtype, entry, entry.shape)];
    return new BundleTensor(info, dtype, pieces, this.#index.header.bigEndian);
  }

  #strings(info: TensorInfo, entry: BundleEntry): StringTensor {
    const count = elementCount(entry.shape);
    const source = this.#stored(entry);
    if (count > source.size) {
      throw new CheckpointError(
        "malformed",
        `shape [${entry.shape.join(", ")}] has ${count} strings, its ${source.size} bytes cannot hold them`,
      );
    }
    return { ...info, dtype: "string", elements: () => stringElements(source, count, entry.crc, info.name) };
  }

  #slices(tensor: string, dtype: NumericDType, entry: BundleEntry): readonly Piece[] {
    const name = utf8Bytes(tensor);
    const pieces = entry.slices.map((slice): Piece => {
      const box = sliceBox(slice, entry.shape);
      const found = this.#index.entries.get(keyText(sliceKey(name, slice)));
      if (found === undefined) throw new CheckpointError("malformed", `the index has no entry for its slice at [${box.start.join(", ")}]`);
      if (found.dtype !== entry.dtype) {
        throw new CheckpointError("malformed", `a slice has ${tfTypeName(found.dtype)}, the variable ${tfTypeName(entry.dtype)}`);
      }
      return { ...this.#piece(dtype, found, box.shape), box };
    });
    checkCover(
      pieces.flatMap(({ box }) => (box === undefined ? [] : [box])),
      entry.shape,
    );
    return pieces;
  }

  #piece(dtype: NumericDType, entry: BundleEntry, shape: readonly number[]): Piece {
    const needed = byteLength(shape, dtype);
    if (needed !== entry.size) {
      throw new CheckpointError("malformed", `${dtype} [${shape.join(", ")}] needs ${needed} bytes, the index gives it ${entry.size}`);
    }
    const shard = this.#shard(entry);
    checkTensorRange(shard, entry.offset, entry.size);
    return { shard, offset: entry.offset, size: entry.size, crc: entry.crc };
  }

  #shard(entry: BundleEntry): ByteSource {
    const shard = this.#shards.get(entry.shard);
    if (shard === undefined) throw new CheckpointError("not-found", `data file ${entry.shard} is missing`);
    return shard;
  }

  /** The bytes of an entry. Throws `truncated` where its data file ends before them. */
  #stored(entry: BundleEntry): ByteSource {
    return window(this.#shard(entry), entry.offset, entry.size);
  }
}

function describe(name: string, shape: readonly number[], graph: ObjectGraph): TensorInfo {
  const label = graph.labels.get(name);
  return {
    name,
    shape,
    ...(label === undefined || label === name ? {} : { label }),
    ...(name === objectGraphKey ? { kind: "bookkeeping" } : graph.slots.has(name) ? { kind: "optimizer" } : {}),
  };
}

/** Bytes of a data file that hold a tensor, or the box of one. */
interface Piece {
  readonly shard: ByteSource;
  readonly offset: number;
  readonly size: number;
  readonly crc: number;
  readonly box?: Pick<Part, "start" | "shape">;
}

/** A class, since a checkpoint may have a hundred thousand. Parts of large ones are made once: each keeps its own running checksum. */
class BundleTensor implements NumericTensor {
  declare readonly name: string;
  declare readonly shape: readonly number[];
  declare readonly label?: string;
  declare readonly kind?: TensorKind;
  declare readonly dtype: NumericDType;
  readonly #pieces: readonly Piece[];
  readonly #bigEndian: boolean;
  #parts: readonly Part[] | undefined;

  constructor(info: TensorInfo, dtype: NumericDType, pieces: readonly Piece[], bigEndian: boolean) {
    this.name = info.name;
    this.shape = info.shape;
    if (info.label !== undefined) this.label = info.label;
    if (info.kind !== undefined) this.kind = info.kind;
    this.dtype = dtype;
    this.#pieces = pieces;
    this.#bigEndian = bigEndian;
  }

  async parts(): Promise<readonly Part[]> {
    if (this.#parts !== undefined) return this.#parts;
    const { name, shape, dtype } = this;
    const parts = this.#pieces
      .filter((piece) => piece.size > 0)
      .map(({ shard, offset, size, crc, box }) => {
        const range = { offset, size };
        const stored = checked(shard, range, crc, range, { where: { tensor: name } });
        const values = this.#bigEndian ? byteSwapped(stored, dtypes[dtype].unit) : stored;
        return slicePart(values, box ?? { start: shape.map(() => 0), shape }, itemsize(dtype));
      });
    if (this.#pieces.some(({ size }) => size > checkedAnew)) this.#parts = parts;
    return parts;
  }
}
