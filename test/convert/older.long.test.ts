import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type ConvertRunOptions, convert, inspect } from "../../src/index.ts";
import { fixtures } from "../support/paths.ts";

/* A checkpoint of one name may have several forms. Of an older one nothing is left that opens, or that is read along with the new files. */

const folder = mkdtempSync(join(tmpdir(), "vggtool-older-"));
const input = join(fixtures, "demo", "vgg_face.mat");
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
});

const listing = (): readonly string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
const small = 20_000;

const hashes = async (path: string): Promise<readonly (string | null | undefined)[]> =>
  (await inspect(path, { hash: true })).tensors.map(({ sha256 }) => sha256);

type Options = Omit<ConvertRunOptions, "out">;

describe("an output of another form in the way", () => {
  test.each<[string, string, Options, string, Options]>([
    ["one file, then shards", "m.safetensors", {}, "m.safetensors", { maxShardSize: small }],
    ["one file, then shards by the name of their index", "m.safetensors", {}, "m.safetensors.index.json", { maxShardSize: small }],
    ["shards, then one file", "m.safetensors", { maxShardSize: small }, "m.safetensors", {}],
    ["shards, then fewer", "m.safetensors", { maxShardSize: small }, "m.safetensors", { maxShardSize: 2 * small }],
    ["a TF checkpoint, then another", "m.ckpt", { to: "tfslim" }, "m.ckpt", { to: "tfslim" }],
    ["a file of the prefix's name, then a TF checkpoint", "m.ckpt", { to: "safetensors" }, "m.ckpt", { to: "tfslim" }],
    ["a file with what is beside it, then one that needs nothing beside it", "m.x", { to: "torch" }, "m.x", { to: "safetensors" }],
    ["Caffe's pair, then another", "m.caffemodel", {}, "m.caffemodel", {}],
    ["a folder of TF.js, then another", "m-tfjs", { to: "tfjs" }, "m-tfjs", { to: "tfjs" }],
  ])("%s: refused without force, replaced whole with it", async (_, first, firstOptions, second, secondOptions) => {
    await convert(input, { ...firstOptions, out: join(folder, first) });
    const before = listing();
    const again = { ...secondOptions, swapRgb: true, out: join(folder, second) };
    await expect(convert(input, again)).rejects.toMatchObject({ code: "usage", summary: "the output exists already" });
    expect(listing()).toEqual(before);

    const { output, files } = await convert(input, { ...again, force: true });
    expect(new Set(listing().map((name) => join(folder, name)))).toEqual(
      new Set([...files, ...(first.endsWith("-tfjs") ? [join(folder, first)] : [])]),
    );
    const clean = mkdtempSync(join(folder, "clean-"));
    const expected = await convert(input, { ...again, out: join(clean, second) });
    expect(await hashes(output)).toEqual(await hashes(expected.output));
  });

  test.each([
    ["m.weights.h5", "m.weights.json"],
    ["m.weights.h5", "m_00003.weights.h5"],
    ["m.ckpt", "m.ckpt.data-00001-of-00002"],
    ["m.ckpt", "m.ckpt-00000-of-00002"],
    ["m.pdparams", "m.pdparams.vggtool.json"],
    ["m.caffemodel", "m.prototxt"],
    ["m.pth", "m.pth.index.json"],
    ["m.pth", "m-00002-of-00002.pth"],
    ["m-tfjs", "m-tfjs/group1-shard9of9.bin"],
  ])("%s is refused where there is %s", async (out, there) => {
    mkdirSync(join(folder, there, ".."), { recursive: true });
    writeFileSync(join(folder, there), "old");
    const options = { out: join(folder, out), ...(out.endsWith(".ckpt") ? { to: "tfslim" } : {}) };
    await expect(convert(input, options)).rejects.toMatchObject({ code: "usage", where: { file: join(folder, there) } });
    await convert(input, { ...options, force: true });
    if (!["m.pdparams.vggtool.json", "m.prototxt"].includes(there)) expect(listing()).not.toContain(there);
  });

  test("files of other names are nobody's shards", async () => {
    for (const name of ["m-a-00001-of-00002.safetensors", "am.safetensors", "m.safetensors.bak", "m-1-of-2.safetensors"])
      writeFileSync(join(folder, name), "other");
    const before = listing();
    await convert(input, { out: join(folder, "m.safetensors"), maxShardSize: small });
    await convert(input, { out: join(folder, "m.safetensors"), force: true });
    expect(listing()).toEqual([...before, "m.safetensors"].sort());
  });

  test("the name that is printed opens the set, before it is written too", async () => {
    const options = { out: join(folder, "m.safetensors"), maxShardSize: small };
    const index = join(folder, "m.safetensors.index.json");
    expect(await convert(input, { ...options, dryRun: true })).toMatchObject({ output: index, files: [] });
    expect(listing()).toEqual([]);
    expect(await convert(input, options)).toMatchObject({ output: index });
    const one = await convert(input, { out: join(folder, "one.safetensors.index.json") });
    expect(one.files).toEqual(["one-00001-of-00001.safetensors", "one.safetensors.index.json"].map((name) => join(folder, name)));
    expect((await inspect(one.output)).tensors).toHaveLength(32);
  });

  test("an input is never what is replaced", async () => {
    const own = join(folder, "m.safetensors");
    await convert(input, { out: own });
    for (const force of [true, false]) {
      const onto = convert(own, { out: own, maxShardSize: small, force });
      await expect(onto).rejects.toMatchObject({ code: "usage", summary: "the output would replace the input", where: { file: own } });
    }
    expect(listing()).toEqual(["m.safetensors"]);
  });

  test("a pipe in the place of a side file is refused, with force too", async () => {
    spawnSync("mkfifo", [join(folder, "m.pth.vggtool.json")]);
    cpSync(input, join(folder, "m.pth"));
    const onto = convert(input, { out: join(folder, "m.pth"), force: true });
    await expect(onto).rejects.toMatchObject({ code: "usage", where: { file: join(folder, "m.pth.vggtool.json") } });
    expect(listing()).toEqual(["m.pth", "m.pth.vggtool.json"]);
  });
});
