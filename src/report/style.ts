import { shortened } from "../text/brief.ts";

/** 138,357,544 */
export { groupedDigits as count } from "../inspect/findings/numbers.ts";

/** How a text is drawn; made by whoever knows the terminal. */
export interface Style {
  /** Columns; infinite where nothing is to be shortened. */
  readonly width: number;
  readonly paint: Paint;
}

export type Paint = Readonly<Record<"strong" | "faint" | "good" | "warn" | "bad", (text: string) => string>>;

/** What paints nothing. */
export const same = (text: string): string => text;
export const plain: Paint = { strong: same, faint: same, good: same, warn: same, bad: same };

/** Nearly every name; the character classes of Unicode take milliseconds to compile. */
const printableAscii = /^[ -~]*$/;

/**
 * A name from a file as it may be shown: control characters, and the ones that turn the direction of text, as escapes, so that a
 * name can neither move the cursor nor pass for another.
 */
export function visible(name: string): string {
  if (printableAscii.test(name)) return name;
  return name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same, of a name of any length: of one that is longer than `longest` characters both ends are shown. */
export function visibleWithin(name: string, longest: number): string {
  return visible(shortened(name, longest));
}

/** 25088 × 4096 */
export function shape(dims: readonly number[]): string {
  return dims.length === 0 ? "scalar" : dims.join(" × ");
}

/** 1.23 s, 45 ms */
export function duration(seconds: number): string {
  return seconds >= 1 ? `${seconds.toFixed(2)} s` : `${Math.round(seconds * 1000)} ms`;
}

/** 1.2e-7 with three significant digits; zero as 0. */
export function tiny(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}
