import { CheckpointError } from "../../errors.ts";
import { fileSource } from "../../io/source/file.ts";
import type { Identity } from "../../model/identity.ts";
import type { Finding } from "../findings/check.ts";
import { checkSource } from "./check-source.ts";

/** In bytes; model code has some thousand lines. */
const largest = 16 << 20;

/** The check of one Python file; field names are part of the command-line contract. */
export interface SourceRecord {
  readonly schema: "vggtool/source/1";
  readonly file: string;
  readonly findings: readonly Finding[];
}

/**
 * Reads and checks the Python file that built a network. Throws `not-found`, `unsupported` for a file of no sensible size,
 * `malformed` for text that is no UTF-8.
 */
export async function readSource(path: string, identity?: Identity): Promise<SourceRecord> {
  const source = await fileSource(path);
  try {
    if (source.size > largest) {
      throw new CheckpointError("unsupported", `a source file of ${source.size} bytes; at most ${largest} are read`, { file: path });
    }
    const text = decode(await source.read(0, source.size), path);
    return { schema: "vggtool/source/1", file: path, findings: checkSource(text, path, identity).findings };
  } finally {
    await source.close();
  }
}

function decode(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new CheckpointError("malformed", "the source file is no text in UTF-8, which Python code is", { file, cause: error });
  }
}
