import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

vi.setConfig({ testTimeout: PROCESS_TIMEOUT });
const demo = join(fixtures, "demo");
const mat = join(demo, "vgg_face.mat");
const folder = mkdtempSync(join(tmpdir(), "vggtool-options-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

describe("an option that would change nothing is an error, and nothing is written", () => {
  test.each([
    ["convert", ["--seed", "3"], "--seed changes nothing without a new layer of random values", "add --num-classes N, or leave --seed out"],
    [
      "convert",
      ["--seed", "3", "--num-classes", "5", "--init", "zeros"],
      "--seed changes nothing without a new layer of random values",
      "add --num-classes N, or leave --seed out",
    ],
    ["convert", ["--init", "zeros"], "--init changes nothing without a new last layer", "add --num-classes N, or leave --init out"],
    [
      "convert",
      ["--to", "keras", "--max-shard-size", "2GB"],
      "--max-shard-size changes nothing without a format that is cut into files (safetensors)",
      "leave --max-shard-size out",
    ],
    [
      "convert",
      ["--to", "torch", "--compress"],
      "--compress changes nothing without a format that can be deflated (npz, matconvnet)",
      "leave --compress out",
    ],
    ["convert", ["--bn-epsilon", "0.001"], "--bn-epsilon changes nothing without batch norm in the network", "leave --bn-epsilon out"],
    [
      "convert",
      ["--like", mat, "--naming", "tfslim"],
      "--naming changes nothing without a choice of names and axes: --like and a plan in --map bring their own",
      "leave --naming out",
    ],
    [
      "verify",
      ["--preprocess", "caffe"],
      "--preprocess changes nothing without pictures",
      "add --input PICTURE, or leave --preprocess out",
    ],
    [
      "verify",
      ["--input", join(demo, "input.npy"), "--seed", "2"],
      "--seed changes nothing without generated pictures, which are made where there is no --input",
      "leave --seed out",
    ],
    ["verify", ["--rtol", "0.1"], "--rtol changes nothing without something to compare with", "add --expect FILE, or leave --rtol out"],
  ])("%s %j", async (command, options, found, hint) => {
    const out = command === "convert" ? ["-o", at("never/")] : [];
    const { code, stderr } = await vggtool([command, mat, ...options, ...out]);
    expect(stderr).toBe(`vggtool: ${found}\n  ${hint}\n`);
    expect([code, existsSync(at("never"))]).toEqual([2, false]);
  });

  test.each([
    [
      ["diff", mat, mat, "--jobs", "2"],
      "--jobs changes nothing without several checkpoints that are compared with one",
      "add --against BASE, or leave --jobs out",
    ],
    [
      ["report", mat, "--other-from", "mat", "-o", at("never")],
      "--other-from changes nothing without a second checkpoint",
      "add OTHER, or leave --other-from out",
    ],
    [
      ["catalogue", "query", folder, "--from", "mat"],
      "--from changes nothing without a checkpoint whose weights are looked for",
      "add --same-weights-as FILE, or leave --from out",
    ],
    [
      ["catalogue", "query", folder, "--amplified"],
      "--amplified changes nothing without a checkpoint whose weights are looked for",
      "add --same-weights-as FILE, or leave --amplified out",
    ],
  ])("%j", async (args, found, hint) => {
    const { code, stderr } = await vggtool(args);
    expect(stderr).toBe(`vggtool: ${found}\n  ${hint}\n`);
    expect([code, existsSync(at("never"))]).toEqual([2, false]);
  });

  test("and counts where it does", async () => {
    const dry = await vggtool(["convert", mat, "--num-classes", "5", "--seed", "3", "--dry-run"]);
    expect(dry).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("-o", () => {
  test.each([
    ["m.safetensor", "the ending .safetensor names no format that can be written", ".safetensors, "],
    ["m.weights.h6", "the ending .weights.h6 names no format that can be written", ".weights.h5, _weights.h5, "],
    ["m.onxx", "the ending .onxx names no format that can be written", ".onnx, "],
    ["m", "m has no ending, which says the format", ".safetensors, "],
  ])("%s: nothing says the format", async (name, found, nearest) => {
    const { code, stderr } = await vggtool(["convert", mat, "-o", at(name)]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(found)]);
    expect(stderr).toContain(`the nearest are ${nearest}`);
    expect(existsSync(at(name))).toBe(false);
  });

  test.each([
    ["--to", "npz", "npz"],
    ["--like", mat, "matconvnet"],
    ["--naming", "paddle-vision", "safetensors"],
  ])("takes any name where %s %s decides", async (option, value, format) => {
    const { code, stdout } = await vggtool(["convert", mat, option, value, "-o", at(`any${option}.bin`)]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`(${format}, `)]);
  });

  test("DIR/ puts the output inside under its usual name, and makes the folder", async () => {
    const { code } = await vggtool(["convert", mat, "--to", "npz", "--no-sidecar", "-o", at("new/deep/")]);
    expect([code, readdirSync(at("new/deep"))]).toEqual([0, ["vgg_face.npz"]]);
  });

  test("may be a TensorFlow prefix with its step", async () => {
    const { stdout } = await vggtool(["convert", mat, "-o", at("model.ckpt-100")]);
    expect(stdout).toContain("(tf-v2, ");
    expect(readdirSync(folder)).toContain("model.ckpt-100.index");
  });

  test("says where the file beside the output is; --no-sidecar leaves it out", async () => {
    const beside = await vggtool(["convert", mat, "-o", at("with.npz")]);
    expect(beside.stdout).toContain(`how images are prepared (${at("with.npz.vggtool.json")})`);
    await vggtool(["convert", mat, "-o", at("without.npz"), "--no-sidecar"]);
    const names = readdirSync(folder);
    expect([names.includes("with.npz.vggtool.json"), names.includes("without.npz.vggtool.json")]).toEqual([true, false]);
  });
});

test("names that are none of a scheme are called by the file that they are from", async () => {
  await vggtool(["convert", mat, "--naming", "keep", "-o", at("mine.npz")]);
  const { stdout } = await vggtool(["convert", mat, "--like", at("mine.npz"), "-o", at("like.npz")]);
  expect(stdout).not.toContain("like names");
});

describe("what inspect shows", () => {
  const paddle = join(demo, "vgg16.pdparams");

  test("--summary: what each file is and how much is in it", async () => {
    const { stdout } = await vggtool(["inspect", "-s", paddle]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/[:,] | {2}/)[0]),
    ).toEqual([paddle, "VGG-16", "32 tensors"]);
  });

  test("--columns: those that are asked for, in that order", async () => {
    const { stdout } = await vggtool(["inspect", paddle, "--filter", "fc8*", "--columns", "shape,name"]);
    expect(stdout).toMatch(/\n *shape +name\n *20 × 7 +classifier\.6\.weight\n/);
    const { code, stderr } = await vggtool(["inspect", paddle, "--columns", "sha256"]);
    expect([code, stderr]).toEqual([2, "vggtool: --columns sha256: the list has name, dtype, shape, values, role\n  add --hash\n"]);
  });

  test.each([
    [["--summary", "--json"], "--summary changes nothing with --json, which prints all"],
    [["--columns", "name", "--depth", "1"], "--columns changes nothing without the list of tensors"],
  ])("%j is an error", async (options, found) => {
    const { code, stdout, stderr } = await vggtool(["inspect", paddle, ...options]);
    expect([code, stdout + stderr]).toEqual([2, expect.stringContaining(found)]);
  });

  test("--layers of a MAT-file: kernel, stride and padding", async () => {
    const { stdout } = await vggtool(["inspect", mat, "--layers"]);
    expect(stdout).toMatch(/^conv1_1 +conv +3×3, stride 1, padding 1 /m);
    expect(stdout).toMatch(/^pool1 +pool +2×2, stride 2 /m);
  });

  test("Paddle's table of its own names is in JSON alone", async () => {
    const file = join(fixtures, "fuzz", "paddle", "two.pdparams");
    const [text, json] = await Promise.all([vggtool(["inspect", file]), vggtool(["inspect", file, "--json"])]);
    expect([text.stdout.includes("StructuredToParameterName@@"), json.stdout.includes("StructuredToParameterName@@")]).toEqual([
      false,
      true,
    ]);
  });
});
