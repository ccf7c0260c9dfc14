import { CheckpointError } from "../../errors.ts";
import { fileSource } from "../../io/source/file.ts";
import { isObject, type Json, parseJsonBytes } from "./json.ts";

/*
 * JSON that people write for this tool or that it wrote itself: maps and plans, preprocessing, class names, what is beside an output. All of
 * it is read here, strictly: nesting and size have limits, and a key that occurs twice is an error, as one of the two would be ignored.
 */

/** Plans of the largest networks are a few megabytes. */
const largestFile = 64 << 20;

/**
 * A file of JSON as plain values. Throws `not-found`, `usage` for what is no regular file, `unsupported` for one of more than `largest` bytes,
 * `malformed` for what is no JSON, `unsafe` where it is nested too deeply.
 */
export async function readOwnJson(path: string, largest = largestFile): Promise<unknown> {
  const source = await fileSource(path);
  try {
    if (source.size > largest)
      throw new CheckpointError("unsupported", `JSON of ${source.size} bytes, at most ${largest} are read`, { file: path });
    return ownJson(await source.read(0, source.size), path);
  } finally {
    await source.close();
  }
}

/** UTF-8 bytes as plain values; `file` is named in errors. */
export function ownJson(bytes: Uint8Array, file: string): unknown {
  return plain(parseJsonBytes(bytes, file));
}

/** Objects with own properties alone, and numbers as a double has them. */
function plain(value: Json): unknown {
  if (typeof value === "bigint") return Number(value);
  if (isObject(value)) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
