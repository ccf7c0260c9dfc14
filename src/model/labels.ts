import type { Inert } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { parseText, recordedMetadata } from "./recorded.ts";

const keys = ["meta.classes.description", "classes.description", "meta.classes.name", "classes.name", "labels", "classes"];

/** Class names that a checkpoint carries: MatConvNet's descriptions, else its synset ids, or what this tool wrote; undefined where there are none. */
export function labelsOf(checkpoint: Pick<DescribedCheckpoint, "metadata">): readonly string[] | undefined {
  const recorded = recordedMetadata(checkpoint)?.get("labels");
  for (const value of [recorded, ...keys.map((key) => checkpoint.metadata.get(key))]) {
    const found = texts(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A list of texts, or one kept as JSON (safetensors' metadata holds strings only). */
function texts(value: Inert | undefined): readonly string[] | undefined {
  return listOfTexts(typeof value === "string" && value.startsWith("[") ? parseText(value) : value);
}

export function listOfTexts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const names = value.filter((item): item is string => typeof item === "string");
  return names.length === value.length ? names : undefined;
}
