import { folderOf } from "../../encodings/file-names.ts";
import { isCheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { FileSet } from "../../io/source/source.ts";
import type { Inert, Note } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { values } from "../../tensor/load.ts";
import { readBlob } from "./blob.ts";

export const meanSuffix = ".binaryproto";
/** Three planes of 256×256 doubles have 1.6 MB. */
const maxMean = 16 << 20;

export interface MeanImage {
  /** Its file's name. */
  readonly name: string;
  readonly bytes: number;
  /** For `metadata`: the mean of each channel, 0 … 255, in the order of the image's channels, and that order. */
  readonly record: ReadonlyMap<string, Inert>;
}

/**
 * The mean image beside a model: the only .binaryproto of its folder, as compute_image_mean (Caffe's tools) writes it: B G R, as OpenCV
 * decodes pictures. What is assumed of it goes to `notes`. undefined where there is none, more than one, or one that is no image of three channels.
 */
export async function meanBeside(set: FileSet, entry: string, notes: Note[], ctx: Context): Promise<MeanImage | undefined> {
  const folder = folderOf(entry);
  const [file, ...others] = ((await set.list()) ?? []).filter((name) => folderOf(name) === folder && name.endsWith(meanSuffix));
  if (file === undefined || others.length > 0) return undefined;
  const source = await set.open(file);
  if (source === undefined) return undefined;
  try {
    if (source.size > maxMean) return undefined;
    const blob = await readBlob(source, 0, source.size);
    // num 1, channels 3, height, width; or without num.
    const [channels = 0, ...plane] = blob.shape.slice(-3);
    const isImage = channels === 3 && plane.length === 2 && blob.shape.slice(0, -3).every((size) => size === 1);
    if (!isImage || blob.dtype !== "float32") return undefined;
    const tensor = contiguous({ name: file, dtype: blob.dtype, shape: [channels, ...plane], source: blob.values });
    const averageImage = means(await values(tensor, ctx), channels);
    const shown = averageImage.map((mean) => mean.toFixed(2)).join(", ");
    notes.push({ code: "assumed", message: `the mean image ${file} beside the model is taken for its own: ${shown} (B, G, R)` });
    const record = new Map<string, Inert>([
      ["averageImage", averageImage],
      ["channelOrder", "bgr"],
    ]);
    return { name: file, bytes: source.size, record };
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    notes.push({ code: "assumed", message: `${file} beside the model could not be read (${error.message}); its mean is not known` });
    return undefined;
  } finally {
    await source.close();
  }
}

/** Mean of each channel's plane of little-endian float32 values, rounded to the precision of the values. */
function means(bytes: Uint8Array, channels: number): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / 4 / channels;
  return Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += view.getFloat32(4 * (channel * count + k), true);
    return Math.fround(sum / count);
  });
}
