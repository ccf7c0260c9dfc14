import { baseName, folderOf } from "../../encodings/file-names.ts";
import { isObject, parseJsonBytes } from "../../encodings/json/json.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError, locate } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { isNumeric, type Tensor } from "../../tensor/tensor.ts";
import { looksLikeSafetensors, readSafetensorsHeader, type SafetensorsHeader } from "./header.ts";

/*
 * One .safetensors file, or several with an index as Hugging Face's libraries write it:
 * model.safetensors.index.json {"metadata": {"total_size": n}, "weight_map": {tensor: file}}, files beside the index.
 */

const indexSuffix = ".safetensors.index.json";
/** An index has some 100 bytes a tensor; more than a header of the format may have is no index. */
const maxIndex = 100_000_000;
/** Bytes of a tensor's line in an index, about. */
const indexEntry = 100;

export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "folder") return (await folderEntry(probe)) === undefined ? undefined : "sure";
    if (probe.container === "json") return weightMap(await probe.opened("json")) === undefined ? undefined : "sure";
    if (looksLikeSafetensors(probe.head)) return "sure";
    // By its name only: reading says what is wrong with it.
    return probe.container === "binary" && probe.entry.endsWith(".safetensors") ? "sure" : undefined;
  },

  async read(probe, ctx) {
    const entry = probe.container === "folder" ? await folderEntry(probe) : probe.entry;
    if (entry === undefined) throw new CheckpointError("not-found", "no safetensors file in the folder", { file: probe.set.name });
    if (probe.container === "json" || entry.endsWith(indexSuffix)) return readIndexed(probe.set, entry, ctx);
    const source = probe.container === "folder" ? await mustOpen(probe.set, entry) : probe.source;
    const owned = probe.container === "folder" ? [source] : [];
    const shard = /^(.*)-\d{5}-of-(\d{5})\.safetensors$/.exec(entry);
    if (shard === null) return readSingle(source, entry, owned, [], ctx);
    const index = `${shard[1]}${indexSuffix}`;
    const beside = await probe.set.open(index);
    if (beside === undefined) return readSingle(source, entry, owned, [loneShard(index)], ctx);
    await beside.close();
    return readIndexed(probe.set, index, ctx);
  },
};

function loneShard(index: string): Note {
  return {
    code: "truncated-shard",
    message: "this file is one of several and the index beside it is missing: only its own tensors are listed",
    fix: `put ${baseName(index)} and the other files beside it`,
  };
}

/** The index in a folder, else its only .safetensors file. */
async function folderEntry(probe: Probe): Promise<string | undefined> {
  const names = (await probe.set.list())?.filter((name) => !name.includes("/")) ?? [];
  const indexes = names.filter((name) => name.endsWith(indexSuffix));
  if (indexes.length === 1) return indexes[0];
  const files = names.filter((name) => name.endsWith(".safetensors"));
  return indexes.length === 0 && files.length === 1 ? files[0] : undefined;
}

async function readSingle(
  source: ByteSource,
  entry: string,
  owned: readonly ByteSource[],
  notes: readonly Note[],
  ctx: Context,
): Promise<ReadCheckpoint> {
  const { tensors, small, metadata } = await readSafetensorsHeader(source, ctx);
  return {
    format: "safetensors",
    variant: "one file",
    files: [entry],
    bytes: source.size,
    tensors,
    layers: [],
    metadata,
    notes: [...notes, ...small.map(({ name, stored, offset }) => smallElements(name, stored, offset))],
    close: () => closeAll(owned),
  };
}

