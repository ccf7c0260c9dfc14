import { basename, dirname } from "../path.ts";
import { outputSet } from "./output.ts";

/** Writes one file that appears whole or not at all. Throws `usage` where it exists and `force` is false. */
export async function writeWhole(path: string, parts: readonly Uint8Array[], force: boolean): Promise<void> {
  const output = outputSet(dirname(path), { force });
  try {
    const file = await output.create(basename(path));
    let at = 0;
    for (const part of parts) {
      await file.write(at, part);
      at += part.length;
    }
    await output.commit(basename(path));
  } catch (error) {
    await output.abort();
    throw error;
  }
}
