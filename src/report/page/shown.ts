import { base64, swapBytes } from "../../io/bytes.ts";
import { visibleWithin } from "../style.ts";
import type { HistogramData, Shown } from "./data.ts";

/** Letters of a name and of a sentence that a page shows. */
const LONGEST_NAME = 200;
const LONGEST_SENTENCE = 2000;

export const shownName = (name: string): string => (name === "" ? "''" : visibleWithin(name, LONGEST_NAME));
export const shownSentence = (text: string): string => visibleWithin(text, LONGEST_SENTENCE);

/** Six digits say all that a chart shows; a statistic that does not exist is empty. */
export function shownNumber(value: number | bigint | null | undefined): Shown {
  if (value === null || value === undefined) return "";
  if (typeof value === "bigint") return value.toString();
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : String(value);
}

export function shownHistogram(of: { readonly from: number; readonly to: number; readonly counts: readonly number[] }): HistogramData {
  return { from: shownNumber(of.from), to: shownNumber(of.to), counts: of.counts };
}

/** At most `most` of a list, and whether some were left out. */
export function atMost<T>(list: readonly T[], most: number): readonly [kept: readonly T[], left: number] {
  return [list.slice(0, most), Math.max(0, list.length - most)];
}

/** Little-endian bytes, whatever the machine's order. */
export function littleEndianBase64(values: Uint8Array | Uint16Array | Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
  const isBigEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;
  if (isBigEndian && values.BYTES_PER_ELEMENT > 1) swapBytes(bytes, values.BYTES_PER_ELEMENT === 2 ? 2 : 4);
  return base64(bytes);
}
