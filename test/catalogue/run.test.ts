import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type CatalogueRow, catalogue, convert, inspect, mergeCatalogues, queryCatalogue } from "../../src/index.ts";
import { fixtures } from "../support/paths.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-catalogue-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder = root;
let count = 0;
beforeEach(() => {
  count += 1;
  folder = join(root, String(count));
  mkdirSync(folder);
});

const pth = join(fixtures, "interop", "vgg16.pth");
const mat = join(fixtures, "demo", "vgg_face.mat");
const paddle = join(fixtures, "demo", "vgg16.pdparams");
const ckpt = join(fixtures, "demo", "vgg_16.ckpt.index");

/** A copy of a fixture under a name of its own. */
function copied(from: string, name: string): string {
  const path = join(folder, name);
  copyFileSync(from, path);
  return path;
}

async function all(zoo: string, options: Parameters<typeof queryCatalogue>[1] = {}): Promise<readonly CatalogueRow[]> {
  const rows: CatalogueRow[] = [];
  for await (const row of queryCatalogue(zoo, options)) rows.push(row);
  return rows.toSorted((a, b) => (String(a.source) < String(b.source) ? -1 : 1));
}

function change(path: string, how: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  how(bytes);
  writeFileSync(path, bytes);
}

const files = (zoo: string): ReadonlyMap<string, string> =>
  new Map(readdirSync(zoo).map((name) => [name, readFileSync(join(zoo, name)).toString("base64")]));

describe("a row", () => {
  test("has what inspect says of the checkpoint and of its tensors", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([mat], { out: zoo });
    const [row] = await all(zoo);
    const record = await inspect(mat);
    expect(row).toMatchObject({
      source: mat,
      bytes: statSync(mat).size,
      format: "matconvnet",
      variant: record.variant,
      family: "vgg",
      config: "D",
      through: "fc8",
      complete: true,
      classes: record.architecture?.classes,
      tensors: record.totals.tensors,
      parameters: record.totals.parameters,
      findings: record.findings.map(({ code, severity, message }) => ({ code, severity, message })),
      sha256: null,
      error: null,
    });
    expect(JSON.parse(String(row?.metadata))).toEqual(JSON.parse(JSON.stringify(record)).metadata);
    expect(JSON.parse(String(row?.preprocessing))).toMatchObject({ range: 255, source: "read" });
    const tensors = await all(zoo, { tensors: true });
    expect(tensors.map(({ name, role, dtype, shape, bytes, body }) => ({ name, role, dtype, shape, bytes, body }))).toEqual(
      record.tensors.map(({ name, role = null, dtype, shape, bytes, body }) => ({ name, role, dtype, shape, bytes, body })),
    );
  });

  test("has hashes and statistics where they were asked for", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([pth], { out: zoo, hash: true, stats: true });
    const record = await inspect(pth, { hash: true, stats: true });
    const tensors = await all(zoo, { tensors: true });
    expect(tensors.map(({ sha256, min, zeros }) => [sha256, min, zeros])).toEqual(
      record.tensors.map(({ sha256, stats }) => [sha256, stats?.min, stats?.zeros]),
    );
    expect((await all(zoo))[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("of what cannot be read has the error, and nothing of its name or of a password", async () => {
    const zoo = join(folder, "zoo");
    const empty = join(folder, "empty.pth");
    writeFileSync(empty, "");
    const secret = "http://me:hunter2@127.0.0.1:9/vgg.pth?sig=hunter3";
    const record = await catalogue([empty, secret, pth], { out: zoo, remote: { tries: 1 } });
    expect(record).toMatchObject({ sources: 3, read: 3, failed: 2, passing: 1, checkpoints: 3 });
    const rows = await all(zoo);
    expect(rows.map(({ source, error }) => [source, error])).toEqual(
      [
        [pth, null],
        [empty, "the file is empty"],
        ["http://127.0.0.1:9/vgg.pth", expect.stringContaining("could not be reached")],
      ].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    for (const [name, text] of files(zoo)) expect(Buffer.from(text, "base64").toString("latin1"), name).not.toMatch(/hunter/);
  });
});

describe("a second run", () => {
  test("reads what has changed, and nothing else", async () => {
    const zoo = join(folder, "zoo");
    const [a, b] = [copied(pth, "a.pth"), copied(paddle, "b.pdparams")];
    expect(await catalogue([a, b, ckpt], { out: zoo })).toMatchObject({ read: 3, unchanged: 0, checkpoints: 3 });
    const before = files(zoo);
    expect(await catalogue([a, b, ckpt], { out: zoo })).toMatchObject({ read: 0, unchanged: 3, checkpoints: 3 });
    expect(files(zoo)).toEqual(before);
    copyFileSync(mat, a);
    expect(await catalogue([a, b, ckpt], { out: zoo })).toMatchObject({ read: 1, unchanged: 2, checkpoints: 3 });
    expect((await all(zoo)).map(({ format }) => format).sort()).toEqual(["matconvnet", "paddle", "tf-v2"]);
    expect(readdirSync(zoo).filter((name) => name.startsWith("checkpoints-"))).toHaveLength(1);
  });

  test("sees a file of a set that changed, one that came, and a time of writing", async () => {
    const zoo = join(folder, "zoo");
    const names = readdirSync(join(fixtures, "demo")).filter((name) => name.startsWith("vgg_16.ckpt"));
    for (const name of names) copied(join(fixtures, "demo", name), name);
    const source = join(folder, "vgg_16.ckpt.index");
    const again = async (): Promise<number> => (await catalogue([source], { out: zoo })).read;
    expect([await again(), await again()]).toEqual([1, 0]);
    const data = names.find((name) => name.includes(".data-")) ?? "";
    utimesSync(join(folder, data), 1, 1);
    expect([await again(), await again()]).toEqual([1, 0]);
    writeFileSync(`${source}.vggtool.json`, '{ "schema": "vggtool/sidecar/1", "note": "mine" }');
    expect([await again(), await again()]).toEqual([1, 0]);
  });

  test("adds to what is there", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([pth], { out: zoo });
    expect(await catalogue([mat], { out: zoo })).toMatchObject({ sources: 1, read: 1, checkpoints: 2 });
    expect((await all(zoo)).map(({ source }) => source).sort()).toEqual([mat, pth].sort());
  });

  test("tries again what a server did not answer, and not what is broken", async () => {
    const zoo = join(folder, "zoo");
    const broken = join(folder, "broken.pth");
    writeFileSync(broken, "<html>");
    const run = () => catalogue([broken, "http://127.0.0.1:9/vgg.pth"], { out: zoo, remote: { tries: 1 } });
    expect(await run()).toMatchObject({ read: 2, failed: 2, passing: 1 });
    expect(await run()).toMatchObject({ read: 1, unchanged: 1, failed: 2, passing: 1 });
  });

  test("reads all of it where that is asked for", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([pth, mat], { out: zoo });
    expect(await catalogue([pth, mat], { out: zoo, reread: true })).toMatchObject({ read: 2, unchanged: 0, checkpoints: 2 });
  });

  test("with other columns is refused, and says what to type", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([pth], { out: zoo });
    await expect(catalogue([pth], { out: zoo, hash: true })).rejects.toThrow(/made with neither --hash nor --stats.*asked for --hash/);
  });

  test("keeps away from a folder with files of that name, and removes what a killed run left", async () => {
    const zoo = join(folder, "zoo");
    mkdirSync(zoo);
    writeFileSync(join(zoo, "tensors-00003.parquet"), "mine");
    await expect(catalogue([pth], { out: zoo })).rejects.toMatchObject({ code: "usage" });
    rmSync(join(zoo, "tensors-00003.parquet"));
    await catalogue([pth], { out: zoo });
    writeFileSync(join(zoo, "tensors-00007.parquet"), "of a killed run");
    await catalogue([pth], { out: zoo });
    expect(readdirSync(zoo).sort()).toEqual(["checkpoints-00000.parquet", "files-00000.parquet", "manifest.json", "tensors-00000.parquet"]);
  });
});

