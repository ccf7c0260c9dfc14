/* What is done with bytes as a whole, by Node's Buffer, which has machine code for it; `browser/bytes.ts` does the same without. */

/** A character a byte, from `from` up to `to`. */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return buffer(bytes).toString("latin1", from, to);
}

export function bytesOfLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** What is no UTF-8 becomes U+FFFD; a byte order mark stays. */
export function utf8(bytes: Uint8Array): string {
  return buffer(bytes).toString("utf8");
}

export function utf8Bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

export function hex(bytes: Uint8Array): string {
  return buffer(bytes).toString("hex");
}

export function base64(bytes: Uint8Array): string {
  return buffer(bytes).toString("base64");
}

/** A copy of all, one behind the other. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** Negative, 0 or positive: the order of the first bytes that differ, then of the lengths. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Reverses each unit of 2, 4 or 8 bytes in place. */
export function swapBytes(bytes: Uint8Array, unit: 2 | 4 | 8): void {
  if (unit === 2) buffer(bytes).swap16();
  else if (unit === 4) buffer(bytes).swap32();
  else buffer(bytes).swap64();
}

/** The same memory. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
