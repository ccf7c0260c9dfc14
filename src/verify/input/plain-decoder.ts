import { CheckpointError } from "../../errors.ts";
import { concatBytes } from "../../io/bytes.ts";
import { inflateAll } from "../../io/compression.ts";
import { orientationOf, turned } from "./orientation.ts";
import type { Decoder, Pixels } from "./pixels.ts";
import { resized } from "./resample.ts";

/** Pixels of one decoded picture: 268 MB with four channels. */
const MOST_PIXELS = 2 ** 26;

/** What decodes these bytes without sharp; undefined where nothing is. */
export function plainDecoder(bytes: Uint8Array): Decoder["decode"] | undefined {
  const open = starts(bytes, PNG) ? pngPixels : starts(bytes, JPEG) ? jpegPixels : undefined;
  if (open === undefined) return undefined;
  return async (given, grey, resize, file) => {
    const pixels = await open(given, file);
    const upright = turned(pixels, orientationOf(given));
    return inGrey(resized(upright, resize), grey);
  };
}

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8, 0xff];

function starts(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, k) => bytes[k] === byte);
}

async function pngPixels(bytes: Uint8Array, file: string): Promise<Pixels> {
  // Length and type of IHDR, then width and height, big-endian (PNG specification, 11.2.1).
  if (bytes.length < 33) throw broken("it ends in its header", file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height, depth, kind] = [view.getUint32(16), view.getUint32(20), view.getUint8(24), view.getUint8(25)];
  requireSize(width, height, file);
  requireData(bytes, height * (2 + Math.ceil((width * depth * (samples.get(kind) ?? 4)) / 8)), file);
  const png = await import("fast-png");
  const decoded = await attempt(async () => {
    const found = png.decode(bytes, { checkCrc: true });
    return found.palette === undefined
      ? found
      : { ...found, data: png.convertIndexedToRgb(found), depth: 8, channels: found.palette[0]?.length ?? 3 };
  }, file);
  return eightBits(decoded);
}

/** Samples of a pixel by colour type: grey, RGB, palette, grey with alpha, RGB with alpha. */
const samples: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/** Inflates the data once under a limit: a small file can promise few pixels and unpack to gigabytes. */
function requireData(bytes: Uint8Array, expected: number, file: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  try {
    // Interlaced pictures have a few rows more.
    inflateAll(concatBytes(parts), 2 * expected + 1024);
  } catch (error) {
    if (error instanceof RangeError)
      throw new CheckpointError("unsafe", "the picture unpacks to far more than the pixels that it promises", { file, cause: error });
    throw broken(error instanceof Error ? error.message : String(error), file, error);
  }
}

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
  readonly depth: number;
  readonly channels: number;
}

/** Whatever the depth: 16 bits lose the lower 8, fewer are spread over 0…255; alpha is dropped. */
function eightBits({ width, height, data, depth, channels }: Decoded): Pixels {
  const kept = channels < 3 ? 1 : 3;
  const out = new Uint8Array(width * height * kept);
  // Below 8 bits a pixel has one sample, and each row begins with a byte of its own.
  const rowBytes = Math.ceil((width * depth) / 8);
  const sample = (y: number, x: number, c: number): number => {
    if (depth >= 8) return (data[(y * width + x) * channels + c] ?? 0) >> (depth - 8);
    const byte = data[y * rowBytes + Math.floor((x * depth) / 8)] ?? 0;
    const most = 2 ** depth - 1;
    return (((byte >> (8 - depth - ((x * depth) % 8))) & most) * 255) / most;
  };
  let at = 0;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) for (let c = 0; c < kept; c++) out[at++] = sample(y, x, c);
  return kept === 3 ? { width, height, channels: 3, bytes: out } : inColour({ width, height, channels: 1, bytes: out });
}

async function jpegPixels(bytes: Uint8Array, file: string): Promise<Pixels> {
  const frame = frameOf(bytes);
  if (frame === undefined) throw broken("it has no frame header", file);
  requireSize(frame.width, frame.height, file);
  if (frame.components !== 1 && frame.components !== 3) {
    throw new CheckpointError("unsupported", `a JPEG of ${frame.components} components (CMYK) is decoded by the package sharp alone`, {
      file,
    });
  }
  const { default: jpeg } = await import("jpeg-js");
  const decoded = await attempt(
    async () =>
      jpeg.decode(bytes, {
        useTArray: true,
        formatAsRGBA: false,
        tolerantDecoding: false,
        maxResolutionInMP: 100,
        maxMemoryUsageInMB: 2048,
      }),
    file,
  );
  return { width: decoded.width, height: decoded.height, channels: 3, bytes: decoded.data };
}

/** Height, width and components as the frame header says (ISO 10918-1, B.2.2): SOF0 to SOF15 but DHT, JPG and DAC. */
function frameOf(bytes: Uint8Array): { readonly width: number; readonly height: number; readonly components: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 10 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) at += 1;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), components: bytes[at + 9] ?? 0 };
    } else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function requireSize(width: number, height: number, file: string): void {
  if (width === 0 || height === 0) throw broken(`its size is ${width} × ${height}`, file);
  if (width * height <= MOST_PIXELS) return;
  throw new CheckpointError("unsupported", `a picture of ${width} × ${height} pixels; at most ${MOST_PIXELS} are decoded`, { file });
}

async function attempt<T>(work: () => Promise<T>, file: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw broken(error instanceof Error ? error.message : String(error), file, error);
  }
}

function broken(why: string, file: string, cause?: unknown): CheckpointError {
  return new CheckpointError("malformed", `the picture cannot be decoded: ${why}`, { file, cause });
}

function inColour({ width, height, bytes }: Pixels): Pixels {
  const out = new Uint8Array(3 * bytes.length);
  for (let k = 0; k < bytes.length; k++) out.fill(bytes[k] ?? 0, 3 * k, 3 * k + 3);
  return { width, height, channels: 3, bytes: out };
}

/** Luminance of linear light with Rec. 709's weights, in sRGB's curve again, as libvips computes it. */
function inGrey(pixels: Pixels, grey: boolean): Pixels {
  if (!grey) return pixels;
  const { width, height, bytes } = pixels;
  const out = new Uint8Array(width * height);
  for (let k = 0; k < out.length; k++) {
    const [r = 0, g = 0, b = 0] = bytes.subarray(3 * k, 3 * k + 3);
    out[k] = r === g && g === b ? r : encoded(0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b));
  }
  return { width, height, channels: 1, bytes: out };
}

/** sRGB (IEC 61966-2-1). */
function linear(byte: number): number {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function encoded(light: number): number {
  const value = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(Math.max(value, 0), 1));
}
