import { CheckpointError } from "../../errors.ts";
import { latin1 } from "../../io/bytes.ts";

/** Byte order marks, the longer ones first: that of UTF-16 begins that of UTF-32. */
const marks: readonly (readonly [bytes: readonly number[], encoding: string])[] = [
  [[0xff, 0xfe, 0, 0], "utf-32le"],
  [[0, 0, 0xfe, 0xff], "utf-32be"],
  [[0xef, 0xbb, 0xbf], "utf-8"],
  [[0xff, 0xfe], "utf-16le"],
  [[0xfe, 0xff], "utf-16be"],
];

/** Names that Python has for encodings, where TextDecoder has another (docs.python.org, codecs: standard encodings). */
const names: ReadonlyMap<string, string> = new Map([
  ["utf8", "utf-8"],
  ["u8", "utf-8"],
  ["utf-8-sig", "utf-8"],
  ["cp65001", "utf-8"],
  ["ascii", "utf-8"],
  ["us-ascii", "utf-8"],
  ["cp936", "gbk"],
  ["ms936", "gbk"],
  ["936", "gbk"],
  ["euc-cn", "gbk"],
  ["hz", "gbk"],
  ["cp950", "big5"],
  ["cp932", "shift_jis"],
  ["sjis", "shift_jis"],
  ["eucjp", "euc-jp"],
  ["cp949", "euc-kr"],
  ["uhc", "euc-kr"],
  ["euckr", "euc-kr"],
  ["latin", "latin1"],
  ["latin-1", "latin1"],
  ["l1", "latin1"],
  ["8859", "latin1"],
  ["cp819", "latin1"],
  ["iso8859-1", "latin1"],
  ["iso-8859-1", "latin1"],
  ["koi8-r", "koi8-r"],
  ["mac-roman", "macintosh"],
]);

/** PEP 263: a comment of the first or second line names the encoding. */
const cookie = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;

/**
 * The text of a Python file: by its byte order mark, as UTF-8, or in the encoding that one of its first two lines names. Throws
 * `unsupported` with what to type where it is neither.
 */
export function decodePython(bytes: Uint8Array, file: string): string {
  const mark = marks.find(([signature]) => signature.every((byte, k) => bytes[k] === byte));
  if (mark !== undefined) return decode(bytes.subarray(mark[0].length), mark[1], file);
  const guessed = wideWithoutMark(bytes);
  if (guessed !== undefined) return decode(bytes, guessed, file);
  const named = namedEncoding(bytes);
  if (named === undefined || canonical(named) === "utf-8") return decode(bytes, "utf-8", file, named);
  return decode(bytes, canonical(named), file, named);
}

/** The encoding that the file names for itself; undefined where it names none. */
function namedEncoding(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, 1024)).split(/\r\n|\n|\r/);
  for (const line of head.slice(0, 2)) {
    const found = cookie.exec(line)?.[1];
    if (found !== undefined) return found;
    if (!/^[ \t\f]*(?:#|$)/.test(line)) return undefined;
  }
  return undefined;
}

function canonical(name: string): string {
  const plain = name.toLowerCase().replaceAll("_", "-");
  const iso = /^iso-?8859-?(\d+)$/.exec(plain)?.[1];
  const windows = /^(?:cp|windows-?)(125\d|874|866)$/.exec(plain)?.[1];
  return (
    names.get(plain) ??
    (iso !== undefined ? `iso-8859-${iso}` : windows !== undefined ? (windows === "866" ? "ibm866" : `windows-${windows}`) : plain)
  );
}

/** UTF-16 without a mark: every second byte of its first signs is 0, which no text in other encodings has. */
function wideWithoutMark(bytes: Uint8Array): string | undefined {
  const head = bytes.subarray(0, 64);
  if (head.length < 8) return undefined;
  const zeros = (odd: number): number => head.filter((byte, k) => k % 2 === odd && byte === 0).length;
  const [even, odd] = [zeros(0), zeros(1)];
  if (odd >= head.length / 4 && even === 0) return "utf-16le";
  return even >= head.length / 4 && odd === 0 ? "utf-16be" : undefined;
}

function decode(bytes: Uint8Array, encoding: string, file: string, named?: string): string {
  if (encoding === "latin1") return latin1(bytes);
  if (encoding.startsWith("utf-32")) return utf32(bytes, encoding === "utf-32le");
  const decoder = decoderOf(encoding);
  if (decoder === undefined) {
    throw new CheckpointError("unsupported", `the first lines name the encoding ${named ?? encoding}, which is not known here`, {
      file,
      hint: `iconv -f ${named ?? encoding} -t UTF-8 ${file} > utf8-${baseName(file)} makes a copy that can be read`,
    });
  }
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw notDecodable(bytes, encoding, file, named);
  }
}

function decoderOf(encoding: string) {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

function notDecodable(bytes: Uint8Array, encoding: string, file: string, named: string | undefined): CheckpointError {
  const line = firstWrongLine(bytes, encoding);
  const says = named === undefined ? "no line says which other encoding it is in" : `the file says that it is in ${named}`;
  return new CheckpointError("unsupported", `line ${line} is no text in ${encoding.toUpperCase()}, and ${says}`, {
    file,
    hint: `write its encoding into its first line, as in # -*- coding: gbk -*-, or make a copy in UTF-8: iconv -f GBK -t UTF-8 ${file} > utf8-${baseName(file)}`,
  });
}

/** Which line cannot be decoded; lines end with a byte that all these encodings share. */
function firstWrongLine(bytes: Uint8Array, encoding: string): number {
  const decoder = new TextDecoder(encoding, { fatal: true });
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const ending = bytes.indexOf(0x0a, start);
    const end = ending < 0 ? bytes.length : ending + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return line;
    }
    start = end;
  }
  return line;
}

function utf32(bytes: Uint8Array, little: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const points: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = view.getUint32(at, little);
    points.push(point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point));
  }
  return points.join("");
}

function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
}
