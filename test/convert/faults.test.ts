import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { CheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { fromSystem } from "../../src/io/system-error.ts";
import { openSet } from "../../src/open.ts";
import { fixtures } from "../support/paths.ts";

const whole = new Uint8Array(readFileSync(join(fixtures, "demo", "vgg16.pdparams")));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
  writeFileSync(join(folder, "out.safetensors"), "the old output");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Converts the demo's Paddle file out of a source whose reads go through `read`. */
async function converted(
  read: (source: ByteSource, offset: number, length: number, into?: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const inner = memorySource(whole, "vgg16.pdparams");
  const source: ByteSource = { ...inner, read: (offset, length, into) => read(inner, offset, length, into) };
  const ctx = createContext({ values: true, temporaryFolder: folder });
  try {
    const set = {
      name: "memory",
      open: async (name: string) => (name === "vgg16.pdparams" ? source : undefined),
      list: async () => ["vgg16.pdparams"],
    };
    const checkpoint = await openSet(set, "vgg16.pdparams", ctx);
    await convertCheckpoint({ checkpoint, identity: undefined }, { out: join(folder, "out.safetensors"), force: true }, ctx);
  } finally {
    await ctx.dispose();
  }
}

/** How often anything is read, and where values begin: parsing comes first. */
async function reads(): Promise<number> {
  let count = 0;
  await converted(async (source, offset, length, into) => {
    count += 1;
    return source.read(offset, length, into);
  });
  return count;
}

function untouched(): void {
  expect(readdirSync(folder)).toEqual(["out.safetensors"]);
  expect(readFileSync(join(folder, "out.safetensors"), "utf8")).toBe("the old output");
}

describe("a conversion whose source fails keeps the old output", () => {
  test.each([
    ["EIO", "io", /input\/output error/],
    ["ESTALE", "io", /refused \(ESTALE\)/],
  ])("%s at any read", async (system, code, message) => {
    const total = await reads();
    writeFileSync(join(folder, "out.safetensors"), "the old output");
    expect(total).toBeGreaterThan(20);
    for (const failing of [1, 2, Math.floor(total / 2), total - 1, total]) {
      let count = 0;
      const failed = converted(async (source, offset, length, into) => {
        count += 1;
        if (count === failing) throw fromSystem(Object.assign(new Error(system), { code: system }), source.name, offset);
        return source.read(offset, length, into);
      });
      await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message), where: { file: "vgg16.pdparams" } });
      untouched();
    }
  });

  test("a source that is cut short", async () => {
    const half = Math.floor((await reads()) / 2);
    writeFileSync(join(folder, "out.safetensors"), "the old output");
    let count = 0;
    const failed = converted(async (source, offset, length, into) => {
      count += 1;
      if (count > half) throw new CheckpointError("changed", "the file was cut short", { file: source.name, offset });
      return source.read(offset, length, into);
    });
    await expect(failed).rejects.toMatchObject({ code: "changed" });
    untouched();
  });
});
