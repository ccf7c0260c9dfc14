import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import type { Reader } from "../src/encodings/probe.ts";
import { formats } from "../src/formats.ts";
import { createContext } from "../src/io/run.ts";
import { convert } from "../src/library/convert.ts";
import { inspect } from "../src/library/inspect.ts";
import { buildNetwork } from "../src/model/network/build-network.ts";
import { open } from "../src/open.ts";
import { subjects } from "./fuzz/subjects.ts";
import { fixtures } from "./support/paths.ts";

/*
 * What is asked twice can be answered twice in two ways: a file is shown to each reader once, read once, and its network is built once.
 */

vi.mock("../src/model/network/build-network.ts", { spy: true });

const ctx = createContext({ values: false });
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(async () => {
  await ctx.dispose();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  vi.mocked(buildNetwork).mockClear();
});

async function readers(): Promise<readonly Reader[]> {
  const found = await Promise.all(formats.map(async (format) => (await format.read?.()) ?? []));
  return [...new Set(found.flat())];
}

test("a file is shown to each reader at most once, and read by one reader once", async () => {
  const spies = (await readers()).map((reader) => ({ detect: vi.spyOn(reader, "detect"), read: vi.spyOn(reader, "read") }));
  for (const { folder: place, entry } of subjects) {
    for (const { detect, read } of spies) [detect.mockClear(), read.mockClear()];
    const checkpoint = await open(join(fixtures, place, entry), ctx);
    await checkpoint.close();
    const again = spies.flatMap(({ detect }) => {
      const probes = detect.mock.calls.map(([probe]) => probe);
      return probes.filter((probe, k) => probes.indexOf(probe) !== k);
    });
    expect(again, `${place}/${entry}`).toEqual([]);
    expect(spies.flatMap(({ read }) => read.mock.calls).length, `${place}/${entry}`).toBe(1);
  }
  vi.restoreAllMocks();
});

test.each(["vgg_face.mat", "vgg16.pdparams", "vgg_16.ckpt"])("the network of %s is built once in an inspection", async (name) => {
  await inspect(join(fixtures, "demo", name));
  expect(buildNetwork).toHaveBeenCalledTimes(1);
});

test("and once in a conversion", async () => {
  await convert(join(fixtures, "demo/vgg_face.mat"), { to: "tfslim", fc: "dense", out: join(folder, "vgg_16.ckpt") });
  expect(buildNetwork).toHaveBeenCalledTimes(1);
});
