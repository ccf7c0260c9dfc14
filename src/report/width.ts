import stringWidth from "string-width";

/**
 * One column each in a terminal: Latin, Greek and Cyrillic letters and the signs that this tool writes itself; no escapes. Nearly every
 * text: the library, which takes 30 ms to load, is asked for the others only (scripts/bundle.mjs).
 */
const narrow =
  "\\u0020-\\u007e\\u00a1-\\u00ac\\u00ae-\\u024f\\u0391-\\u03a9\\u03b1-\\u03c9\\u0410-\\u044f\\u2013\\u2014\\u2026\\u2192\\u2212\\u2248\\u2264\\u2265\\u2581-\\u2588";

/** Two columns each, and none that joins its neighbour: Hiragana, Katakana, ideographs, Hangul syllables (Unicode's EastAsianWidth.txt: W). */
const wide = "\\u3041-\\u3096\\u30a1-\\u30fa\\u4e00-\\u9fff\\uac00-\\ud7a3";

const allNarrow = new RegExp(`^[${narrow}]*$`);
const plain = new RegExp(`^[${narrow}${wide}]*$`);
const eachWide = new RegExp(`[${wide}]`, "g");

/** Columns of the terminal that the longest line of a text takes. */
export function displayWidth(text: string): number {
  if (allNarrow.test(text)) return text.length;
  return Math.max(...text.split("\n").map(lineWidth));
}

function lineWidth(line: string): number {
  return plain.test(line) ? line.length + (line.match(eachWide)?.length ?? 0) : stringWidth(line);
}
