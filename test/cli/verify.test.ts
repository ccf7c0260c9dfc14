import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { convert, type VerifyRecord } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { fixtures } from "../support/paths.ts";

const demo = join(fixtures, "demo");
const mat = join(demo, "vgg_face.mat");
const paddle = join(demo, "vgg16.pdparams");
const input = join(demo, "input.npy");
const logits = join(demo, "logits.npy");
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const at = (name: string): string => join(folder, name);

vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(async () => {
  writeFileSync(at("page.png"), "<!DOCTYPE html><html><body>Sign in</body></html>");
  writeFileSync(at("flat.npy"), npy([1, 2, 64, 96]));
  writeFileSync(at("endless.npy"), npy([1, 3, 64, 96], Number.POSITIVE_INFINITY));
  writeFileSync(at("few.npy"), npy([1, 3]));
  await convert(mat, { out: at("nan.safetensors") });
  overwriteFirstValue(at("nan.safetensors"), Number.NaN);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** An .npy of float32 with the same value throughout. */
function npy(shape: readonly number[], value = 0.5): Buffer {
  const header = `${`{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(117)}\n`;
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY\x01\x00${String.fromCharCode(header.length)}\x00${header}`, "latin1"),
    Buffer.from(values.buffer),
  ]);
}

/** In a safetensors file: the first value behind the header, whose length the first eight bytes tell. */
function overwriteFirstValue(path: string, value: number): void {
  const file = openSync(path, "r+");
  const length = Buffer.alloc(8);
  readSync(file, length, 0, 8, 0);
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  writeSync(file, bytes, 0, 4, 8 + Number(length.readBigUInt64LE()));
  closeSync(file);
}

describe("the exit code is the answer", () => {
  const answers: readonly (readonly [what: string, code: number, args: readonly string[], record: object])[] = [
    ["two files of one network", 0, [mat, paddle], { pass: true, firstDivergence: null }],
    ["two seeds", 0, [mat, paddle, "--seed", "1", "--seed", "2"], { pass: true, input: { shape: [2, 3, 64, 96] } }],
    ["expected logits", 0, [mat, "--input", input, "--expect", logits], { pass: true }],
    [
      "an impossible tolerance",
      1,
      [mat, "--input", input, "--expect", logits, "--rtol", "1e-30"],
      { pass: false, firstDivergence: "fc8", tolerance: { rtol: 1e-30, reason: "as asked for" } },
    ],
  ];
  test.each(answers)("%s: %i", async (_, code, args, record) => {
    // One as a process of its own, which has to end with the engine still loaded.
    const ran = await (code === 1 ? vggtool : command)(["verify", ...args, "--json"]);
    expect(ran).toMatchObject({ code, stderr: "" });
    const given: VerifyRecord = JSON.parse(ran.stdout);
    expect(given).toMatchObject({ schema: "vggtool/verify/1", ...record });
  });
});

describe("what cannot be run says why: exit code 2", () => {
  const rows: readonly (readonly [what: string, args: readonly string[], words: RegExp])[] = [
    [
      "a picture that is none",
      [mat, "--input", at("page.png")],
      /page\.png: neither numbers \(\.npy, \.npz\) nor a picture \(JPEG, PNG, WebP\): this is an HTML page;/,
    ],
    ["a batch of two channels", [mat, "--input", at("flat.npy")], /flat\.npy: .*\[1, 2, 64, 96\].* 3 channels/],
    ["a batch of two axes", [mat, "--input", at("few.npy")], /few\.npy: /],
    ["values that are none in the batch", [mat, "--input", at("endless.npy")], /endless\.npy: .*(infinit|finite|numbers)/],
    [
      "expected values of another shape",
      [mat, "--input", input, "--expect", at("few.npy")],
      /few\.npy: shape \[1, 3\] does not fit: fc8 gives /,
    ],
    ["NaN in the weights", [at("nan.safetensors")], /nan\.safetensors: .*NaN.*conv1_1|conv1_1.*NaN/],
    [
      "too little memory",
      [mat, "--input-size", "20000x20000x3"],
      /the embedded engine would need \d+\.\d GB for 1 × 20000×20000, and has 3\.9 GB/,
    ],
    ["a picture too small for the pools", [mat, "--input-size", "8x8x3"], /8×8|8 × 8|small/],
  ];
  test.each(rows)("%s", async (_, args, words) => {
    const ran = await command(["verify", ...args]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(words);
    expect(ran.stderr).not.toMatch(/ {4}at /);
  });

  test("an engine that is not installed", async () => {
    const ran = await vggtool(["verify", mat, "--engine", "onnxruntime"], { env: { VGGTOOL_ENGINES: folder } });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toContain("npm install onnxruntime-node");
  });
});
