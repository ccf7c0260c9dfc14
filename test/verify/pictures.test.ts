import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { labelsOf } from "../../src/model/labels.ts";
import { assumedLabels, labelsFromText, readLabels } from "../../src/verify/input/labels.ts";
import { contractFor, pairOf } from "../../src/verify/input/picture-options.ts";
import { findPictures, isPicture, pictureBatch } from "../../src/verify/input/pictures.ts";
import { contractFromJson, describeContract, preset, presetNames } from "../../src/verify/input/preprocess.ts";
import { identityOf } from "../support/identity.ts";
import { chunk, png } from "./png.ts";
import { checkpointOf } from "./subjects.ts";
import { networkOf, randomSet } from "./support.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const ctx = createContext();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await ctx.dispose();
});

const set = randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 1, 2] });
const network = networkOf(set);

describe("class names", () => {
  test.each([
    ["lines", "cat\ndog\n\u00e9lan\n", ["cat", "dog", "\u00e9lan"]],
    ["lines of Windows", "\uFEFFcat\r\ndog\r\n", ["cat", "dog"]],
    ["a JSON list", '["cat", "dog"]', ["cat", "dog"]],
    ["a JSON object by index", '{"1": "dog", "0": "cat"}', ["cat", "dog"]],
    ["Keras' index of ImageNet", '{"0": ["n01440764", "tench"], "1": ["n01443537", "goldfish"]}', ["tench", "goldfish"]],
  ])("as %s", (_, text, labels) => {
    expect(labelsFromText(text, "labels")).toEqual(labels);
  });

  test.each([
    ['{"0": "cat", "2": "dog"}', "this is no JSON list of names and no object from index to name"],
    ["[1, 2]", "this is no JSON list of names and no object from index to name"],
    ["[not json", 'JSON: a value expected at byte 1, found "not json"'],
    ['{"0": "cat", "0": "dog"}', 'JSON key "0" occurs twice'],
    [`${"[".repeat(200)}${"]".repeat(200)}`, "JSON nested deeper than 128"],
  ])("refused: %s", (text, message) => {
    expect(() => labelsFromText(text, "labels")).toThrow(message);
  });

  test("as many as there are classes", async () => {
    const path = file("labels.txt", "a\nb\nc\n");
    expect(await readLabels(path, 3, ctx)).toEqual(["a", "b", "c"]);
    await expect(readLabels(path, 4, ctx)).rejects.toMatchObject({
      code: "mismatch",
      message: "3 class names, and the network has 4 classes",
    });
  });

  test("ImageNet's, where a network of 1000 classes carries none", async () => {
    const names = await assumedLabels({ ...network, classes: 1000, inputChannels: 3 });
    expect(new Set(names).size).toBe(1000);
    expect([0, 1, 281, 134, 517, 638, 639, 817, 999].map((index) => names?.[index])).toEqual([
      "tench",
      "goldfish",
      "tabby",
      "crane (bird)",
      "crane",
      "maillot",
      "maillot (tank suit)",
      "sports car",
      "toilet tissue",
    ]);
    expect(names?.filter((name) => name.trim() !== name || name === "")).toEqual([]);
    expect(await assumedLabels({ ...network, classes: 999, inputChannels: 3 })).toBeUndefined();
    expect(await assumedLabels({ ...network, classes: 1000, inputChannels: 1 })).toBeUndefined();
  });

  test("that the file itself carries", () => {
    const carrying = (key: string, value: string | readonly string[]) =>
      labelsOf({ ...checkpointOf("x", new Map()), metadata: new Map([[key, value]]) });
    expect(carrying("meta.classes.description", ["a", "b"])).toEqual(["a", "b"]);
    expect(carrying("labels", '["a","b"]')).toEqual(["a", "b"]);
    expect(carrying("something", ["a", "b"])).toBeUndefined();
  });
});

