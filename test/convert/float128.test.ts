import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { inspectCheckpoint } from "../../src/inspect/inspect.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { listing } from "../support/listing.ts";
import { fixtures } from "../support/paths.ts";

const file = join(fixtures, "npz", "longdouble", "longdouble.npz");
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const ctx = createContext({ values: true, temporaryFolder: folder });
afterAll(async () => {
  await ctx.dispose();
  rmSync(folder, { recursive: true });
});

async function converted(out: string, options: ConvertOptions = {}): Promise<void> {
  const checkpoint = await open(file, ctx);
  try {
    await convertCheckpoint({ checkpoint, identity: undefined }, { out: join(folder, out), ...options }, ctx);
  } finally {
    await checkpoint.close();
  }
}

/** NumPy's longdouble: its bytes are carried, their meaning is not in the file. */
describe("float128", () => {
  test("goes to npz bit for bit, whatever order it was kept in", async () => {
    await converted("out.npz");
    expect((await listing(join(folder, "out.npz"))).tensors).toEqual((await listing(file)).tensors);
  });

  test("has no statistics, and inspection goes on", async () => {
    const checkpoint = await open(file, ctx);
    const record = await inspectCheckpoint(file, checkpoint, ctx, { stats: true });
    expect(record.tensors.map(({ name, stats }) => [name, stats?.max])).toEqual([
      ["wide", undefined],
      ["column", undefined],
      ["swapped", undefined],
      ["plain", 2],
    ]);
    expect(record.totals.parameters).toBe(39);
    await checkpoint.close();
  });

  test.each<[string, ConvertOptions, string]>([
    ["out.safetensors", {}, "safetensors cannot hold float128, nor a type with all its values"],
    ["out.npz", { dtype: "float32" }, "float128 cannot be made float32: the file does not say what its bits mean"],
  ])("to %s with %o: refused", async (out, options, message) => {
    await expect(converted(out, options)).rejects.toMatchObject({ code: "unsupported", message });
  });
});