describe("a catalogue that is damaged is refused", () => {
  test.each<[what: string, damage: (zoo: string) => void, code: string]>([
    ["by a byte", (zoo) => change(join(zoo, "checkpoints-00000.parquet"), (bytes) => bytes.fill(255, 100, 101)), "malformed"],
    ["by its end", (zoo) => truncateSync(join(zoo, "checkpoints-00000.parquet"), 50), "malformed"],
    ["by a file that is gone", (zoo) => rmSync(join(zoo, "checkpoints-00000.parquet")), "not-found"],
    ["in its manifest", (zoo) => writeFileSync(join(zoo, "manifest.json"), '{ "schema": "vggtool/catalogue/1" }'), "malformed"],
    ["by a manifest that is no JSON", (zoo) => writeFileSync(join(zoo, "manifest.json"), "{"), "malformed"],
  ])("%s", async (_, damage, code) => {
    const zoo = join(folder, "zoo");
    await catalogue([pth], { out: zoo });
    damage(zoo);
    await expect(all(zoo)).rejects.toMatchObject({ code, where: { file: expect.stringContaining(zoo) } });
  });
});

test("a run that is stopped keeps what it has read", async () => {
  const zoo = join(folder, "zoo");
  const sources = Array.from({ length: 12 }, (_, k) => copied(pth, `${k}.pth`));
  const stop = new AbortController();
  let done = 0;
  const onSource = (): void => {
    done += 1;
    if (done === 5) stop.abort();
  };
  await expect(catalogue(sources, { out: zoo, signal: stop.signal, onSource })).rejects.toMatchObject({ code: "interrupted" });
  const kept = (await all(zoo)).length;
  expect(kept).toBeGreaterThanOrEqual(5);
  expect(await catalogue(sources, { out: zoo })).toMatchObject({ unchanged: kept, read: 12 - kept, checkpoints: 12 });
});