describe("how pictures are prepared", () => {
  const identity = identityOf(network);

  test("as asked: a preset or a file", async () => {
    expect(await contractFor(identity, "torch", "x")).toMatchObject({
      channels: "rgb",
      range: 1,
      mean: [0.485, 0.456, 0.406],
      fit: "margin",
    });
    const path = file("own.json", '{ "channels": "bgr", "mean": [1, 2, 3], "size": [64, 96] }');
    expect(await contractFor(identity, path, "x")).toEqual({
      channels: "bgr",
      range: 255,
      mean: [1, 2, 3],
      std: [1],
      size: [64, 96],
      fit: "cover",
      source: "read",
    });
    expect(presetNames.every((name) => preset(name) !== undefined)).toBe(true);
  });

  test("else as the checkpoint says, else not at all", async () => {
    const preprocessing = { channels: "rgb", range: 255, mean: [1, 2, 3], std: [1, 1, 1], source: "read" } as const;
    expect(await contractFor({ ...identity, preprocessing }, undefined, "x")).toEqual({ ...preprocessing, fit: "cover" });
    const torch = { channels: "rgb", range: 1, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], source: "assumed" } as const;
    expect(await contractFor({ ...identity, preprocessing: torch }, undefined, "x")).toMatchObject({ fit: "margin" });
    expect(await contractFor({ ...identity, preprocessing: torch, scheme: "keras-applications" }, undefined, "x")).toMatchObject({
      fit: "stretch",
    });
    await expect(contractFor(identity, undefined, "x.pth")).rejects.toMatchObject({
      code: "usage",
      where: { file: "x.pth", hint: expect.stringContaining("--preprocess") },
    });
    await expect(contractFor(identity, "torhc", "x.pth")).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/^--preprocess torhc is no preset \(caffe, .*\) and no file$/),
    });
  });

  test.each([
    [[], "no JSON object"],
    [{ channel: "rgb" }, '"channel" is no field'],
    [{ channels: "rbg" }, "channels is"],
    [{ range: 2 }, "range is 2"],
    [{ mean: ["1"] }, "mean is no number"],
    [{ std: 0 }, "std is no number"],
    [{ size: [224] }, "size is not"],
    [{ fit: "crop" }, "fit is"],
  ])("refused: %j", (json, words) => {
    expect(() => contractFromJson(json, "own.json")).toThrow(words);
  });

  test("in words", () => {
    expect(describeContract(contractFromJson({ channels: "bgr", mean: [1, 2, 3], fit: 256 }, "x"))).toBe(
      "BGR 0…255 minus 1, 2, 3, scaled to 256 pixels on the shorter side, the middle cut out",
    );
  });
});

describe("finding pictures", () => {
  test("by their first bytes", () => {
    const head = (text: string) => Buffer.from(text, "latin1");
    for (const text of ["\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0", "GIF89a", "RIFF\0\0\0\0WEBPVP8 ", "II*\0", "\0\0\0\x1cftypavif"])
      expect(isPicture(head(text))).toBe(true);
    for (const text of ["\x93NUMPY", "PK\x03\x04", "<html>", "RIFF\0\0\0\0WAVE", ""]) expect(isPicture(head(text))).toBe(false);
  });

  test("in a folder, by name, sorted; text with a picture's ending is none", async () => {
    const [b, a] = [
      file(
        "b.png",
        png(4, 4, 3, () => 1),
      ),
      file(
        "a.PNG",
        png(4, 4, 3, () => 1),
      ),
    ];
    const text = file("c.txt", "no picture");
    expect(await findPictures(folder)).toEqual({ paths: [a, b], pictures: true });
    expect(await findPictures(b)).toEqual({ paths: [b], pictures: true });
    expect(await findPictures(text)).toMatchObject({ pictures: false });
    await expect(findPictures(mkdtempSync(join(folder, "empty-")))).rejects.toMatchObject({ code: "not-found" });
  });
});

test("two descriptors are compared by direction", () => {
  const descriptor = { layer: "fc7", shape: [2, 2], values: [3, 4, 6, 8] };
  const record = (values: readonly number[]) => ({ descriptor: { ...descriptor, values } });
  expect(pairOf(record([3, 4, 6, 8]), ["a", "b"])).toMatchObject({
    layer: "fc7",
    cosineDistance: expect.closeTo(0, 12),
    euclideanDistance: expect.closeTo(0, 12),
  });
  expect(pairOf(record([1, 0, 0, 1]), ["a", "b"])).toMatchObject({ cosineDistance: 1, euclideanDistance: expect.closeTo(Math.SQRT2, 12) });
});

/** sharp is an optional peer: VGGTOOL_TEST_ENGINES=sharp VGGTOOL_ENGINES=… runs these. */
const hasSharp = (process.env.VGGTOOL_TEST_ENGINES ?? "").split(",").includes("sharp");

/** Without sharp whatever this machine has installed. */
function withoutSharp(): void {
  const before = process.env.VGGTOOL_ENGINES;
  beforeAll(() => {
    process.env.VGGTOOL_ENGINES = folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.VGGTOOL_ENGINES;
    else process.env.VGGTOOL_ENGINES = before;
  });
}

