import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type DiffRecord, inspect, type TensorRecord } from "../../src/index.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { execute } from "../../src/writers/execute.ts";
import { writer } from "../../src/writers/tensorflow/tf-v2.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { memoryOutput } from "../support/memory-output.ts";
import { fixtures } from "../support/paths.ts";

// slim's vgg_16 with widths cut to a sixteenth: 12 channels and 2 × 3 places enter fc6, 20 units, 7 classes.
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const at = (name: string): string => join(folder, name);

// Spawned processes wait for whatever else runs on the machine.
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(async () => {
  for (const file of ["vgg_16.ckpt.index", "vgg_16.ckpt.data-00000-of-00001"]) copyFileSync(join(fixtures, "demo", file), at(file));
  await writeUnflattened();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What slim.fully_connected on the four axes of pool5 gives: fc6 with one row a channel. */
async function writeUnflattened(): Promise<void> {
  const ctx = createContext({ values: true });
  const checkpoint = await open(at("vgg_16.ckpt"), ctx);
  const shapes = new Map([
    ["vgg_16/fc6/weights", [12, 20]],
    ["vgg_16/fc7/weights", [20, 20]],
    ["vgg_16/fc8/weights", [20, 7]],
  ]);
  const tensors = [...checkpoint.tensors.values()]
    .filter(isNumeric)
    .map(({ name, dtype, shape }) => ({ key: name, dtype, shape: shapes.get(name) ?? shape }));
  const set = memoryOutput();
  const layout = writer.layout({ name: "their.ckpt", tensors, metadata: new Map(), options: new Map() });
  const fill = async (key: string): Promise<Uint8Array> => {
    const tensor = checkpoint.tensors.get(key);
    const bytes = tensor !== undefined && isNumeric(tensor) ? await values(tensor, ctx) : new Uint8Array(0);
    return key === "vgg_16/fc6/weights" ? bytes.subarray(0, 4 * 12 * 20) : bytes;
  };
  await execute(layout, { fill: async (key, file, offset) => file.write(offset, await fill(key)) }, set, ctx);
  for (const [name, bytes] of set.files) writeFileSync(at(name), bytes());
  await checkpoint.close();
  await ctx.dispose();
}

async function tensors(name: string): Promise<ReadonlyMap<string, TensorRecord>> {
  const record = await inspect(at(name), { hash: true });
  return new Map(record.tensors.map((tensor) => [tensor.name, tensor]));
}

async function converted(name: string, ...options: readonly string[]): Promise<ReadonlyMap<string, TensorRecord>> {
  const ran = await vggtool(["convert", at("vgg_16.ckpt"), ...options, "-o", at(name)]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return tensors(name);
}

const shapesOf = (of: ReadonlyMap<string, TensorRecord>): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries([...of].filter(([name]) => /fc\d\/weights/.test(name)).map(([name, { shape }]) => [name, shape]));

describe("Assign requires shapes of both tensors to match", () => {
  test("--fc dense gives what a dense graph restores, --fc conv goes back bit for bit", async () => {
    const dense = await converted("dense.ckpt", "--fc", "dense", "--to", "tfslim");
    expect(shapesOf(dense)).toEqual({ "vgg_16/fc6/weights": [72, 20], "vgg_16/fc7/weights": [20, 20], "vgg_16/fc8/weights": [20, 7] });
    const ran = await vggtool([
      "convert",
      at("dense.ckpt"),
      "--fc",
      "conv",
      "--to",
      "tfslim",
      "--input-size",
      "64x96x3",
      "-o",
      at("conv.ckpt"),
    ]);
    expect(ran.code).toBe(0);
    const conv = await tensors("conv.ckpt");
    const source = await tensors("vgg_16.ckpt");
    expect(shapesOf(conv)).toEqual({
      "vgg_16/fc6/weights": [2, 3, 12, 20],
      "vgg_16/fc7/weights": [1, 1, 20, 20],
      "vgg_16/fc8/weights": [1, 1, 20, 7],
    });
    source.forEach(({ sha256, shape }, name) => {
      if (name !== "global_step") expect([name, conv.get(name)?.shape, conv.get(name)?.sha256]).toEqual([name, shape, sha256]);
    });
    expect(conv.size).toBe(source.size - 1);
  });

  test("--like a checkpoint of the dense graph needs no other flag", async () => {
    const dense = await converted("dense2.ckpt", "--fc", "dense", "--to", "tfslim");
    expect(await converted("like.ckpt", "--like", at("dense2.ckpt"))).toEqual(dense);
  });

  test("--exclude, --num-classes and --no-top", async () => {
    const [without, ten, noTop] = await Promise.all([
      converted("without.ckpt", "--exclude", "vgg_16/fc8*", "--to", "tfslim"),
      converted("ten.ckpt", "--num-classes", "10", "--init", "normal", "--to", "tfslim"),
      converted("notop.ckpt", "--no-top", "--to", "tfslim"),
    ]);
    expect([...without.keys()].filter((name) => name.includes("fc8"))).toEqual([]);
    expect(without.get("vgg_16/fc7/weights")?.shape).toEqual([1, 1, 20, 20]);
    expect(ten.get("vgg_16/fc8/weights")?.shape).toEqual([1, 1, 20, 10]);
    expect(ten.get("vgg_16/fc8/biases")?.shape).toEqual([10]);
    expect([...noTop.keys()].filter((name) => name.includes("/fc"))).toEqual([]);
    expect(noTop.get("vgg_16/conv5/conv5_3/weights")).toEqual(without.get("vgg_16/conv5/conv5_3/weights"));
  });

  test("fc6 of a graph that did not flatten can never hold the rows: one sentence from --like and from diff", async () => {
    const reason =
      /fc6 .*12 rows, one for each channel of pool5: its images are as small as makes pool5 1×1, or its fully connected layer was applied to pool5 without flattening it; it cannot hold the 72 rows \(2×3×12\)/;
    const ran = await vggtool(["convert", at("vgg_16.ckpt"), "--like", at("their.ckpt"), "-o", at("never.ckpt")]);
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(reason);
    const compared = await vggtool(["diff", at("vgg_16.ckpt"), at("their.ckpt"), "--json"]);
    expect(compared.code).toBe(1);
    const record: DiffRecord = JSON.parse(compared.stdout);
    expect(record.explanations).toEqual([expect.stringMatching(reason)]);
    expect(record.tensors.filter(({ equal }) => !equal).map(({ role }) => role)).toEqual(["fc6.weight"]);
  });
});
