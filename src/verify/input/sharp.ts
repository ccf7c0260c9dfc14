import { CheckpointError } from "../../errors.ts";
import { failureOf, importOptional, property } from "../engines/optional-package.ts";
import type { Decoder, Pixels, Resize } from "./pixels.ts";
import { isLarge, partFor } from "./resample.ts";

/** The steps of sharp that are used; its own types are not needed to build this tool. */
interface Pipeline {
  rotate(): Pipeline;
  extract(region: object): Pipeline;
  metadata(): Promise<unknown>;
  resize(options: object): Pipeline;
  removeAlpha(): Pipeline;
  toColourspace(space: string): Pipeline;
  greyscale(): Pipeline;
  raw(options: object): Pipeline;
  toBuffer(options: object): Promise<unknown>;
}

/** sharp as a decoder, or why it cannot be used. */
export async function loadSharp(): Promise<(Decoder & { readonly version: string }) | { readonly problem: string }> {
  const found = await importOptional("sharp");
  if ("failure" in found) {
    const { code, message } = found.failure;
    return { problem: code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : `cannot be loaded (${message.split("\n")[0] ?? ""})` };
  }
  const { module } = found;
  const version = property(property(module, "versions"), "sharp");
  return {
    version: typeof version === "string" ? version : "?",
    async decode(bytes, grey, resize, file) {
      try {
        const turned = (await partOf(module, bytes, resize)).resize({
          ...sizeFor(resize),
          kernel: "cubic",
          position: "centre",
        });
        const opaque = turned.removeAlpha();
        const coloured = grey ? opaque.greyscale().toColourspace("b-w") : opaque.toColourspace("srgb");
        return pixelsOf(await coloured.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true }));
      } catch (error) {
        throw new CheckpointError("malformed", `the picture cannot be decoded: ${failureOf(error).message}`, { file, cause: error });
      }
    },
  };
}

/** The picture, turned; of one that would become enormous when it is enlarged only the part that will be seen. */
async function partOf(module: unknown, bytes: Uint8Array, resize: Resize): Promise<Pipeline> {
  const whole = pipelineOf(module, bytes).rotate();
  const size = sizeOf(await pipelineOf(module, bytes).metadata());
  return size === undefined || !isLarge(size, resize) ? whole : whole.extract(partFor(size, resize));
}

function sizeFor({ fit, width, height, shown }: Resize): object {
  return shown === undefined ? { fit, width, height } : { fit: "outside", width, height };
}

/** Height and width as the picture is seen: EXIF's orientations from 5 on lay it on its side. */
function sizeOf(metadata: unknown): { readonly width: number; readonly height: number } | undefined {
  const [width, height, orientation] = ["width", "height", "orientation"].map((name) => property(metadata, name));
  if (typeof width !== "number" || typeof height !== "number") return undefined;
  return typeof orientation === "number" && orientation >= 5 ? { width: height, height: width } : { width, height };
}

function pipelineOf(sharp: unknown, bytes: Uint8Array): Pipeline {
  // failOn "error": a truncated picture is refused, a strange but readable one is not.
  const made: unknown = typeof sharp === "function" ? Reflect.apply(sharp, undefined, [bytes, { failOn: "error" }]) : undefined;
  if (!isPipeline(made)) throw new TypeError("sharp is not as this tool knows it (0.33 or later)");
  return made;
}

function isPipeline(value: unknown): value is Pipeline {
  const steps: readonly (keyof Pipeline)[] = [
    "rotate",
    "extract",
    "metadata",
    "resize",
    "removeAlpha",
    "toColourspace",
    "greyscale",
    "raw",
    "toBuffer",
  ];
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