describe("without sharp", () => {
  withoutSharp();

  test("other pictures than PNG and JPEG are refused with the command that installs it", async () => {
    const webp = file("a.webp", Buffer.from("RIFF\0\0\0\0WEBPVP8 ", "latin1"));
    const batch = await pictureBatch([webp], "a.webp", network, contractFromJson({}, "x"), ctx);
    await expect(batch.read(0, 1)).rejects.toMatchObject({
      code: "not-found",
      message: "pictures other than PNG and JPEG are decoded by the package sharp, which is not installed",
      where: { file: webp, hint: `npm install sharp --prefix ${folder} (VGGTOOL_ENGINES names that folder)` },
    });
  });

  const read = async (path: string, json: object = {}) =>
    (await (await pictureBatch([path], "x", network, contractFromJson(json, "x"), ctx)).read(0, 1)).values;

  test("a JPEG, with the orientation that its EXIF says", async () => {
    // Upper half bright, lower half dark; 32 high and 64 wide as the network takes it.
    const data = Uint8Array.from({ length: 64 * 32 * 4 }, (_, k) => (k < 64 * 16 * 4 ? 200 : 50));
    const plain = jpeg.encode({ width: 64, height: 32, data }, 95).data;
    const upright = await read(file("plain.jpg", plain));
    expect([upright[5 * 64 + 30], upright[27 * 64 + 30]].map((value) => Math.round((value ?? 0) / 10))).toEqual([20, 5]);
    const onHead = await read(file("head.jpg", withOrientation(plain, 3)));
    expect([onHead[5 * 64 + 30], onHead[27 * 64 + 30]].map((value) => Math.round((value ?? 0) / 10))).toEqual([5, 20]);
    const onSide = await read(file("side.jpg", withOrientation(plain, 6)), { fit: "stretch" });
    // Turned clockwise: what was above is at the right.
    expect([onSide[16 * 64 + 10], onSide[16 * 64 + 54]].map((value) => Math.round((value ?? 0) / 10))).toEqual([5, 20]);
  });

  test("16 bits, a palette, one bit and transparency", async () => {
    const of = async (name: string, image: Parameters<typeof encode>[0]) => read(file(name, Buffer.from(encode(image))));
    const wide = await of("wide.png", { width: 64, height: 32, depth: 16, channels: 1, data: new Uint16Array(64 * 32).fill(0x4dff) });
    expect(wide[100]).toBe(0x4d);
    const clear = await of("clear.png", { width: 64, height: 32, depth: 8, channels: 4, data: new Uint8Array(64 * 32 * 4).fill(9) });
    expect([clear[0], clear[64 * 32]]).toEqual([9, 9]);
    const bit = await read(
      file(
        "bit.png",
        smallPng(
          64,
          32,
          1,
          0,
          Buffer.alloc(32 * 9, 0x00)
            .fill(0xff, 16 * 9)
            .map((byte, k) => (k % 9 === 0 ? 0 : byte)),
        ),
      ),
    );
    expect([bit[2 * 64], bit[30 * 64]]).toEqual([0, 255]);
  });

  test("what promises few pixels and unpacks to many is unsafe; what is larger than the limit is refused by its header", async () => {
    const bomb = file("bomb.png", smallPng(1, 1, 8, 0, Buffer.alloc(1 << 24)));
    await expect(read(bomb)).rejects.toMatchObject({ code: "unsafe", where: { file: bomb } });
    const huge = file("huge.png", smallPng(1e5, 1e5, 8, 0, Buffer.alloc(10)));
    await expect(read(huge)).rejects.toMatchObject({ code: "unsupported", message: expect.stringContaining("100000 × 100000 pixels") });
  });

  test("half a JPEG is refused", async () => {
    const { data } = jpeg.encode({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 4).map((_, k) => k % 251) }, 90);
    const half = file("half.jpg", data.subarray(0, data.length / 2));
    await expect(read(half)).rejects.toMatchObject({ code: "malformed", where: { file: half } });
  });
});

