import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { show } from "../../src/index.ts";
import { vggtool } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

const vgg16 = join(fixtures, "interop", "vgg16.pth");

test("filters that see the picture are drawn in colours, those behind by their places", async () => {
  const first = await show(vgg16, { filters: "conv1_1" });
  expect([first.schema, first.output, first.picture.width, first.picture.height]).toEqual(["vggtool/show/1", null, 4 * 4 - 1, 3]);
  expect(first.about).toMatch(/^4 filters of conv1_1: 3 channels, the first is red/);
  const later = await show(vgg16, { filters: "conv5_3" });
  expect([later.picture.width, later.about]).toEqual([12 * 4 - 1, expect.stringContaining("over its first 12 inputs")]);
});

test("a histogram by key, by role and by layer is the same", async () => {
  const [byKey, byRole, byLayer] = [
    await show(vgg16, { histogram: "classifier.0.weight" }),
    await show(vgg16, { histogram: "fc6.weight" }),
    await show(vgg16, { histogram: "fc6" }),
  ];
  expect(byRole).toEqual(byKey);
  expect(byLayer).toEqual(byKey);
  expect(byKey.about).toMatch(/^1440 values of classifier\.0\.weight, from -/);
});

test("what cannot be drawn is said, with the nearest that can", async () => {
  await expect(show(vgg16, { filters: "conv1_3" })).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringContaining("did you mean conv1_1?"),
  });
  await expect(show(vgg16, { filters: "fc6" })).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining("--histogram fc6"),
  });
  await expect(show(vgg16)).rejects.toMatchObject({ code: "usage" });
  await expect(show(vgg16, { filters: "conv1_1", output: "a.gif" })).rejects.toMatchObject({ code: "usage" });
});

test("activations of a picture, map by map; files are written once", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-show-"));
  const input = join(fixtures, "verify", "input.npy");
  const output = join(folder, "maps.png");
  const { picture, about } = await show(join(fixtures, "demo", "vgg_face.mat"), { activations: input, layer: "conv2_1", output });
  expect(about).toMatch(/^6 outputs of conv2_1 for .*input\.npy, each from its own/);
  expect([picture.width, picture.height]).toEqual([6 * 49 - 1, 32]);
  expect(decode(readFileSync(output))).toMatchObject({ width: 293, height: 32 });
  await expect(show(vgg16, { histogram: "fc6", output })).rejects.toMatchObject({ code: "usage" });
  rmSync(folder, { recursive: true });
}, 60_000);

test("vggtool show: signs with colours where they are wanted, else a file has to be named", async () => {
  const shown = await vggtool(["show", vgg16, "--filters", "conv1_1", "--color", "always"]);
  expect([shown.code, shown.stdout.split("\n").length - 1]).toEqual([0, 2]);
  expect(shown.stderr).toContain("4 filters of conv1_1");
  const piped = await vggtool(["show", vgg16, "--filters", "conv1_1"]);
  expect([piped.code, piped.stderr]).toEqual([2, expect.stringContaining("-o picture.png")]);
});
