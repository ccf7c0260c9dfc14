import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { convert as convertFile, diff, inspect, verify } from "../../src/index.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { fixtures } from "../support/paths.ts";

/** The demo's network in a file that ends with values, so that reading on cannot tell that they changed. */
let network = Buffer.alloc(0);
beforeAll(async () => {
  const out = join(mkdtempSync(join(tmpdir(), "vggtool-test-")), "vgg.safetensors");
  await convertFile(join(fixtures, "demo", "vgg_face.mat"), { out });
  network = readFileSync(out);
  rmSync(dirname(out), { recursive: true });
});
let folder = "";
let source = "";
const changed = { code: "changed", message: expect.stringContaining("the input changed while it was read; ") };
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
  source = join(folder, "vgg.safetensors");
  writeFileSync(source, network);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Other values in the same file. */
function rewrite(path: string): void {
  const bytes = readFileSync(path);
  for (let at = bytes.length - 400; at < bytes.length - 100; at += 4) bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** What is called with the progress of a run: rewrites a file when the first values were read. */
function rewriteOnce(path: string): () => void {
  let done = false;
  return () => {
    if (!done) rewrite(path);
    done = true;
  };
}

/** Opens `path`, rewrites a file when all headers are parsed and no value was read, and converts it. */
async function rewrittenAfterOpening(path: string, file: string): Promise<void> {
  const ctx = createContext({ values: true, temporaryFolder: folder });
  const checkpoint = await open(path, ctx);
  try {
    rewrite(file);
    await convertCheckpoint({ checkpoint, identity: undefined, input: path }, { out: join(folder, "out.npz") }, ctx);
  } finally {
    await checkpoint.close();
    await ctx.dispose();
  }
}

describe("a source that changes between its header and its values", () => {
  test("a file", async () => {
    await expect(rewrittenAfterOpening(source, source)).rejects.toMatchObject({ ...changed, where: { file: source } });
    expect(readdirSync(folder)).toEqual(["vgg.safetensors"]);
  });

  test("one file of a set", async () => {
    const sharded = join(folder, "sharded");
    cpSync(join(fixtures, "safetensors", "sharded"), sharded, { recursive: true });
    const shard = readdirSync(sharded).find((name) => name.endsWith(".safetensors")) ?? "";
    await expect(rewrittenAfterOpening(sharded, join(sharded, shard))).rejects.toMatchObject(changed);
    expect(readdirSync(folder).sort()).toEqual(["sharded", "vgg.safetensors"]);
  });
});

describe("a source that changes while its values are read", () => {
  test("nothing is written", async () => {
    const run = convertFile(source, { out: join(folder, "out.npz"), onProgress: rewriteOnce(source) });
    await expect(run).rejects.toMatchObject(changed);
    expect(readdirSync(folder)).toEqual(["vgg.safetensors"]);
  });

  test("neither where it is the checkpoint that the output is like", async () => {
    const other = join(folder, "other.safetensors");
    cpSync(source, other);
    const run = convertFile(source, { like: other, out: join(folder, "out.safetensors"), onProgress: rewriteOnce(other) });
    await expect(run).rejects.toMatchObject({ ...changed, where: { file: other } });
    expect(readdirSync(folder).sort()).toEqual(["other.safetensors", "vgg.safetensors"]);
  });

  test.each([{ hash: true }, { stats: true }])("inspect gives no values with %o", async (options) => {
    await expect(inspect(source, { ...options, onProgress: rewriteOnce(source) })).rejects.toMatchObject(changed);
  });

  test("inspect without values is of its headers", async () => {
    expect((await inspect(source, { onProgress: rewriteOnce(source) })).tensors.length).toBeGreaterThan(30);
  });

  test("diff tells of neither", async () => {
    const other = join(folder, "other.safetensors");
    cpSync(source, other);
    await expect(diff(source, other, { onProgress: rewriteOnce(other) })).rejects.toMatchObject({ ...changed, where: { file: other } });
  });

  test("verify gives no answer, and saves nothing", async () => {
    const output = join(folder, "logits.npy");
    const run = verify(source, { engine: "wasm", output, onProgress: rewriteOnce(source) });
    await expect(run).rejects.toMatchObject(changed);
    expect(readdirSync(folder)).toEqual(["vgg.safetensors"]);
  });
});