/** A PNG with whatever rows. */
function smallPng(width: number, height: number, depth: number, kind: number, rows: Uint8Array): Buffer {
  const whole = png(1, 1, 1, () => 0);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, kind], 8);
  return Buffer.concat([whole.subarray(0, 8), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** A JPEG with an EXIF segment of one entry behind its first marker. */
function withOrientation(data: Uint8Array, orientation: number): Buffer {
  const tiff = Buffer.from("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0", "latin1");
  tiff.writeUInt16LE(orientation, 6 + 8 + 2 + 8);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(tiff.length + 2);
  return Buffer.concat([data.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, tiff, data.subarray(2)]);
}

describe.each([
  ["without sharp", false],
  ["with sharp", true],
])("%s", (_, sharp) => {
  if (sharp && !hasSharp) {
    test.skip("sharp is not there", () => {});
    return;
  }
  if (!sharp) withoutSharp();
  let red = "";
  beforeAll(() => {
    // Left half (200, 100, 50), right half (20, 40, 60), twice as large as the input of 32×64.
    red = file(
      "half.png",
      png(128, 64, 3, (x, _, c) => (x < 64 ? [200, 100, 50] : [20, 40, 60])[c] ?? 0),
    );
  });

  test("a picture is scaled, its channels ordered, mean and spread taken off", async () => {
    const contract = contractFromJson({ channels: "bgr", mean: [50, 100, 200], std: [1, 2, 4] }, "x");
    const batch = await pictureBatch([red, red], "two", network, contract, ctx);
    expect(batch).toMatchObject({ shape: [2, 3, 32, 64], names: [red, red] });
    const { shape, values } = await batch.read(1, 1);
    expect(shape).toEqual([1, 3, 32, 64]);
    const at = (c: number, y: number, x: number) => values[(c * 32 + y) * 64 + x];
    expect([at(0, 5, 5), at(1, 5, 5), at(2, 5, 5)]).toEqual([0, 0, 0]);
    expect([at(0, 5, 60), at(1, 5, 60), at(2, 5, 60)]).toEqual([10, -30, -45]);
  });

  test("a tall picture keeps its middle; a stretched one all of it", async () => {
    const tall = file(
      "tall.png",
      png(64, 96, 3, (_, y) => (y < 32 ? 0 : y < 64 ? 100 : 200)),
    );
    const cover = await (await pictureBatch([tall], "x", network, contractFromJson({}, "x"), ctx)).read(0, 1);
    expect(cover.values[16 * 64 + 32]).toBe(100);
    expect(cover.values[64 + 32]).toBeGreaterThan(80);
    const stretched = await (await pictureBatch([tall], "x", network, contractFromJson({ fit: "stretch" }, "x"), ctx)).read(0, 1);
    expect([stretched.values[32], stretched.values[31 * 64 + 32]]).toEqual([0, 200]);
    const shorter = await (await pictureBatch([tall], "x", network, contractFromJson({ fit: 64 }, "x"), ctx)).read(0, 1);
    expect([shorter.values[0], shorter.values[31 * 64]]).toEqual([100, 100]);
  });

  test("with a margin, the middle 7/8 are seen", async () => {
    // 64 wide and 32 high, as the input: scaled to 73×37, of which 4 columns and 2 rows on each side are cut off.
    const ramp = file(
      "ramp.png",
      png(64, 32, 3, (x) => x * 4),
    );
    const { values } = await (await pictureBatch([ramp], "x", network, contractFromJson({ fit: "margin" }, "x"), ctx)).read(0, 1);
    expect(values[0]).toBeGreaterThan(8);
    expect(values[63]).toBeLessThan(248);
  });

  test("grey for a network of one channel", async () => {
    const one = networkOf(randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 1, kernels: {}, fc: [4, 1, 2] }));
    const grey = file(
      "grey.png",
      png(64, 32, 1, () => 77),
    );
    const { shape, values } = await (await pictureBatch([grey], "x", one, contractFromJson({ range: 1 }, "x"), ctx)).read(0, 1);
    expect(shape).toEqual([1, 1, 32, 64]);
    expect(values[0]).toBeCloseTo(77 / 255, 6);
    const rgb = await (await pictureBatch([grey], "x", network, contractFromJson({}, "x"), ctx)).read(0, 1);
    expect([rgb.values[0], rgb.values[32 * 64], rgb.values[2 * 32 * 64]]).toEqual([77, 77, 77]);
  });

  test("a line of 60000 pixels is cut to what is seen before it is enlarged", async () => {
    const line = file(
      "line.png",
      png(60000, 1, 3, (x) => (x < 29990 ? 0 : x < 30010 ? 90 : 255)),
    );
    const before = process.memoryUsage.rss();
    const { values } = await (await pictureBatch([line], "x", network, contractFromJson({}, "x"), ctx)).read(0, 1);
    expect([values[0], values[31 * 64 + 63]]).toEqual([90, 90]);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64e6);
  });

  test("what is no picture, or half of one, is refused", async () => {
    const broken = file("broken.png", png(64, 32, 3, (x) => x).subarray(0, 100));
    const batch = await pictureBatch([broken], "x", network, contractFromJson({}, "x"), ctx);
    await expect(batch.read(0, 1)).rejects.toMatchObject({ code: "malformed", where: { file: broken } });
  });
});
