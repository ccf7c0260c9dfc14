import { mkdtempSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Reader } from "../src/encodings/probe.ts";
import { formats } from "../src/formats.ts";
import { createContext } from "../src/io/run.ts";
import { convert } from "../src/library/convert.ts";
import { inspect } from "../src/library/inspect.ts";
import { open } from "../src/open.ts";
import { subjects } from "./fuzz/subjects.ts";
import { fixtures } from "./support/paths.ts";

/*
 * What is asked twice can be answered twice in two ways: a file is shown to each reader once, read once, and its network is built once.
 */

const ctx = createContext({ values: false });
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(async () => {
  await ctx.dispose();
  rmSync(folder, { recursive: true });
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

/** How often a function of `src/` was called, as V8 counts. */
async function calls(name: string, work: () => Promise<unknown>): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  session.disconnect();
  const own = result.filter(({ url }) => url.includes("/src/")).flatMap(({ functions }) => functions);
  return own.filter(({ functionName }) => functionName === name).reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
}

test.each(["vgg_face.mat", "vgg16.pdparams", "vgg_16.ckpt"])("the network of %s is built once in an inspection", async (name) => {
  expect(await calls("buildNetwork", () => inspect(join(fixtures, "demo", name)))).toBe(1);
});

test("and once in a conversion", async () => {
  const converted = () => convert(join(fixtures, "demo/vgg_face.mat"), { to: "tfslim", fc: "dense", out: join(folder, "vgg_16.ckpt") });
  expect(await calls("buildNetwork", converted)).toBe(1);
});