describe("shards", () => {
  test.each([1, 2, 7])("%i of them, joined, are the same files as one run's, joined", async (of) => {
    const sources = [...Array.from({ length: 9 }, (_, k) => copied(pth, `${k}.pth`)), mat, paddle, ckpt];
    const whole = join(folder, "whole");
    await catalogue(sources, { out: whole });
    await mergeCatalogues([whole], { out: join(folder, "expected") });
    const parts = Array.from({ length: of }, (_, k) => join(folder, `part-${k + 1}`));
    for (const [k, out] of parts.entries()) await catalogue(sources, { out, shard: { number: k + 1, of } });
    const merged = await mergeCatalogues(parts, { out: join(folder, "merged") });
    expect(merged).toMatchObject({ checkpoints: 12, repeated: 0 });
    expect(files(join(folder, "merged"))).toEqual(files(join(folder, "expected")));
    expect(await all(join(folder, "merged"))).toEqual(await all(whole));
  });

  test("of a source that several have, the row without an error counts, then the last", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(folder, name));
    const source = join(folder, "x.pth");
    if (a === undefined || b === undefined || c === undefined) throw new Error("three folders");
    writeFileSync(source, "");
    await catalogue([source], { out: a });
    copyFileSync(pth, source);
    await catalogue([source], { out: b });
    copyFileSync(mat, source);
    await catalogue([source], { out: c });
    const formatOf = async (...folders: string[]): Promise<unknown> => {
      await mergeCatalogues(folders, { out: join(folder, "out"), force: true });
      return (await all(join(folder, "out"))).map(({ format }) => format);
    };
    expect(await formatOf(a, b)).toEqual(["torch"]);
    expect(await formatOf(b, a)).toEqual(["torch"]);
    expect(await formatOf(b, c)).toEqual(["matconvnet"]);
    expect(await formatOf(c, b)).toEqual(["torch"]);
  });

  test("may be joined into one of them, which stays as it is where that fails", async () => {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    await catalogue([pth], { out: a });
    await catalogue([mat], { out: b });
    const before = files(a);
    rmSync(join(b, "tensors-00000.parquet"));
    await expect(mergeCatalogues([a, b], { out: a, force: true })).rejects.toMatchObject({ code: "not-found" });
    expect([...(await all(a))]).toHaveLength(1);
    rmSync(b, { recursive: true });
    await catalogue([mat], { out: b });
    expect(await mergeCatalogues([a, b], { out: a, force: true })).toMatchObject({ checkpoints: 2 });
    expect((await all(a)).map(({ source }) => source).sort()).toEqual([mat, pth].sort());
    expect([...files(a).keys()].filter((name) => before.has(name))).toEqual(["manifest.json"]);
  });

  test("are joined into a new folder, and only with equal columns", async () => {
    const [a, b] = [join(folder, "a"), join(folder, "b")];
    await catalogue([pth], { out: a });
    await catalogue([pth], { out: b, hash: true });
    await expect(mergeCatalogues([a, b], { out: join(folder, "c") })).rejects.toMatchObject({ code: "usage", where: { file: b } });
    await expect(mergeCatalogues([a], { out: b })).rejects.toThrow(/there is a catalogue already/);
    await expect(mergeCatalogues([join(folder, "none")], { out: join(folder, "c") })).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("the same weights", () => {
  test("are found in every layout, and no others are", async () => {
    const zoo = join(folder, "zoo");
    const copies = await Promise.all(
      ["safetensors", "tfslim", "keras", "caffe", "onnx", "npz"].map(async (to) => {
        return (await convert(pth, { to, out: join(folder, to), inputSize: [64, 96] })).output;
      }),
    );
    // One value of fc8 is another.
    const changed = copied(copies[0] ?? "", "changed.safetensors");
    const bytes = readFileSync(changed);
    bytes.writeFloatLE(0.5, bytes.length - 4);
    writeFileSync(changed, bytes);
    const other = join(fixtures, "safetensors", "sharded");
    await catalogue([pth, mat, paddle, ckpt, other, changed, ...copies], { out: zoo, hash: true });
    const sameAs = async (file: string): Promise<readonly unknown[]> =>
      (await all(zoo, { sameWeightsAs: file })).map(({ source }) => source);
    // The demo's three files were made from the same network.
    const same = [pth, mat, paddle, ckpt, ...copies].sort();
    expect(await sameAs(pth)).toEqual(same);
    expect(await sameAs(copies[1] ?? "")).toEqual(same);
    expect(await sameAs(changed)).toEqual([changed]);
    expect(await sameAs(other)).toHaveLength(1);
    expect(await all(zoo, { sameWeightsAs: pth, where: "format = 'none'" })).toEqual([]);
  });

  test("need a catalogue with hashes", async () => {
    const zoo = join(folder, "zoo");
    await catalogue([pth], { out: zoo });
    await expect(all(zoo, { sameWeightsAs: pth })).rejects.toThrow(/has no hashes.*\n.*vggtool catalogue SOURCE --hash -o OTHER/);
  });
});

test("two runs at once, into two new folders of one new folder, do not take each other for one", async () => {
  const zoos = ["a", "b"].map((name) => join(folder, "parts", name));
  await Promise.all(zoos.map((out) => catalogue([pth], { out })));
  for (const zoo of zoos) expect((await all(zoo)).map(({ source }) => source)).toEqual([pth]);
});
