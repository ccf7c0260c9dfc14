import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { labelsOf } from "../../src/model/labels.ts";
import type { Preprocessing } from "../../src/model/scheme.ts";
import { open } from "../../src/open.ts";
import { fixtures } from "../support/paths.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-preprocessing-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});

async function run(from: string, name: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const checkpoint = await open(from, ctx);
  const wanted = { out: join(root, name), inputSize: [64, 96] as const, check: false, ...options };
  const result = await convertCheckpoint({ checkpoint, identity: identify(checkpoint), input: from }, wanted, ctx);
  await checkpoint.close();
  return result;
}

async function known(
  path: string,
): Promise<{ preprocessing: Preprocessing | undefined; labels: readonly string[] | undefined; notes: readonly string[] }> {
  const checkpoint = await open(path, ctx);
  await checkpoint.close();
  return {
    preprocessing: identify(checkpoint)?.preprocessing,
    labels: labelsOf(checkpoint),
    notes: checkpoint.notes.map(({ message }) => message),
  };
}

const face = join(fixtures, "demo", "vgg_face.mat");
/** As the file's meta.normalization and meta.classes have them. */
const read = {
  preprocessing: {
    channels: "rgb",
    range: 255,
    mean: [129.18629455566406, 104.76239776611328, 93.59400177001953],
    std: [1, 1, 1],
    source: "read",
  },
  labels: expect.arrayContaining(["Renée_Zellweger", "O'Neal 100%"]),
};

describe("how images are prepared, and the names of classes", () => {
  test.each([
    ["torch", "a.pth", ["a.pth", "a.pth.vggtool.json"]],
    ["tfslim", "a.ckpt", ["a.ckpt.data-00000-of-00001", "a.ckpt.index", "a.ckpt.vggtool.json"]],
    ["keras", "a.h5", ["a.h5"]],
    ["keras", "a.keras", ["a.keras"]],
    ["keras", "a.weights.h5", ["a.weights.h5", "a.weights.h5.vggtool.json"]],
    ["matconvnet", "a.mat", ["a.mat"]],
    ["tfjs", "a-tfjs", ["a-tfjs"]],
  ])("%s keeps them: %s", async (to, name, files) => {
    const { output } = await run(face, name, { to });
    expect(readdirSync(root).filter((file) => file === name || file.startsWith(`${name}.`))).toEqual(files);
    expect(await known(output)).toMatchObject(read);
  });

  test("a further conversion takes them along, with what was assumed marked as such", async () => {
    await run(join(root, "a.pth"), "b.pdparams", { to: "paddle", swapRgb: true });
    const { mean } = read.preprocessing;
    expect((await known(join(root, "b.pdparams"))).preprocessing).toEqual({
      ...read.preprocessing,
      channels: "bgr",
      mean: mean.toReversed(),
    });
    await run(join(fixtures, "demo", "vgg16.pdparams"), "c.npz");
    expect((await known(join(root, "c.npz"))).preprocessing).toMatchObject({ range: 1, source: "assumed" });
    await run(face, "d.npz", { numClasses: 7, init: "zeros" });
    expect(await known(join(root, "d.npz"))).toMatchObject({ preprocessing: read.preprocessing, labels: undefined });
  });

  test("what is beside belongs to the output: it is not replaced without --force, and replaced with it", async () => {
    const beside = join(root, "e.npz.vggtool.json");
    writeFileSync(beside, "{}");
    await expect(run(face, "e.npz")).rejects.toMatchObject({ code: "usage", where: { file: beside } });
    expect(readFileSync(beside, "utf8")).toBe("{}");
    expect(readdirSync(root)).not.toContain("e.npz");
    await run(face, "e.npz", { force: true });
    expect(JSON.parse(readFileSync(beside, "utf8"))).toMatchObject({ schema: "vggtool/sidecar/1", preprocessing: { source: "read" } });
    // One of an earlier output would speak for the new one.
    await run(face, "e.npz", { force: true, to: "safetensors", swapRgb: true });
    expect((await known(join(root, "e.npz"))).preprocessing).toMatchObject({ channels: "bgr" });
  });

  test("one of another checkpoint is not used, and a broken one is refused", async () => {
    const beside = join(root, "c.npz.vggtool.json");
    writeFileSync(beside, readFileSync(join(root, "a.pth.vggtool.json")));
    const { notes, labels } = await known(join(root, "c.npz"));
    expect([notes.join(), labels]).toEqual([expect.stringContaining("c.npz.vggtool.json is of another checkpoint"), undefined]);
    for (const text of ["{", "[]", `{"schema": "vggtool/sidecar/1", "axes": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`]) {
      writeFileSync(beside, text);
      await expect(known(join(root, "c.npz"))).rejects.toMatchObject({ code: text.length > 100 ? "unsafe" : "malformed" });
    }
  });
});
