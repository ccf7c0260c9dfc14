import { CheckpointError } from "../../errors.ts";
import { installHint } from "../engines/installation.ts";
import { plainDecoder } from "./plain-decoder.ts";
import { loadSharp } from "./sharp.ts";

/** Pixels of one picture: rows of interleaved channels, one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** How large a picture becomes: `fill` ignores proportions; else the whole input is covered by `width` × `height`, or by the `shown` middle of it. */
export interface Resize {
  readonly fit: "cover" | "fill";
  readonly width: number;
  readonly height: number;
  /** Of the scaled picture only this middle is wanted. */
  readonly shown?: { readonly width: number; readonly height: number };
}

export interface Decoder {
  /** Decoded, turned as its EXIF says, scaled (bicubic), in sRGB or grey. Throws `malformed` for what is no picture. */
  decode(bytes: Uint8Array, grey: boolean, resize: Resize, file: string): Promise<Pixels>;
}

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
