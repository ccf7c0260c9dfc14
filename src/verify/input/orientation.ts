import type { Pixels } from "./pixels.ts";

/** EXIF's tag of how a camera was held (Exif 2.3, 4.6.4): 1 as it is seen … 8. */
const ORIENTATION = 0x0112;

/** What a JPEG's EXIF says of its orientation; 1 where it says nothing. */
export function orientationOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const [marker = 0, length] = [bytes[at + 1], view.getUint16(at + 2)];
    if (marker === 0xda) return 1;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && String.fromCharCode(...segment.subarray(0, 6)) === "Exif\0\0") return tagged(segment.subarray(6));
    at += 2 + length;
  }
  return 1;
}

/** The first directory of a TIFF: 12 bytes an entry, tag and type and count and value. */
function tagged(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = tiff[0] === 0x49;
  const start = view.getUint32(4, little);
  if (start + 2 > tiff.length) return 1;
  const count = view.getUint16(start, little);
  for (let k = 0; k < count; k++) {
    const at = start + 2 + 12 * k;
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** The picture as it is to be seen: 2 and 4 are mirrored, 3 is on its head, 5 to 8 are on their side. */
export function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation === 1) return pixels;
  const { width, height, channels, bytes } = pixels;
  const onSide = orientation >= 5;
  const [w, h] = onSide ? [height, width] : [width, height];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(bytes.length);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const [column, row] = onSide ? [y, x] : [x, y];
      const from = ((fromBottom ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column)) * channels;
      for (let c = 0; c < channels; c++) out[(y * w + x) * channels + c] = bytes[from + c] ?? 0;
    }
  }
  return { width: w, height: h, channels, bytes: out };
}
