import { CheckpointError, isCheckpointError } from "../errors.ts";
import type { FileSet } from "../io/source/source.ts";
import type { Checkpoint, Inert, Note } from "../tensor/checkpoint.ts";
import { ownJson } from "./json/own-json.ts";

/*
 * What a checkpoint's format cannot store (how images are prepared, class names, epsilon, axes) is beside it: NAME.vggtool.json,
 * one JSON object with the fields that the metadata of other formats has.
 */

export const sidecarSuffix = ".vggtool.json";
export const sidecarSchema = "vggtool/sidecar/1";

/** The axes of 100,000 tensors are 8 MB. */
const maxBytes = 16 << 20;
/** Files of a checkpoint beside which it is looked for; each of a set may be the one that was named. */
const maxFiles = 8;

/** The checkpoint with what is beside it in its metadata, where that is of the same tensors. Throws `malformed` where it is no JSON. */
export async function withSidecar(checkpoint: Checkpoint, set: FileSet, entry: string): Promise<Checkpoint> {
  const names = new Set([entry, ...checkpoint.files.slice(0, maxFiles)].flatMap((file) => [file, file.replace(tfEnding, "")]));
  for (const name of names) {
    const beside = name + sidecarSuffix;
    const source = name === "" || (await set.lacks?.(beside)) === true ? undefined : await set.open(beside);
    if (source === undefined) continue;
    try {
      if (source.size > maxBytes) {
        const message = `${source.size} bytes, at most ${maxBytes} are read`;
        throw new CheckpointError("unsupported", message, { file: source.name });
      }
      return described(checkpoint, parse(await source.read(0, source.size), source.name), beside);
    } finally {
      await source.close();
    }
  }
  return checkpoint;
}

/** Of a TensorFlow checkpoint, which is named by the rest. */
const tfEnding = /\.(index|meta|data-\d{5}-of-\d{5})$/;

function parse(bytes: Uint8Array, file: string): ReadonlyMap<string, unknown> {
  try {
    const value = ownJson(bytes, file);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
    throw new CheckpointError("malformed", "what describes the checkpoint is no JSON object", { file });
  } catch (error) {
    throw isCheckpointError(error) ? error.at({ hint: "remove this file, and what it says of the checkpoint is assumed instead" }) : error;
  }
}

function described(checkpoint: Checkpoint, fields: ReadonlyMap<string, unknown>, name: string): Checkpoint {
  if (fields.get("schema") !== sidecarSchema) return checkpoint;
  const axes = fields.get("axes");
  const keys = typeof axes === "object" && axes !== null ? Object.keys(axes) : [];
  const labels = new Set([...checkpoint.tensors.values()].map(({ label }) => label));
  if (keys.some((key) => !checkpoint.tensors.has(key) && !labels.has(key))) {
    const note: Note = { code: "assumed", message: `${name} is of another checkpoint, as it names other tensors: it is not used` };
    return { ...checkpoint, notes: [...checkpoint.notes, note] };
  }
  const metadata = new Map<string, Inert>(checkpoint.metadata);
  for (const [key, value] of fields) metadata.set(key, typeof value === "string" ? value : JSON.stringify(value));
  metadata.delete("schema");
  return { ...checkpoint, metadata };
}
