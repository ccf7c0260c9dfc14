import { CheckpointError } from "../../errors.ts";
import { installHint } from "../engines/installation.ts";
import { failureOf, importOptional } from "../engines/optional-package.ts";

/** Pixels of one picture: rows of interleaved channels, one byte each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

export type Resize =
  | { readonly fit: "cover" | "fill"; readonly width: number; readonly height: number }
  | { readonly fit: "outside"; readonly width: number; readonly height: number };

export interface Decoder {
  /** Decoded, turned as its EXIF says, scaled (bicubic), in sRGB or grey. Throws `malformed` for what is no picture. */
  decode(bytes: Uint8Array, grey: boolean, resize: Resize, file: string): Promise<Pixels>;
}

/** The steps of sharp that are used; its own types are not needed to build this tool. */
interface Pipeline {
  rotate(): Pipeline;
  resize(options: object): Pipeline;
  removeAlpha(): Pipeline;
  toColourspace(space: string): Pipeline;
  greyscale(): Pipeline;
  raw(options: object): Pipeline;
  toBuffer(options: object): Promise<unknown>;
}

/**
 * The decoder of pictures, sharp (libvips), if the person has installed it: an optional peer, because it brings 20 MB of native
 * code that comparing checkpoints never needs. Throws `not-found` with the command that installs it.
 */
export async function loadDecoder(): Promise<Decoder> {
  const found = await importOptional("sharp");
  if ("failure" in found) {
    const { code, message } = found.failure;
    const why = code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : `cannot be loaded (${message.split("\n")[0] ?? ""})`;
    throw new CheckpointError("not-found", `pictures are decoded by the package sharp, which ${why}`, { hint: installHint("sharp") });
  }
  const { module } = found;
  return {
    async decode(bytes, grey, resize, file) {
      try {
        const turned = pipelineOf(module, bytes)
          .rotate()
          .resize({ ...resize, kernel: "cubic", position: "centre" })
          .removeAlpha();
        const coloured = grey ? turned.greyscale().toColourspace("b-w") : turned.toColourspace("srgb");
        return pixelsOf(await coloured.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true }));
      } catch (error) {
        throw new CheckpointError("malformed", `the picture cannot be decoded: ${failureOf(error).message}`, { file, cause: error });
      }
    },
  };
}

function pipelineOf(sharp: unknown, bytes: Uint8Array): Pipeline {
  // failOn "error": a truncated picture is refused, a strange but readable one is not.
  const made: unknown = typeof sharp === "function" ? Reflect.apply(sharp, undefined, [bytes, { failOn: "error" }]) : undefined;
  if (!isPipeline(made)) throw new TypeError("sharp is not as this tool knows it (0.33 or later)");
  return made;
}

function isPipeline(value: unknown): value is Pipeline {
  const steps: readonly (keyof Pipeline)[] = ["rotate", "resize", "removeAlpha", "toColourspace", "greyscale", "raw", "toBuffer"];
  return typeof value === "object" && value !== null && steps.every((step) => typeof Reflect.get(value, step) === "function");
}

function pixelsOf(answer: unknown): Pixels {
  const data = property(answer, "data");
  const info = property(answer, "info");
  const [width, height, channels] = ["width", "height", "channels"].map((name) => property(info, name));
  if (!(data instanceof Uint8Array) || typeof width !== "number" || typeof height !== "number" || typeof channels !== "number") {
    throw new TypeError("sharp answered in another way than expected");
  }
  return { width, height, channels, bytes: data };
}

function property(owner: unknown, key: string): unknown {
  return typeof owner === "object" && owner !== null ? Reflect.get(owner, key) : undefined;
}
