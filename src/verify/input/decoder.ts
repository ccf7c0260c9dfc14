import { CheckpointError } from "../../errors.ts";
import { installHint } from "../engines/installation.ts";
import type { Decoder } from "./pixels.ts";
import { plainDecoder } from "./plain-decoder.ts";
import { loadSharp } from "./sharp.ts";

/**
 * What decodes pictures: sharp (libvips), if the person has installed it, an optional peer, because it brings 20 MB of native code that
 * comparing checkpoints never needs; PNG and JPEG are decoded without it. Throws `not-found` for other pictures, with the command that installs it.
 */
export async function loadDecoder(): Promise<Decoder> {
  const found = await loadSharp();
  if ("decode" in found) return found;
  return {
    async decode(bytes, grey, resize, file) {
      const decoder = plainDecoder(bytes);
      if (decoder !== undefined) return decoder(bytes, grey, resize, file);
      throw new CheckpointError("not-found", `pictures other than PNG and JPEG are decoded by the package sharp, which ${found.problem}`, {
        file,
        hint: installHint("sharp"),
      });
    },
  };
}
