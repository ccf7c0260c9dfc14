import { ownJson } from "../../encodings/json/own-json.ts";
import { CheckpointError } from "../../errors.ts";
import { utf8Bytes } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import { locateNamed } from "../../io/input.ts";
import { labelsOf, listOfTexts } from "../../model/labels.ts";
import type { Network } from "../../model/network/network.ts";
import { open } from "../../open.ts";

/** A list of class names is a few hundred kilobytes; 22,000 of ImageNet's whole tree are 600. */
const MAX_BYTES = 16 << 20;

/**
 * `--labels FILE`: a JSON list of names, a JSON object from index to name (or to [synset, name], as Keras keeps ImageNet's),
 * a text with one name a line, or a checkpoint that carries the names (MatConvNet's meta.classes.description). Throws `malformed`, and
 * `mismatch` where their number is not that of the classes.
 */
export async function readLabels(path: string, classes: number | undefined, ctx: Context): Promise<readonly string[]> {
  const labels = (await namesOfText(path, ctx)) ?? (await namesOfCheckpoint(path, ctx));
  if (classes !== undefined && labels.length !== classes) {
    throw new CheckpointError("mismatch", `${labels.length} class names, and the network has ${classes} classes`, { file: path });
  }
  return labels;
}

export const ASSUMED_LABELS =
  "class names are assumed to be those of ImageNet's 1000 classes, in the order of their sorted synset ids (--labels FILE gives others)";

/** ImageNet's names for a network of 1000 classes and colour pictures that carries none of its own; else undefined. */
export async function assumedLabels({ classes, inputChannels }: Network): Promise<readonly string[] | undefined> {
  return classes === 1000 && inputChannels === 3 ? (await import("./imagenet.ts")).imagenetClasses : undefined;
}

/** Tab to carriage return; every binary format has other control characters in its first bytes. */
const isControl = (byte: number): boolean => byte < 0x20 && (byte < 0x09 || byte > 0x0d);
const HEAD_BYTES = 4096;

/** Undefined where the file is no text. */
async function namesOfText(path: string, ctx: Context): Promise<readonly string[] | undefined> {
  const located = await locateNamed(path, ctx);
  try {
    const { size } = located.source;
    if (located.folder) return undefined;
    const head = await located.source.read(0, Math.min(size, HEAD_BYTES));
    if (head.some(isControl)) return undefined;
    if (size > MAX_BYTES) {
      throw new CheckpointError("unsupported", `${size} bytes of class names; at most ${MAX_BYTES} are read`, { file: path });
    }
    return labelsFromText(new TextDecoder().decode(await located.source.read(0, size)), path);
  } finally {
    await located.source.close();
  }
}

async function namesOfCheckpoint(path: string, ctx: Context): Promise<readonly string[]> {
  const checkpoint = await open(path, ctx);
  try {
    const names = labelsOf(checkpoint);
    if (names === undefined) throw new CheckpointError("mismatch", "this checkpoint carries no class names", { file: path });
    return names;
  } finally {
    await checkpoint.close();
  }
}

export function labelsFromText(text: string, file: string): readonly string[] {
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (trimmed.startsWith("[") || trimmed.startsWith("{")) {
    const json = ownJson(utf8Bytes(trimmed), file);
    const labels = listOfTexts(json) ?? indexed(json);
    if (labels === undefined)
      throw new CheckpointError("malformed", "this is no JSON list of names and no object from index to name", { file });
    return labels;
  }
  return trimmed.split(/\r?\n/).map((line) => line.trim());
}

function indexed(json: unknown): readonly string[] | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const byIndex = new Map(Object.entries(json));
  const names = Array.from({ length: byIndex.size }, (_, index) => {
    const value: unknown = byIndex.get(String(index));
    const name: unknown = Array.isArray(value) ? value.at(-1) : value;
    return typeof name === "string" ? name : undefined;
  });
  const known = names.filter((name) => name !== undefined);
  return known.length === names.length && known.length > 0 ? known : undefined;
}
