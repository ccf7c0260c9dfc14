import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { checkDevices, convert, diff, inspect, openCheckpoint, verify } from "../../src/index.ts";
import { toJson } from "../../src/report/report.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(fixtures, "interop", "vgg16.pth");
const bytes = readFileSync(path);

/** Options as a program without types has them. */
function untyped<Options>(options: unknown): Options {
  return JSON.parse(JSON.stringify(options));
}

describe("a checkpoint may be", () => {
  test.each([
    ["a path", path, path],
    ["a URL", pathToFileURL(path), path],
    ["bytes", new Uint8Array(bytes), "bytes"],
    ["a Blob", new Blob([bytes]), "blob"],
    ["a File", new File([bytes], "mine.pth"), "mine.pth"],
  ])("%s", async (_, input, file) => {
    const record = await inspect(input);
    expect(record).toMatchObject({ file, format: "torch", architecture: { name: "VGG-16" } });
    expect((await diff(input, path)).equal).toBe(true);
  });

  test("one that is open, which stays open", async () => {
    await using checkpoint = await openCheckpoint(path);
    expect((await inspect(checkpoint)).tensors).toHaveLength(checkpoint.tensors.size);
    expect((await verify(checkpoint, { other: new Uint8Array(bytes) })).pass).toBe(true);
    const out = join(folder, "open.safetensors");
    expect(await convert(checkpoint, { out })).toMatchObject({ output: out, checked: true });
    expect((await diff(checkpoint, out)).equal).toBe(true);
    expect((await checkpoint.read("conv1_1.bias")).shape).toEqual([4]);
  });

  test("nothing else", async () => {
    await expect(inspect(untyped({ a: 1 }))).rejects.toMatchObject({ code: "usage" });
    await expect(convert(new Uint8Array(bytes), {})).rejects.toMatchObject({ code: "usage" });
  });
});

describe("options are checked when the program runs", () => {
  test.each<[name: string, run: () => Promise<unknown>, message: string]>([
    [
      "a device that is none",
      () => verify(path, untyped({ device: "tpu" })),
      'the option device of verify is "tpu", needed one of cpu, cuda, gpu, auto',
    ],
    [
      "a list that is a text",
      () => inspect(path, untyped({ filter: "fc*" })),
      'the option filter of inspect is "fc*", needed a list of texts',
    ],
    [
      "a size that is a number",
      () => diff(path, path, untyped({ inputSize: 224 })),
      "the option inputSize of diff is 224, needed [height, width]",
    ],
    ["another device", () => checkDevices(untyped("tpu")), 'the device is "tpu", needed one of cpu, cuda, gpu, auto'],
    ["options that are none", () => inspect(path, untyped(["a"])), "inspect has no option 0"],
  ])("%s", async (_, run, message) => {
    await expect(run()).rejects.toMatchObject({ code: "usage", message: expect.stringContaining(message) });
  });

  test("an option that a verb does not have is answered with those that it has, and the nearest", async () => {
    const refused = convert(path, untyped({ output: join(folder, "a.safetensors") }));
    await expect(refused).rejects.toThrow(/^convert has no option output; it has allowMissing, .* useAverage/);
    await expect(inspect(path, untyped({ hashes: true }))).rejects.toThrow(/\n {2}did you mean hash\?$/);
  });

  test("from is that of the first of two, otherFrom of the second", async () => {
    await expect(diff(path, path, { from: "mat" })).rejects.toMatchObject({ where: { file: path } });
    await expect(diff(path, path, { otherFrom: "klingon" })).rejects.toMatchObject({ code: "usage" });
  });
});

test("an error says where: in its message, in its first line of stack, and apart", async () => {
  const gone = join(folder, "gone.pth");
  const error: unknown = await inspect(gone).catch((thrown: unknown) => thrown);
  expect(String(error)).toMatch(new RegExp(`^CheckpointError: ${gone}: no such file`));
  expect(error instanceof Error ? error.stack : "").toContain(gone);
  expect(error).toMatchObject({ code: "not-found", summary: expect.not.stringContaining(gone), where: { file: gone } });
});

test("JSON.stringify of a record is what --json prints, also of its metadata alone", async () => {
  const record = await inspect(join(fixtures, "demo", "vgg_face.mat"));
  expect(JSON.stringify(record)).toBe(toJson(record));
  expect(Object.keys(JSON.parse(JSON.stringify(record.metadata)))).toEqual([...record.metadata.keys()]);
});
