import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { locateInput } from "../../io/locate.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { defaultSize } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import type { InputBatch } from "./batch.ts";
import { loadDecoder } from "./decoder.ts";
import type { Decoder, Pixels } from "./pixels.ts";
import { describeContract, type PictureContract } from "./preprocess.ts";

/** A compressed picture; the decoders' own limits of pixels come behind it. */
const MAX_BYTES = 256 << 20;
/** What is looked for in a folder. */
const ENDINGS = /\.(jpe?g|png|webp|gif|tiff?|avif|heif|heic)$/i;

/** Whether bytes begin as a picture does: JPEG, PNG, GIF, WebP, TIFF, AVIF and HEIF. */
export function isPicture(head: Uint8Array): boolean {
  const text = String.fromCharCode(...head.subarray(0, 16));
  return /^(\xff\xd8\xff|\x89PNG\r\n|GIF8[79]a|RIFF[\s\S]{4}WEBP|II\*\0|MM\0\*|[\s\S]{4}ftyp(avif|avis|heic|heix|mif1|msf1))/.test(text);
}

export interface FoundPictures {
  readonly paths: readonly string[];
  /** Decided by content; undefined where a single file is something else. */
  readonly pictures: boolean;
}

/** The pictures that an argument names: itself, or those directly in a folder, sorted. Throws `not-found` for a folder without. */
export async function findPictures(path: string): Promise<FoundPictures> {
  const located = await locateInput(path);
  try {
    if (!located.folder) {
      const head = await located.source.read(0, Math.min(16, located.source.size));
      return { paths: [path], pictures: isPicture(head) };
    }
    const names = ((await located.set.list()) ?? []).filter((name) => !name.includes("/") && ENDINGS.test(name));
    if (names.length === 0) throw new CheckpointError("not-found", "the folder holds no picture (JPEG, PNG, WebP …)", { file: path });
    return { paths: names.map((name) => `${path.replace(/\/$/, "")}/${name}`), pictures: true };
  } finally {
    await located.source.close();
  }
}

/**
 * Pictures as a batch, decoded when their turn comes. Throws `not-found` where sharp is needed and not there, `malformed` for what is no picture,
 * `unsupported` for a network whose channels are neither one nor three.
 */
export async function pictureBatch(
  paths: readonly string[],
  source: string,
  network: Network,
  contract: PictureContract,
  ctx: Context,
): Promise<InputBatch> {
  const channels = network.inputChannels;
  if (channels !== 1 && channels !== 3)
    throw new CheckpointError("unsupported", `the network takes ${channels} channels, and pictures have one or three`);
  const decoder = await loadDecoder();
  const { height, width, assumed } =
    contract.size === undefined ? defaultSize(network) : { height: contract.size[0], width: contract.size[1] };
  const prepared = `pictures are ${contract.source === "assumed" ? "assumed to be wanted" : "prepared"} as ${describeContract(contract)}`;
  const plane = height * width;
  return {
    shape: [paths.length, channels, height, width],
    source,
    names: paths,
    channels: contract.channels,
    notes: [prepared, ...(assumed === undefined ? [] : [assumed])],
    async read(from, count) {
      const values = new Float32Array(count * channels * plane);
      for (let n = 0; n < count; n++) {
        const pixels = await decoded(paths[from + n] ?? "", decoder, channels === 1, [height, width], contract.fit);
        fill(values.subarray(n * channels * plane, (n + 1) * channels * plane), cut(pixels, height, width), channels, contract);
        await ctx.tick(pixels.bytes.length);
      }
      return { layer: "input", shape: [count, channels, height, width], values };
    },
  };
}

async function decoded(
  path: string,
  decoder: Decoder,
  grey: boolean,
  [height, width]: readonly [number, number],
  fit: PictureContract["fit"],
): Promise<Pixels> {
  const located = await locateInput(path);
  try {
    const bytes = await whole(located.source, path);
    if (fit === "stretch") return await decoder.decode(bytes, grey, { fit: "fill", width, height }, path);
    if (fit === "cover") return await decoder.decode(bytes, grey, { fit: "cover", width, height }, path);
    const shorter = fit === "margin" ? undefined : fit;
    if (shorter !== undefined && shorter < Math.max(height, width)) {
      const problem = `pictures scaled to ${shorter} pixels are smaller than the input of ${height}×${width}`;
      throw new CheckpointError("usage", problem, { file: path });
    }
    const margin = { width: Math.round((width * 8) / 7), height: Math.round((height * 8) / 7) };
    const size = shorter === undefined ? margin : { width: shorter, height: shorter };
    return await decoder.decode(bytes, grey, { fit: "cover", ...size, shown: { width, height } }, path);
  } finally {
    await located.source.close();
  }
}

async function whole(source: ByteSource, path: string): Promise<Uint8Array> {
  if (source.size > MAX_BYTES) {
    throw new CheckpointError("unsupported", `a picture of ${source.size} bytes; at most ${MAX_BYTES} are read`, { file: path });
  }
  return source.read(0, source.size);
}

/** The middle of a picture that is larger than wanted. */
function cut(pixels: Pixels, height: number, width: number): Pixels {
  if (pixels.height === height && pixels.width === width) return pixels;
  const [top, left] = [Math.floor((pixels.height - height) / 2), Math.floor((pixels.width - width) / 2)];
  const bytes = new Uint8Array(height * width * pixels.channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * pixels.width + left) * pixels.channels;
    bytes.set(pixels.bytes.subarray(from, from + width * pixels.channels), y * width * pixels.channels);
  }
  return { width, height, channels: pixels.channels, bytes };
}

/** Interleaved bytes to planes: (value · range / 255 − mean) / std, channels in the contract's order. */
function fill(into: Float32Array, pixels: Pixels, channels: number, { channels: order, range, mean, std }: PictureContract): void {
  const plane = pixels.height * pixels.width;
  if (pixels.channels < channels) throw new CheckpointError("unsupported", `a picture of ${pixels.channels} channels, needed ${channels}`);
  for (let c = 0; c < channels; c++) {
    const stored = order === "bgr" ? channels - 1 - c : c;
    const [m, s] = [mean[mean.length === 1 ? 0 : c] ?? 0, std[std.length === 1 ? 0 : c] ?? 1];
    for (let k = 0; k < plane; k++) {
      into[c * plane + k] = (((pixels.bytes[k * pixels.channels + stored] ?? 0) * range) / 255 - m) / s;
    }
  }
}
