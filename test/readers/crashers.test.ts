import { basename, dirname } from "node:path";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { filesOf } from "../fuzz/subjects.ts";
import { trial } from "../fuzz/trial.ts";

interface Crasher {
  readonly format: string;
  /** Below fixtures/. */
  readonly file: string;
  readonly at: number;
  readonly value: number;
  /** What it has to end in. */
  readonly code: ErrorCode;
  /** What it did before. */
  readonly was: string;
}

const silent = "other values, and no checksum noticed";

/** One changed byte each; docs/fuzzing.md says how they are found. */
const crashers: readonly Crasher[] = [
  { format: "safetensors", file: "fuzz/wrapped/stored.zip", at: 159, value: 0xb8, code: "malformed", was: silent },
  { format: "safetensors", file: "fuzz/wrapped/deflated.zip", at: 149, value: 0xdb, code: "malformed", was: silent },
  { format: "torch", file: "fuzz/torch/exported.pt2", at: 70, value: 0x83, code: "malformed", was: silent },
  { format: "torch", file: "fuzz/torch/module.pt", at: 1682, value: 0x8b, code: "malformed", was: silent },
  { format: "torch", file: "fuzz/torch/script.pt", at: 67, value: 0xbe, code: "malformed", was: silent },
  { format: "torch", file: "fuzz/torch/zip.pt", at: 923, value: 0x41, code: "malformed", was: silent },
  { format: "keras-v3", file: "keras-v3/keras/deflated.keras", at: 1161, value: 0xc3, code: "malformed", was: silent },
  { format: "keras-v3", file: "keras-v3/npz/model.keras", at: 1499, value: 0xc1, code: "malformed", was: silent },
  { format: "npz", file: "npz/deflated/deflated.npz", at: 132, value: 0x00, code: "malformed", was: silent },
  { format: "npz", file: "npz/stored/stored.npz", at: 647, value: 0x7f, code: "malformed", was: silent },
  { format: "torch", file: "torch/dtypes/tensors.pt", at: 2882, value: 0x80, code: "malformed", was: silent },
  { format: "torch", file: "torch/numpy/numpy.pt", at: 1862, value: 0x00, code: "malformed", was: silent },
];

test.each(crashers)("$file, byte $at = $value: $was", async ({ format, file, at, value, code }) => {
  const subject = { format, folder: dirname(file), entry: basename(file) };
  const files = new Map(filesOf(subject));
  const bytes = files.get(subject.entry)?.slice();
  expect(bytes?.[at]).not.toBe(value);
  bytes?.fill(value, at, at + 1);
  files.set(subject.entry, bytes ?? new Uint8Array(0));
  expect(await trial(subject, files, true)).toEqual({ code });
});
