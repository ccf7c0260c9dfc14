import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** Part of a file: bytes, or a number of bytes that nobody reads and nobody writes. */
export type Part = Uint8Array | number;

export function partsLength(parts: readonly Part[]): number {
  return parts.reduce<number>((total, part) => total + (typeof part === "number" ? part : part.length), 0);
}

/** Writes the bytes and leaves the rest as holes: a file of full size that takes a few kB of disk. */
export function writeSparse(path: string, parts: readonly Part[]): void {
  const file = openSync(path, "w");
  try {
    let at = 0;
    for (const part of parts) {
      if (typeof part !== "number") writeSync(file, part, 0, part.length, at);
      at += typeof part === "number" ? part : part.length;
    }
    ftruncateSync(file, at);
  } finally {
    closeSync(file);
  }
}

/** Little-endian. */
export function uint32(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, k) => {
    view.setUint32(4 * k, value, true);
  });
  return new Uint8Array(view.buffer);
}

/** Little-endian. */
export function uint16(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  values.forEach((value, k) => {
    view.setUint16(2 * k, value, true);
  });
  return new Uint8Array(view.buffer);
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** An .npy file of float32, row-major. */
export function npy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const padded = `${header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11)}\n`;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Uint8Array.from([0x93, ...text("NUMPY"), 1, 0, ...uint16(padded.length), ...text(padded), ...bytes]);
}
