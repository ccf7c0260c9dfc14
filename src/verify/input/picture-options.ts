import { readOwnJson } from "../../encodings/json/own-json.ts";
import { CheckpointError } from "../../errors.ts";
import { locateInput } from "../../io/locate.ts";
import type { Identity } from "../../model/identity.ts";
import type { PairRecord, VerifyRecord } from "../record.ts";
import { contractFromJson, type PictureContract, preset, presetNames, usualFit } from "./preprocess.ts";

/** A contract has a few lines. */
const MAX_BYTES = 1 << 20;

/**
 * How pictures are prepared for a network: as `--preprocess` says (a preset or a JSON file), else as the checkpoint does, else
 * as its naming scheme's networks do. Throws `usage` where nothing says it: a guess would give classes that look right and are not.
 */
export async function contractFor(identity: Identity, asked: string | undefined, file: string): Promise<PictureContract> {
  if (asked !== undefined) return preset(asked) ?? (await contractFile(asked));
  if (identity.preprocessing !== undefined) return { ...identity.preprocessing, fit: usualFit(identity.preprocessing, identity.scheme) };
  throw new CheckpointError("usage", "nothing in the file says how pictures are prepared for it", {
    file,
    hint: `--preprocess with one of ${presetNames.join(", ")}, or a JSON file`,
  });
}

async function contractFile(path: string): Promise<PictureContract> {
  const located = await locateInput(path).catch((error: unknown) => {
    if (!(error instanceof CheckpointError) || error.code !== "not-found") throw error;
    throw new CheckpointError("usage", `--preprocess ${path} is no preset (${presetNames.join(", ")}) and no file`, { cause: error });
  });
  try {
    if (located.folder) throw new CheckpointError("malformed", "this is a folder, a JSON file of preprocessing was needed", { file: path });
    return contractFromJson(await readOwnJson(path, MAX_BYTES), path);
  } finally {
    await located.source.close();
  }
}

/** How far the descriptors of a record's two pictures are apart. */
export function pairOf({ descriptor }: Pick<VerifyRecord, "descriptor">, pictures: readonly [string, string]): PairRecord {
  const values = descriptor?.values ?? [];
  if (descriptor === undefined || descriptor.shape[0] !== 2 || values.length === 0) throw new TypeError("no descriptors of two pictures");
  const size = values.length / 2;
  const [a, b] = [unit(values.slice(0, size)), unit(values.slice(size))];
  const cosine = a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);
  const square = a.reduce((sum, value, k) => sum + (value - (b[k] ?? 0)) ** 2, 0);
  return { pictures, layer: descriptor.layer, cosineDistance: Math.max(1 - cosine, 0), euclideanDistance: Math.sqrt(square) };
}

/** The vector scaled to length 1; zeros stay zeros. */
function unit(values: readonly number[]): readonly number[] {
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? values : values.map((value) => value / length);
}
