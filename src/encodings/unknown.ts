import { looksLikeText } from "./signature.ts";

interface Look {
  readonly matches: (head: Uint8Array, text: string) => boolean;
  readonly found: string;
  readonly hint?: string;
}

const starts =
  (...bytes: readonly number[]) =>
  (head: Uint8Array): boolean =>
    bytes.every((byte, k) => head[k] === byte);
const says =
  (pattern: RegExp) =>
  (_: Uint8Array, text: string): boolean =>
    pattern.test(text);

/** What people download in place of a checkpoint. Order matters: the narrow before the wide. */
const looks: readonly Look[] = [
  {
    matches: says(/^version https:\/\/git-lfs\.github\.com\/spec/),
    found: "a Git LFS pointer, not the file it points to",
    hint: "run 'git lfs pull' in the repository, or download the file itself",
  },
  {
    matches: says(/^\s*(<!doctype html|<html|<head|<body)/i),
    found: "an HTML page",
    hint: "the download got a web page (a login, an error, a confirmation); open the address in a browser and save the file itself",
  },
  { matches: says(/^\s*<\?xml/i), found: "an XML document", hint: "the download may have got an error message in place of the file" },
  { matches: starts(0x89, 0x50, 0x4e, 0x47), found: "a PNG picture" },
  { matches: starts(0xff, 0xd8, 0xff), found: "a JPEG picture" },
  { matches: starts(0x47, 0x49, 0x46, 0x38), found: "a GIF picture" },
  { matches: says(/^RIFF[\s\S]{4}WEBP/), found: "a WebP picture" },
  { matches: says(/^%PDF-/), found: "a PDF document" },
  { matches: starts(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), found: "a 7z archive", hint: "unpack it and name the file inside" },
  { matches: says(/^Rar!/), found: "a RAR archive", hint: "unpack it and name the file inside" },
  { matches: starts(0x42, 0x5a, 0x68), found: "bzip2-compressed data", hint: "unpack it with 'bunzip2' and name the result" },
  { matches: starts(0xfd, 0x37, 0x7a, 0x58, 0x5a), found: "xz-compressed data", hint: "unpack it with 'unxz' and name the result" },
  { matches: starts(0x28, 0xb5, 0x2f, 0xfd), found: "zstd-compressed data", hint: "unpack it with 'unzstd' and name the result" },
  { matches: starts(0x7f, 0x45, 0x4c, 0x46), found: "a program or library (ELF)" },
  { matches: starts(0x4d, 0x5a), found: "a Windows program" },
  {
    matches: says(/^(GGUF|GGML|ggml)/),
    found: "a GGUF or GGML model",
    hint: "these hold language models; vggtool reads networks of the VGG family",
  },
  { matches: says(/^PAR1/), found: "a Parquet table" },
  { matches: says(/^SQLite format 3/), found: "an SQLite database" },
  { matches: says(/^Salted__/), found: "data encrypted by OpenSSL", hint: "decrypt it first" },
  { matches: says(/^(age-encryption\.org\/|-----BEGIN AGE ENCRYPTED)/), found: "data encrypted by age", hint: "decrypt it first" },
  { matches: says(/^-----BEGIN PGP/), found: "a PGP message", hint: "decrypt it first" },
  { matches: says(/^#!/), found: "a script" },
  {
    matches: says(/^(import |from \S+ import |def |class )/m),
    found: "source code in Python",
    hint: "a checkpoint is needed; for the code: 'vggtool inspect CHECKPOINT --source FILE.py'",
  },
  {
    matches: (head) => head.length > 0 && head.every((byte) => byte === 0),
    found: "nothing but zero bytes",
    hint: "the download may have been preallocated and never filled",
  },
  { matches: (head) => looksLikeText(head), found: "text" },
];

/** What a file that is no known checkpoint looks like, and what to do. */
export function describeUnknown(head: Uint8Array): { readonly found: string; readonly hint?: string } {
  const text = new TextDecoder("latin1").decode(head.subarray(0, 512)).replace(/^\u00ef\u00bb\u00bf/, "");
  const look = looks.find((candidate) => candidate.matches(head, text));
  if (look !== undefined) return look.hint === undefined ? { found: look.found } : { found: look.found, hint: look.hint };
  const hex = Array.from(head.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return { found: `unknown data (it begins with ${hex})` };
}
