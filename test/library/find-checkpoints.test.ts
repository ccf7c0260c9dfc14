import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FoundCheckpoints, findCheckpoints, openCheckpoint } from "../../src/index.ts";
import type { Transport } from "../../src/io/remote/transport.ts";
import { type Loopback, serve } from "../remote/server.ts";
import { expectedCases } from "../support/golden.ts";
import { fixtures, golden } from "../support/paths.ts";

let zoo: string;
let server: Loopback;

const copied = (fixture: string, name: string): void => {
  mkdirSync(dirname(join(zoo, name)), { recursive: true });
  copyFileSync(join(fixtures, fixture), join(zoo, name));
};

beforeAll(async () => {
  zoo = mkdtempSync(join(tmpdir(), "vggtool-zoo-"));
  copied("demo/vgg_16.ckpt.index", "step-10.ckpt.index");
  copied("demo/vgg_16.ckpt.data-00000-of-00001", "step-10.ckpt.data-00000-of-00001");
  copied("demo/vgg_16.ckpt.index", "step-9.ckpt.index");
  copied("demo/vgg_16.ckpt.data-00000-of-00001", "step-9.ckpt.data-00000-of-00001");
  writeFileSync(join(zoo, "checkpoint"), 'model_checkpoint_path: "step-10.ckpt"\n');
  copied("demo/vgg16.pdparams", "sub/vgg16.pdparams");
  writeFileSync(join(zoo, "sub/vgg16.pdparams.vggtool.json"), '{"schema":"vggtool/sidecar/1"}');
  cpSync(join(fixtures, "safetensors/sharded"), join(zoo, "sub/shards"), { recursive: true });
  writeFileSync(join(zoo, "sub/broken.pth"), "version https://git-lfs.github.com/spec/v1\n");
  writeFileSync(join(zoo, "README.md"), "# Weights\n");
  writeFileSync(join(zoo, "train.py"), "import torch\n");
  copied("demo/vgg16.pdparams", ".cache/copy.pdparams");
  symlinkSync(".", join(zoo, "sub/itself"));
  symlinkSync("nowhere", join(zoo, "sub/gone.txt"));
  spawnSync("mkfifo", [join(zoo, "queue.pth")]);
  server = await serve(zoo);
});

afterAll(async () => {
  await server.close();
  rmSync(zoo, { recursive: true });
});

const places = ({ checkpoints }: FoundCheckpoints): readonly string[] => checkpoints.map(({ place }) => place);
const everything = [
  "step-9.ckpt.index",
  "step-10.ckpt.index",
  "sub/broken.pth",
  "sub/vgg16.pdparams",
  "sub/shards/model.safetensors.index.json",
];

describe("what is in a folder", () => {
  test("counts once a set, in one order, and what is no checkpoint is skipped: text, pipes, links to nothing, hidden names, folders within themselves", async () => {
    const found = await findCheckpoints([zoo]);
    expect(places(found).slice().sort()).toEqual([...everything].sort());
    expect(places(found)).toEqual(places(await findCheckpoints([zoo])));
    // README.md, train.py, queue.pth, gone.txt, shards/expected.json
    expect([found.skipped, found.repeated]).toEqual([5, 0]);
    const tf = found.checkpoints.find(({ place }) => place === "step-9.ckpt.index");
    expect(tf?.files.map((file) => relative(zoo, file))).toEqual(["step-9.ckpt.index", "step-9.ckpt.data-00000-of-00001", "checkpoint"]);
  });

  test("that is one checkpoint itself is called by the folder's name", async () => {
    const shards = join(zoo, "sub/shards");
    expect((await findCheckpoints([shards])).checkpoints).toMatchObject([{ source: shards, place: "shards" }]);
  });

  test("with a program that does not list all of its files is one checkpoint", async () => {
    const fluid = join(fixtures, "paddle/unlisted");
    expect((await findCheckpoints([fluid])).checkpoints).toMatchObject([{ source: fluid, place: "unlisted" }]);
  });

  test("without any is there, for the verb to say so", async () => {
    const empty = mkdtempSync(join(tmpdir(), "vggtool-empty-"));
    expect((await findCheckpoints([empty])).checkpoints.map(({ source }) => source)).toEqual([empty]);
    rmSync(empty, { recursive: true });
  });

  test("a damaged set is one, whichever of its files is met first", async () => {
    const damaged = mkdtempSync(join(tmpdir(), "vggtool-damaged-"));
    cpSync(join(fixtures, "safetensors/sharded"), damaged, { recursive: true });
    rmSync(join(damaged, "model-00002-of-00002.safetensors"), { force: true });
    const names = places(await findCheckpoints([damaged]));
    expect(names).toHaveLength(1);
    rmSync(damaged, { recursive: true });
  });
});

