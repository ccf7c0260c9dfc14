import { isCheckpointError } from "../../errors.ts";
import { latin1 } from "../../io/bytes.ts";
import type { Cursor } from "../../io/source/cursor.ts";
import { lineCost, maxSteps } from "./budget.ts";
import { readLine, shortLine } from "./line.ts";

/** Memo entries that some instruction comes back to, by index: a bit each. */
export class UsedEntries {
  #bits = new Uint8Array(1 << 12);

  add(index: number): void {
    if (index >= maxIndex) return;
    const byte = Math.floor(index / 8);
    if (byte >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(byte + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[byte] = (this.#bits[byte] ?? 0) | (1 << (index % 8));
  }

  has(index: number): boolean {
    return index >= maxIndex || ((this.#bits[Math.floor(index / 8)] ?? 0) & (1 << (index % 8))) !== 0;
  }
}

/** Entries beyond are always kept; 4 MiB of bits. */
const maxIndex = 1 << 25;

/** Bytes of operands of fixed size; instructions that are not here have none. */
const fixed = new Map([
  [0x80, 1],
  [0x95, 8],
  [0x4b, 1],
  [0x4d, 2],
  [0x4a, 4],
  [0x47, 8],
  [0x71, 1],
  [0x72, 4],
  [0x82, 1],
  [0x83, 2],
  [0x84, 4],
]);
/** Width of the length before a text, a byte string or an integer. */
const counted = new Map([
  [0x8a, 1],
  [0x8b, 4],
  [0x58, 4],
  [0x8c, 1],
  [0x8d, 8],
  [0x55, 1],
  [0x54, 4],
  [0x43, 1],
  [0x42, 4],
  [0x8e, 8],
  [0x96, 8],
]);
/** Lines of text behind an instruction. */
const lined = new Map([
  [0x49, 1],
  [0x4c, 1],
  [0x46, 1],
  [0x56, 1],
  [0x53, 1],
  [0x70, 1],
  [0x50, 1],
  [0x63, 2],
  [0x69, 2],
]);
const widths = Uint8Array.from({ length: 256 }, (_, code) => fixed.get(code) ?? 0);
const counts = Uint8Array.from({ length: 256 }, (_, code) => counted.get(code) ?? 0);
const lines = Uint8Array.from({ length: 256 }, (_, code) => lined.get(code) ?? 0);

/**
 * Walks over one pickle without making a value, to see what the memo is used for: picklers remember every tuple and every text, and come back
 * to one in a thousand. Undefined where the pickle is damaged or endless: reading it will say how.
 */
export async function usedEntries(cursor: Cursor): Promise<UsedEntries | undefined> {
  const used = new UsedEntries();
  let steps = 0;
  try {
    while (steps < maxSteps) {
      steps += 1;
      if (!cursor.has(9)) await cursor.fill(Math.min(9, cursor.remaining));
      const code = cursor.u8();
      if (code === 0x2e) return used;
      if (code === 0x68) used.add(cursor.u8());
      else if (code === 0x6a) used.add(cursor.u32());
      else if (code === 0x67) used.add(Number(text(await readLine(cursor, (length) => length < 20))));
      else if ((widths[code] ?? 0) > 0) cursor.skip(widths[code] ?? 0);
      else if ((counts[code] ?? 0) > 0) cursor.skip(length(cursor, counts[code] ?? 0));
      else {
        for (let line = 0; line < (lines[code] ?? 0); line += 1) {
          steps += lineCost;
          if (shortLine(cursor) === undefined) await readLine(cursor, () => false);
        }
      }
    }
    return undefined;
  } catch (error) {
    if (isCheckpointError(error) || error instanceof RangeError) return undefined;
    throw error;
  }
}

function length(cursor: Cursor, width: number): number {
  return width === 1 ? cursor.u8() : width === 4 ? cursor.u32() : cursor.u64();
}

function text(line: { readonly bytes: Uint8Array | undefined }): string {
  return line.bytes === undefined ? "" : latin1(line.bytes);
}
