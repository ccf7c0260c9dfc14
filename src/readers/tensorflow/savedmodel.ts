import { baseName, folderOf } from "../../encodings/file-names.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { fields, fieldText } from "../../encodings/protobuf/protobuf.ts";
import { fieldPayload, sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import { CheckpointError, isCheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { openBundle } from "./bundle.ts";
import { kerasLayers } from "./keras-metadata.ts";

/*
 * A SavedModel folder: saved_model.pb (SavedModel {saved_model_schema_version 1, meta_graphs 2 {meta_info_def 1 {tags 4,
 * tensorflow_version 5}}}), variables/variables.{index,data-…} (a TF V2 checkpoint), beside them fingerprint.pb and, by Keras 2,
 * keras_metadata.pb. Its tensors are those of the checkpoint.
 */

const entryName = "saved_model.pb";
const prefix = "variables/variables";
/** Files of the folder that hold no tensors of the checkpoint. */
const besideNames = [entryName, "fingerprint.pb", "keras_metadata.pb"] as const;
/** Schema version 1, then a meta graph. */
const begins = [0x08, 0x01, 0x12] as const;
/** Only the first few fields are read; a graph with constants in it can have gigabytes. */
const maxHead = 1 << 20;

export const reader: Reader = {
  async detect(probe) {
    return (await locate(probe)) === undefined ? undefined : "sure";
  },

  async read(probe) {
    const folder = await locate(probe);
    if (folder === undefined)
      throw new CheckpointError("malformed", `this is no SavedModel folder with ${entryName}`, { file: probe.entry });
    return readFolder(probe.set, folder);
  },
};

/** The SavedModel's folder in the set, "" or ending in "/"; reached by the folder or one of its own files. */
async function locate(probe: Probe): Promise<string | undefined> {
  const inFolder = probe.container === "folder";
  if (!inFolder && !besideNames.some((name) => name === baseName(probe.entry))) return undefined;
  const folder = inFolder ? "" : folderOf(probe.entry);
  // A SavedModel without variables is legal, so saved_model.pb alone decides: a folder that has it, or its name and first bytes.
  const isEntry = baseName(probe.entry) === entryName && begins.every((byte, k) => probe.head[k] === byte);
  const needed = inFolder || isEntry ? [entryName] : [entryName, `${prefix}.index`];
  for (const name of needed) {
    const source = await probe.set.open(folder + name);
    await source?.close();
    if (source === undefined) return undefined;
  }
  return folder;
}

async function readFolder(set: FileSet, folder: string): Promise<ReadCheckpoint> {
  const files: string[] = [];
  let bytes = 0;
  const metadata = new Map<string, Inert>();
  for (const name of besideNames) {
    const source = await set.open(folder + name);
    if (source === undefined) continue;
    files.push(folder + name);
    bytes += source.size;
    try {
      if (name === entryName) await describe(source, metadata);
    } finally {
      await source.close();
    }
  }
  const index = await set.open(`${folder}${prefix}.index`);
  await index?.close();
  if (index === undefined) {
    const note: Note = { code: "assumed", message: "the SavedModel has no variables: its weights, if any, are constants of its graph" };
    return { ...result(files, bytes, metadata, [note]), tensors: new Map(), close: async () => {} };
  }
  const bundle = await openBundle(set, folder + prefix);
  const { layers, notes } = await described(set, folder, bundle.tensors);
  return {
    ...result([...files, ...bundle.files], bytes + bundle.bytes, metadata, [...bundle.notes, ...notes]),
    tensors: bundle.tensors,
    layers,
    close: () => bundle.close(),
  };
}

/** The layers that Keras 2 describes beside the model; TensorFlow itself loads without them. */
async function described(
  set: FileSet,
  folder: string,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<{ readonly layers: readonly LayerRecord[]; readonly notes: readonly Note[] }> {
  const source = await set.open(`${folder}keras_metadata.pb`);
  if (source === undefined) return { layers: [], notes: [] };
  try {
    return { layers: await kerasLayers(source, tensors), notes: [] };
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    const message = `keras_metadata.pb beside it cannot be read (${error.message}): its layers are not listed`;
    return { layers: [], notes: [{ code: "assumed", message }] };
  } finally {
    await source.close();
  }
}

function result(
  files: readonly string[],
  bytes: number,
  metadata: ReadonlyMap<string, Inert>,
  notes: readonly Note[],
): Omit<ReadCheckpoint, "tensors" | "close"> {
  return { format: "savedmodel", variant: "SavedModel folder", files, bytes, layers: [], metadata, notes };
}

/** tags and TensorFlow version of the first meta graph, from the front of the file, where TensorFlow writes them. */
async function describe(source: ByteSource, metadata: Map<string, Inert>): Promise<void> {
  for await (const graph of sourceFields(source)) {
    if (graph.number !== 2 || graph.wire !== 2) continue;
    for await (const field of sourceFields(source, graph.offset, graph.offset + graph.length)) {
      if (field.number !== 1 || field.length > maxHead) continue;
      const tags: string[] = [];
      for (const part of fields(await fieldPayload(source, field, maxHead, "the meta graph's description"))) {
        if (part.number === 4) tags.push(fieldText(part, "tag"));
        if (part.number === 5) metadata.set("tensorflow_version", fieldText(part, "TensorFlow version"));
      }
      metadata.set("tags", tags);
      break;
    }
    break;
  }
}
