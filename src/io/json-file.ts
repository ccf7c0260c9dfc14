import { CheckpointError } from "../errors.ts";
import { fileSource } from "./source/file.ts";

/** Plans and maps of the largest networks are a few megabytes. */
const MAX_BYTES = 64 << 20;

/** A JSON file that a person wrote, parsed. Throws `not-found`, `unsupported` for a huge one, `malformed` for what is no JSON. */
export async function readJson(path: string): Promise<unknown> {
  const source = await fileSource(path);
  try {
    if (source.size > MAX_BYTES)
      throw new CheckpointError("unsupported", `JSON of ${source.size} bytes, at most ${MAX_BYTES} are read`, { file: path });
    const bytes = await source.read(0, source.size);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new CheckpointError("malformed", `this is no valid JSON (${why})`, { file: path, cause: error });
  } finally {
    await source.close();
  }
}
