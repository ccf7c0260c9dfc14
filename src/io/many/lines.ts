import { CheckpointError } from "../../errors.ts";
import { concatBytes } from "../bytes.ts";
import { fileSource } from "../source/file.ts";
import { standardInput } from "../system.ts";

/** A list of a million sources has some 100 bytes a line. */
const MOST = 256 << 20;

/** Lines of a text file, or of standard input ("-"), but for empty ones and those that begin with "#". Throws `not-found`, `io`, `malformed`. */
export async function listedLines(path: string): Promise<readonly string[]> {
  const bytes = path === "-" ? await allOfInput() : await contents(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CheckpointError("malformed", "this is no text, and a list with one source a line was needed", { file: path, cause: error });
  }
  return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

async function contents(path: string): Promise<Uint8Array> {
  const source = await fileSource(path);
  try {
    if (source.size > MOST)
      throw new CheckpointError("unsupported", `a list of ${source.size} bytes; at most ${MOST} are read`, { file: path });
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

async function allOfInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of standardInput()) chunks.push(chunk);
  return concatBytes(chunks);
}
