import { isCheckpointError } from "../errors.ts";
import { type Axes, parseAxes } from "../tensor/axes.ts";
import type { Inert } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { readCarried } from "./geometry/carried.ts";
import type { Windows } from "./geometry/window.ts";
import type { Preprocessing } from "./scheme.ts";

/** What an output of this tool says of itself in its metadata: what shapes alone cannot tell. */
export interface Recorded {
  /** Stored axes by key. */
  readonly axes: ReadonlyMap<string, Axes>;
  readonly inputScale?: number;
  /** Height, width. */
  readonly inputSize?: readonly [number, number];
  /** Height, width of what enters fc6. */
  readonly feature?: readonly [number, number];
  readonly epsilon?: number;
  /** How layers slide that are not a plain VGG's. */
  readonly windows: ReadonlyMap<string, Windows>;
  readonly preprocessing?: Preprocessing;
}

/** Reads it back; undefined for files of other makers. Text that says something else than we write is left unread. */
export function readRecorded(checkpoint: DescribedCheckpoint): Recorded | undefined {
  const metadata = recordedMetadata(checkpoint);
  if (metadata === undefined) return undefined;
  const architecture = parseText(metadata.get("architecture"));
  const axes = parseText(metadata.get("axes"));
  const feature = pair(isRecord(architecture) && Array.isArray(architecture.featureShape) ? architecture.featureShape.slice(1) : undefined);
  const inputSize = isRecord(architecture) ? pair(architecture.inputSize) : undefined;
  const inputScale = isRecord(architecture) ? positive(architecture.inputScale) : undefined;
  const epsilon = positive(Number(metadata.get("epsilon")));
  const preprocessing = readPreprocessing(parseText(metadata.get("preprocessing")));
  return {
    axes: new Map(isRecord(axes) ? Object.entries(axes).flatMap(readAxes) : []),
    windows: readCarried(isRecord(architecture) ? architecture.windows : undefined),
    ...(inputScale !== undefined && { inputScale }),
    ...(inputSize && { inputSize }),
    ...(feature && { feature }),
    ...(epsilon !== undefined && { epsilon }),
    ...(preprocessing && { preprocessing }),
  };
}

/**
 * What this tool wrote, wherever the format keeps it: as the metadata itself (safetensors, ONNX, beside the file), as one text (Keras), or
 * as a record (TF.js). undefined for files of other makers.
 */
export function recordedMetadata({ metadata }: Pick<DescribedCheckpoint, "metadata">): ReadonlyMap<string, Inert> | undefined {
  if (metadata.get("producer") === "vggtool") return metadata;
  const inner = metadata.get("userDefinedMetadata");
  if (inner instanceof Map && inner.get("producer") === "vggtool") return inner;
  const record = parseText(metadata.get("vggtool"));
  const own = isRecord(record) && isRecord(record.metadata) ? Object.entries(record.metadata) : [];
  const texts = new Map(own.flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])));
  return texts.get("producer") === "vggtool" ? texts : undefined;
}

/** JSON, or undefined for what is none. */
export function parseText(text: Inert | undefined): unknown {
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    // Not ours after all: somebody edited the header. What it would have said is then assumed anew.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readAxes([key, value]: readonly [string, unknown]): readonly (readonly [string, Axes])[] {
  if (typeof value !== "string") return [];
  try {
    return [[key, parseAxes(value)]];
  } catch (error) {
    // Not ours after all, as above.
    if (isCheckpointError(error, "usage")) return [];
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}

function pair(value: unknown): readonly [number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [first, second] = [positive(value[0]), positive(value[1])];
  return first === undefined || second === undefined ? undefined : [first, second];
}

function readPreprocessing(value: unknown): Preprocessing | undefined {
  if (!isRecord(value)) return undefined;
  const { channels, range } = value;
  const [mean, std] = [numbers(value.mean), numbers(value.std)];
  if ((channels !== "rgb" && channels !== "bgr") || (range !== 255 && range !== 1) || mean === undefined || std === undefined)
    return undefined;
  const size = pair(value.size);
  return { channels, range, mean, std, ...(size && { size }), source: value.source === "read" ? "read" : "assumed" };
}

function numbers(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const known = value.filter((item): item is number => typeof item === "number" && Number.isFinite(item));
  return known.length === value.length ? known : undefined;
}
