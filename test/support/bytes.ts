import { expect } from "vitest";

/**
 * Expects the same numbers. By their bytes first: `toEqual` takes an array of numbers for an object with as many keys, which costs a thousand
 * times as much, and is asked only for the words where they differ.
 */
export function expectSame(found: Uint8Array | Float64Array | undefined, wanted: Uint8Array | Float64Array): void {
  const same = found !== undefined && found.constructor === wanted.constructor && Buffer.compare(bytesOf(found), bytesOf(wanted)) === 0;
  if (!same) expect(found).toEqual(wanted);
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Numbers that repeat after `period`, without a call for each. */
export function counted(length: number, period: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let k = 0; k < length; k += 1) bytes[k] = k % period;
  return bytes;
}