describe("what is named", () => {
  test("by patterns, in lists and one by one is found in that order, and what is named twice is counted", async () => {
    const list = join(zoo, "list.txt");
    writeFileSync(list, `# two of them\n${join(zoo, "sub")}\r\n\n${join(zoo, "sub/vgg16.pdparams")}\n`);
    const found = await findCheckpoints([join(zoo, "*-1*.index"), `@${list}`, join(zoo, "missing.h5")]);
    rmSync(list);
    expect(places(found)).toEqual([
      "step-10.ckpt.index",
      "sub/broken.pth",
      "sub/vgg16.pdparams",
      "sub/shards/model.safetensors.index.json",
      "missing.h5",
    ]);
    expect(found.repeated).toBe(1);
  });

  test("has the places that its folders have among each other", async () => {
    const named = [join(zoo, "step-9.ckpt"), join(zoo, "sub/vgg16.pdparams")];
    expect(places(await findCheckpoints(named))).toEqual(["step-9.ckpt", "sub/vgg16.pdparams"]);
    expect(places(await findCheckpoints([join(zoo, "sub", "*")]))).toEqual(places(await findCheckpoints([join(zoo, "sub")])));
  });

  test("as two files of one set is one checkpoint", async () => {
    const files = ["step-9.ckpt.index", "step-9.ckpt.data-00000-of-00001"].map((name) => join(zoo, name));
    expect(await findCheckpoints(files)).toMatchObject({ checkpoints: [{ place: "step-9.ckpt.index" }], repeated: 1 });
  });

  test("as a list that is not there is an error", async () => {
    await expect(findCheckpoints(["@nowhere.txt"])).rejects.toMatchObject({ code: "not-found" });
    await expect(findCheckpoints([])).rejects.toMatchObject({ code: "usage" });
  });
});

describe("what is on a server", () => {
  test("is found by its index, each with an address that opens", async () => {
    const found = await findCheckpoints([`${server.origin}/sub/`]);
    expect(places(found)).toEqual(["broken.pth", "vgg16.pdparams", "shards/model.safetensors.index.json"]);
    const [, paddle] = found.checkpoints;
    const checkpoint = await openCheckpoint(paddle?.source ?? "");
    expect(checkpoint.tensors.size).toBe(32);
    await checkpoint.close();
  });

  test("as a repository is found by its tree", async () => {
    const commit = "0123456789012345678901234567890123456789";
    const files = ["README.md", "vgg/vgg16.pdparams", "vgg/old/vgg16.pdparams"];
    const tree = JSON.stringify(files.map((path) => ({ type: "file", path })));
    const answers = new Map([
      ["/api/models/org/vgg.v2/revision/main", JSON.stringify({ sha: commit })],
      [`/api/models/org/vgg.v2/tree/${commit}`, tree],
    ]);
    const transport: Transport = async ({ url, headers, signal }) => {
      const { pathname } = new URL(url);
      const text = answers.get(pathname);
      const from = pathname.endsWith(".pdparams") ? "/sub/vgg16.pdparams" : "/README.md";
      const answer =
        text === undefined ? await fetch(server.origin + from, { headers: Object.fromEntries(headers), signal }) : new Response(text);
      return { status: answer.status, headers: new Map(answer.headers), url, body: answer.body ?? new Blob([]).stream(), cancel() {} };
    };
    const found = await findCheckpoints(["hf://org/vgg.v2"], { remote: { transport } });
    expect(found.checkpoints.map(({ source }) => source)).toEqual([
      "hf://org/vgg.v2/vgg/vgg16.pdparams",
      "hf://org/vgg.v2/vgg/old/vgg16.pdparams",
    ]);
    expect(found.skipped).toBe(1);
    const some = await findCheckpoints(["hf://org/vgg.v2/*/old/*.pd*"], { remote: { transport } });
    expect(places(some)).toEqual(["vgg/old/vgg16.pdparams"]);
  });
});

describe.skipIf(golden === undefined)("every golden folder", () => {
  test("is the checkpoints that its cases name, each with the files that opening it gives", { timeout: 600_000 }, async () => {
    const cases = expectedCases(golden ?? "");
    const { checkpoints } = await findCheckpoints([golden ?? ""]);
    const found = new Set(checkpoints.flatMap(({ files }) => files));
    expect(new Set(checkpoints.map(({ files: [main] }) => main)).size).toBe(checkpoints.length);
    const missing: string[] = [];
    for (const { path } of cases) {
      const checkpoint = await openCheckpoint(path).catch(() => undefined);
      if (checkpoint === undefined) continue;
      await checkpoint.close();
      const base = checkpoint.variant.includes("in a zip archive") || checkpoint.variant.includes("in gzip") ? undefined : dirname(path);
      const main = base === undefined ? path : join(base, checkpoint.files[0] ?? "");
      if (!found.has(main) && !found.has(join(path, checkpoint.files[0] ?? ""))) missing.push(relative(golden ?? "", path));
    }
    expect(missing).toEqual([]);
  });
});
