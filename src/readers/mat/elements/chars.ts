import { CheckpointError } from "../../../errors.ts";
import { latin1 } from "../../../io/bytes.ts";

/** How the units of a char array are kept. */
export type CharCoding = "bytes" | "utf8" | "utf16" | "utf32";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The rows of a char array. `dims` count UTF-16 units (MATLAB's characters), in column-major order; bytes are little-endian.
 * No bytes at all mean blanks. Throws `malformed` where bytes and dimensions do not fit.
 */
export function decodeChars(coding: CharCoding, bytes: Uint8Array, dims: readonly number[]): readonly string[] {
  const rows = dims[0] ?? 0;
  const columns = dims.slice(1).reduce((product, n) => product * n, 1);
  if (rows === 0) return [];
  if (columns === 0) return Array.from({ length: rows }, () => "");
  if (bytes.length === 0) return Array.from({ length: rows }, () => " ".repeat(columns));
  // Octave 7.3 tags rows of bytes as UTF-8 though they lie column by column; where text is one byte each the two are the same.
  if (coding === "utf8" && bytes.length === rows * columns) return byteRows(bytes, rows, columns);
  const units = unitsOf(coding, bytes);
  const count = rows * columns;
  if (units.length !== count && rows > 1) {
    throw new CheckpointError("malformed", `${units.length} characters are kept for a char array of ${dims.join("x")}`);
  }
  if (rows === 1) return [units.join("")];
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => units[r + c * rows] ?? "").join(""));
}

/** Each row as UTF-8, or byte for byte where it is not. */
function byteRows(bytes: Uint8Array, rows: number, columns: number): readonly string[] {
  // A thousand class names of one row each are common, and there is nothing to gather in them.
  if (rows === 1) return [text(bytes)];
  return Array.from({ length: rows }, (_, r) => text(Uint8Array.from({ length: columns }, (_, c) => bytes[r + c * rows] ?? 0)));
}

function text(row: Uint8Array): string {
  try {
    return strict.decode(row);
  } catch (error) {
    if (error instanceof TypeError) return latin1(row);
    throw error;
  }
}

/** Strings of one unit each; two of them may make up one character. */
function unitsOf(coding: CharCoding, bytes: Uint8Array): readonly string[] {
  switch (coding) {
    case "bytes":
      return Array.from(bytes, (code) => String.fromCharCode(code));
    case "utf8":
      return lenient.decode(bytes).split("");
    case "utf16": {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from({ length: Math.floor(bytes.length / 2) }, (_, k) => String.fromCharCode(view.getUint16(2 * k, true)));
    }
    case "utf32": {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from({ length: Math.floor(bytes.length / 4) }, (_, k) => {
        const code = view.getUint32(4 * k, true);
        return code > 0x10ffff ? "\uFFFD" : String.fromCodePoint(code);
      });
    }
  }
}
