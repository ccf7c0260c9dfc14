import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verify } from "../../../src/index.ts";
import { SeenPictures } from "../../../src/report/page/seen.ts";
import { verifyData } from "../../../src/report/page/verify-model.ts";
import { fixtures } from "../../support/paths.ts";

const face = join(fixtures, "demo", "vgg_face.mat");

test("a run that is compared: every layer with its range and its error, the classes, and the verdict", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-run-"));
  const html = join(folder, "run.html");
  const record = await verify(face, { other: face, top: 2, html });
  const data = verifyData(record);
  expect(data.verdict).toEqual({ good: true, text: "Every layer agrees within the tolerance." });
  expect(data.layers?.rows.map(({ name }) => name)).toEqual(record.layers.map(({ role }) => role));
  expect(data.layers?.rows[0]).toMatchObject({ name: "conv1_1", maxAbs: 0, maxRel: 0, pass: true, notFinite: 0 });
  expect(data.top).toHaveLength(1);
  expect(data.top[0]?.rows.map(({ rank }) => rank)).toEqual([1, 2]);
  expect(existsSync(html) && readFileSync(html, "utf8")).toContain('id="data"');
  await expect(verify(face, { other: face, html })).rejects.toMatchObject({ code: "usage" });
  rmSync(folder, { recursive: true });
}, 60_000);

test("a run alone has no verdict", async () => {
  const data = verifyData(await verify(face));
  expect([data.verdict, data.layers?.compared]).toEqual([undefined, false]);
}, 60_000);

describe("the pictures of a run", () => {
  /** Two by two pixels: red, green, blue, black, as a network of N C H W is given them. */
  const colours = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];
  const batch = (count: number) => ({
    layer: "input",
    shape: [count, 3, 2, 2],
    values: Float32Array.from({ length: 12 * count }, (_, k) => (colours[k % 12] ?? 0) * 4 - 2),
  });
  const rgb = [255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0];

  test("are shown from their least value to their largest, red first whatever the network takes first", () => {
    const seen = new SeenPictures();
    seen.add(batch(1), { from: 0, all: 2, channels: "rgb" });
    seen.add(batch(1), { from: 1, all: 2, channels: "bgr" });
    const pixels = (picture: number) => [...Buffer.from(seen.at(picture)?.pixels ?? "", "base64")];
    expect(pixels(0)).toEqual(rgb);
    expect(pixels(1)).toEqual(rgb.map((_, k) => rgb[k - (k % 3) + 2 - (k % 3)]));
  });

  test("are as small as a page of many wants them, and the first eight", () => {
    const seen = new SeenPictures();
    const [height, width] = [96, 192];
    seen.add(
      { layer: "input", shape: [9, 1, height, width], values: new Float32Array(9 * height * width) },
      { from: 0, all: 9, channels: undefined },
    );
    expect(seen.at(0)).toMatchObject({ width: 64, height: 32 });
    expect([seen.at(7)?.width, seen.at(8)]).toEqual([64, undefined]);
  });

  test("come with the run, each before its classes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vggtool-run-"));
    const html = join(folder, "run.html");
    const { input } = await verify(face, { seeds: [0, 1], html });
    const data = /id="data">(.*?)<\/script>/s.exec(readFileSync(html, "utf8"))?.[1] ?? "";
    const { top } = JSON.parse(data);
    const longest = Math.max(input.shape[2] ?? 0, input.shape[3] ?? 0);
    expect(top.map(({ seen }: { seen: { width: number; height: number } }) => Math.max(seen.width, seen.height))).toEqual(
      [0, 1].map(() => Math.min(64, longest)),
    );
    rmSync(folder, { recursive: true });
  }, 60_000);
});
