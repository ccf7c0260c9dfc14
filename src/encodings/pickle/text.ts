import { latin1 } from "../../io/bytes.ts";

/** Texts of a pickle. None of these throws: `undefined` is for bytes that the encoding does not allow. */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 as Python's "surrogatepass" reads it: a lone surrogate in three bytes is legal, and stays one code unit. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  let ascii = true;
  for (let k = 0; k < bytes.length && ascii; k += 1) ascii = (bytes[k] ?? 0) < 0x80;
  if (ascii) return fromLatin1(bytes);
  try {
    return strict.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return withSurrogates(bytes);
    throw error;
  }
}

function withSurrogates(bytes: Uint8Array): string | undefined {
  let text = "";
  let from = 0;
  for (let k = 0; k + 2 < bytes.length; k += 1) {
    const second = bytes[k + 1] ?? 0;
    const third = bytes[k + 2] ?? 0;
    // ED A0 80 … ED BF BF: U+D800 … U+DFFF
    if (bytes[k] !== 0xed || second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
    const before = whole(bytes.subarray(from, k));
    if (before === undefined) return undefined;
    text += before + String.fromCharCode(0xd000 + (second & 0x3f) * 64 + (third & 0x3f));
    from = k + 3;
    k += 2;
  }
  const rest = whole(bytes.subarray(from));
  return from === 0 || rest === undefined ? undefined : text + rest;
}

function whole(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Up to this length the call costs more than the bytes. */
const short = 24;

/** One byte, one code point. */
export function fromLatin1(bytes: Uint8Array): string {
  if (bytes.length <= short) return String.fromCharCode(...bytes);
  return latin1(bytes);
}

/** The bytes of a text of U+0000 … U+00FF; undefined where another character is in it. */
export function toLatin1(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k += 1) {
    const code = text.charCodeAt(k);
    if (code > 0xff) return undefined;
    bytes[k] = code;
  }
  return bytes;
}

/** Python's raw-unicode-escape (opcode UNICODE): `\uXXXX` and `\UXXXXXXXX`, all else latin-1. */
export function fromRawUnicodeEscape(bytes: Uint8Array): string | undefined {
  const text = fromLatin1(bytes);
  let bad = false;
  // A backslash counts as the start of an escape only after an even number of backslashes.
  const decoded = text.replace(/(\\+)(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|u|U)?/g, (all: string, slashes: string, point?: string) => {
    if (point === undefined || slashes.length % 2 === 0) return all;
    const code = point.length === 1 ? Number.NaN : Number.parseInt(point.slice(1), 16);
    if (!(code <= 0x10ffff)) {
      bad = true;
      return all;
    }
    return slashes.slice(1) + String.fromCodePoint(code);
  });
  return bad ? undefined : decoded;
}

const simpleEscapes = new Map([
  ["\n", ""],
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

/** The inside of a Python 2 string literal (opcode STRING): the usual escapes, `\xNN`, octal. */
export function fromQuoted(bytes: Uint8Array): string | undefined {
  let bad = false;
  const decoded = fromLatin1(bytes).replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S]|$)/g, (all: string, sign: string) => {
    if (sign.length === 3 && sign.startsWith("x")) return String.fromCharCode(Number.parseInt(sign.slice(1), 16));
    if (/^[0-7]/.test(sign)) return String.fromCharCode(Number.parseInt(sign, 8) % 256);
    if (sign === "" || sign === "x") bad = true;
    return simpleEscapes.get(sign) ?? all;
  });
  return bad ? undefined : decoded;
}
