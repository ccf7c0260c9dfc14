import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { fixtures } from "../support/paths.ts";

const source = join(fixtures, "demo", "vgg_16.ckpt");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-mean-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function converted(to: string, naming?: string) {
  const ctx = createContext({ values: true, temporaryFolder: folder });
  const checkpoint = await open(source, ctx);
  const out = join(folder, `${to}-${naming ?? "usual"}`);
  const options = { to, out, force: true, ...(naming === undefined ? {} : { naming }) };
  const result = await convertCheckpoint({ checkpoint, identity: identify(checkpoint), input: source }, options, ctx);
  const made = await open(result.output, ctx);
  const answer = { ledger: result.ledger, keys: [...made.tensors.keys()], preprocessing: identify(made)?.preprocessing };
  await made.close();
  await checkpoint.close();
  await ctx.dispose();
  return answer;
}

describe("tf-slim's mean_rgb", () => {
  test.each(["torch", "paddle", "matconvnet"])("is no tensor of %s's networks, and the ledger says what became of it", async (to) => {
    const { ledger, keys } = await converted(to);
    expect(keys.filter((key) => key.includes("mean_rgb"))).toEqual([]);
    expect(ledger.sources.find(({ key }) => key === "vgg_16/mean_rgb")).toMatchObject({
      use: "unused",
      reason: "it says how images are prepared: written as preprocessing",
    });
  });

  test.each([
    ["safetensors", undefined],
    ["tfslim", undefined],
    ["torch", "keep"],
  ])("travels along to %s (names: %s)", async (to, naming) => {
    expect((await converted(to, naming)).keys).toContain("vgg_16/mean_rgb");
  });

  test("is read, not assumed", async () => {
    const { preprocessing } = await converted("matconvnet");
    expect(preprocessing).toMatchObject({ channels: "rgb", range: 255, source: "read" });
    expect(preprocessing?.mean.map((value) => value.toFixed(3))).toEqual(["123.680", "116.780", "103.940"]);
  });
});