async function readIndexed(set: FileSet, entry: string, ctx: Context): Promise<ReadCheckpoint> {
  const opened: ByteSource[] = [];
  try {
    const index = await mustOpen(set, entry);
    opened.push(index);
    await ctx.expect?.(index.size / indexEntry);
    const map = await readWeightMap(index);
    const folder = folderOf(entry);
    const collected = new Collected();
    const metadata = new Map<string, Inert>();
    const files = [...new Set(map.values())].sort();
    let bytes = index.size;
    for (const file of files) {
      const source = await mustOpen(set, folder + file, entry);
      opened.push(source);
      const header = await locate({ file }, () => readSafetensorsHeader(source, ctx));
      bytes += source.size;
      await collected.add(source, header);
      for (const [key, value] of header.metadata) metadata.set(key, value);
    }
    collected.refuseMissing(map);
    return {
      format: "safetensors",
      variant: `${files.length} files with an index`,
      files: [entry, ...files.map((file) => folder + file)],
      bytes,
      tensors: collected.tensors,
      layers: [],
      metadata,
      notes: collected.notes,
      close: () => closeAll(opened),
    };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

async function readWeightMap(index: ByteSource): Promise<ReadonlyMap<string, string>> {
  const where = { file: index.name };
  if (index.size > maxIndex) throw new CheckpointError("unsafe", `index of ${index.size} bytes, at most ${maxIndex} are read`, where);
  const map = weightMap(parseJsonBytes(await index.read(0, index.size), index.name));
  if (map === undefined) throw new CheckpointError("malformed", "the index has no weight_map from tensors to .safetensors files", where);
  return map;
}

/** The weight_map of an index, from Maps or plain objects; undefined where it is something else, or one of PyTorch pickles. */
function weightMap(index: unknown): ReadonlyMap<string, string> | undefined {
  const map = isObject(index) ? index.get("weight_map") : fields(index).get("weight_map");
  const entries = isObject(map) ? map : fields(map);
  const files = new Map<string, string>();
  for (const [name, file] of entries) {
    if (typeof file !== "string" || /\.(bin|pth?)$/.test(file)) return undefined;
    files.set(name, file);
  }
  return files.size === 0 ? undefined : files;
}

function fields(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

/** Tensors of all files in their order; a name may occur once. */
class Collected {
  readonly tensors = new Map<string, Tensor>();
  readonly notes: Note[] = [];
  /** Names of what is reported in the notes, and the file of each. */
  readonly #left = new Map<string, string>();

  async add(source: ByteSource, { tensors, small }: SafetensorsHeader): Promise<void> {
    for (const [name, tensor] of tensors) {
      if (this.#has(name)) throw await this.#twice(name, source);
      this.tensors.set(name, tensor);
    }
    for (const { name, stored, offset } of small) {
      if (this.#has(name)) throw await this.#twice(name, source);
      this.#left.set(name, source.name);
      this.notes.push(smallElements(name, stored, offset));
    }
  }

  #has(name: string): boolean {
    return this.tensors.has(name) || this.#left.has(name);
  }

  async #twice(name: string, source: ByteSource): Promise<CheckpointError> {
    const tensor = this.tensors.get(name);
    const [part] = tensor !== undefined && isNumeric(tensor) ? await tensor.parts() : [];
    const before = this.#left.get(name) ?? part?.source.name ?? "another";
    return new CheckpointError("malformed", `is in two files, ${before} and ${source.name}`, { file: source.name, tensor: name });
  }

  refuseMissing(map: ReadonlyMap<string, string>): void {
    for (const [name, file] of map) {
      if (!this.#has(name)) {
        throw new CheckpointError("mismatch", `the index places it in ${file}, which does not hold it`, { tensor: name, file });
      }
    }
  }
}

function smallElements(tensor: string, stored: string, offset: number): Note {
  return { code: "unsupported-tensor", message: `elements of type ${stored} are smaller than a byte`, tensor, offset };
}

/** `index`: the file that names this one. */
async function mustOpen(set: FileSet, name: string, index?: string): Promise<ByteSource> {
  const source = await set.open(name);
  if (source !== undefined) return source;
  if (index === undefined) throw new CheckpointError("not-found", "it is missing", { file: name });
  throw new CheckpointError("not-found", `${baseName(name)} is missing, which this index names`, { file: index });
}

async function closeAll(sources: readonly ByteSource[]): Promise<void> {
  for (const source of sources) await source.close();
}
