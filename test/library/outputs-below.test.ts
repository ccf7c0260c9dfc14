import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { outputsBelow } from "../../src/index.ts";
import { Random } from "../support/random.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-outputs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const found = (...places: readonly string[]) => places.map((place) => ({ source: `zoo/${place}`, place, files: [`zoo/${place}`] }));
const refusal = { code: "usage", message: expect.stringContaining("nothing was written") };

describe("outputs of many", () => {
  test("are below the folder as the checkpoints are below theirs, with the format's ending", async () => {
    expect(await outputsBelow("out", found("a.pth", "b/c.ckpt.index", "d/model.weights.h5"), { to: "keras" })).toEqual(
      ["a.h5", "b/c.h5", "d/model.h5"].map((name) => join("out", name)),
    );
    expect(await outputsBelow("out", found("a.pth"), { like: "fixtures/demo/vgg_16.ckpt" })).toEqual([join("out", "a.ckpt")]);
  });

  test.each([
    ["endings apart", ["a.pth", "a.h5"]],
    ["capitals apart", ["VGG.pth", "vgg.h5"]],
    ["accents written in two ways", ["é.pth", "e\u0301.h5"]],
    ["a folder in the way", ["a.pth", "a.safetensors/b.pth"]],
  ])("of one name are refused: %s", async (_, places) => {
    await expect(outputsBelow("out", found(...places))).rejects.toMatchObject(refusal);
    await expect(outputsBelow("out", found(...places.toReversed()))).rejects.toMatchObject(refusal);
  });

  test("that are there already are refused unless they may be replaced, and inputs always", async () => {
    writeFileSync(join(folder, "a.safetensors"), "x");
    await expect(outputsBelow(folder, found("a.pth"))).rejects.toMatchObject(refusal);
    expect(await outputsBelow(folder, found("a.pth"), { force: true })).toEqual([join(folder, "a.safetensors")]);
    const input = { source: join(folder, "a.safetensors"), place: "a.safetensors", files: [join(folder, "a.safetensors")] };
    await expect(outputsBelow(folder, [input], { force: true })).rejects.toMatchObject(refusal);
  });

  test("below a folder whose name no file system takes are refused by the system's own reason", async () => {
    await expect(outputsBelow("a".repeat(300), found("a.pth"))).rejects.toMatchObject({
      code: "usage",
      summary: "the name is longer than the file system allows",
    });
  });

  test("never leave the folder", async () => {
    await expect(outputsBelow("out", found("../a.pth"))).rejects.toMatchObject({ code: "unsafe" });
  });

  test("are all different on every disk, or refused", async () => {
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      const names = Array.from({ length: random.integer(1, 5) }, () =>
        Array.from({ length: random.integer(1, 3) }, () => random.pick(["a", "A", "b", "a.safetensors", "é"])).join("/"),
      ).map((place) => place + random.pick([".pth", ".H5", ""]));
      const outputs = await outputsBelow("out", found(...names)).catch(() => undefined);
      if (outputs === undefined) continue;
      const folded = outputs.map((output) => output.normalize("NFC").toLowerCase());
      expect(new Set(folded).size).toBe(names.length);
      for (const output of folded) expect(folded.some((other) => other.startsWith(`${output}/`))).toBe(false);
    }
  });
});
