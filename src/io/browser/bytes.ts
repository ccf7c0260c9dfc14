/* What is done with bytes as a whole, as `../bytes.ts` does it for Node. */

/** Arguments of one call that every engine takes. */
const SPREAD = 8192;

/** A character a byte. Not by TextDecoder, whose latin1 is windows-1252 (WHATWG Encoding, 4.2). */
export function latin1(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = "";
  for (let at = from; at < to; at += SPREAD) text += String.fromCharCode(...bytes.subarray(at, Math.min(at + SPREAD, to)));
  return text;
}

export function bytesOfLatin1(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length }, (_, k) => text.charCodeAt(k));
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

export function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes));
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let k = sameFront(a, b, shared); k < shared; k += 1) {
    const difference = (a[k] ?? 0) - (b[k] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Bytes at the front that are the same, in whole words of eight; tiles of megabytes are compared so. */
function sameFront(a: Uint8Array, b: Uint8Array, shared: number): number {
  if (a.byteOffset % 8 !== 0 || b.byteOffset % 8 !== 0) return 0;
  const words = Math.floor(shared / 8);
  const [left, right] = [new BigUint64Array(a.buffer, a.byteOffset, words), new BigUint64Array(b.buffer, b.byteOffset, words)];
  let word = 0;
  while (word < words && left[word] === right[word]) word += 1;
  return word * 8;
}

export function swapBytes(bytes: Uint8Array, unit: 2 | 4 | 8): void {
  for (let at = 0; at + unit <= bytes.length; at += unit) bytes.subarray(at, at + unit).reverse();
}
