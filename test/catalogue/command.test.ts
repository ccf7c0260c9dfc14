import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inProcess } from "../support/in-process.ts";
import { fixtures } from "../support/paths.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-catalogue-"));
afterAll(() => rmSync(root, { recursive: true }));

const pth = join(fixtures, "interop", "vgg16.pth");
const mat = join(fixtures, "demo", "vgg_face.mat");
const zoo = join(root, "zoo");
const empty = join(root, "empty.pth");

beforeAll(() => {
  mkdirSync(join(root, "models"));
  writeFileSync(empty, "");
});

describe("vggtool catalogue", () => {
  test("says what it did", async () => {
    expect(await inProcess(["catalogue", pth, mat, "-o", zoo])).toMatchObject({
      code: 0,
      stdout: `${zoo}: 2 checkpoints, 64 tensors (2 read, 0 unchanged)\n`,
    });
    const again = await inProcess(["catalogue", pth, mat, "-o", zoo, "--json"]);
    expect(JSON.parse(again.stdout)).toEqual({
      schema: "vggtool/catalogue/1",
      output: zoo,
      sources: 2,
      read: 0,
      unchanged: 2,
      failed: 0,
      passing: 0,
      checkpoints: 2,
      tensors: 64,
    });
  });

  test("fails where a source cannot be read, unless that is to be recorded", async () => {
    const out = join(root, "bad");
    const failed = await inProcess(["catalogue", empty, pth, "-o", out]);
    expect(failed).toMatchObject({ code: 2, stderr: `vggtool: ${empty}: the file is empty\n` });
    expect((await inProcess(["catalogue", empty, pth, "-o", out])).code).toBe(2);
    expect((await inProcess(["catalogue", empty, pth, "-o", out, "--record-errors"])).code).toBe(0);
  });

  test.each([
    [["catalogue", pth], "a catalogue needs a folder\n  say which: -o zoo"],
    [["catalogue", pth, "-o", zoo, "--shard", "0/3"], "Two numbers are needed, as in 1/7 to 7/7"],
    [["catalogue", pth, "-o", zoo, "--shard", "4/3"], "Two numbers are needed, as in 1/7 to 7/7"],
    [["catalogue", "-o", zoo], "at least one"],
  ])("%j is refused", async (args, message) => {
    const ran = await inProcess(args);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(message);
  });
});

describe("vggtool catalogue query", () => {
  test("prints a table, and a line a row with --json", async () => {
    const text = await inProcess(["catalogue", "query", zoo, "--where", "format = 'torch'"]);
    expect(text).toMatchObject({ code: 0 });
    expect(text.stdout).toMatch(
      /^source +format +network +through +classes +tensors +parameters +error\n\S+vgg16.pth +torch +vgg D +fc8 +7 +32 +10,705\n$/,
    );
    const json = await inProcess(["catalogue", "query", zoo, "--json"]);
    const rows: unknown[] = json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toEqual([expect.objectContaining({ source: mat }), expect.objectContaining({ source: pth, classes: 7 })]);
  });

  test("answers no with 1, and says which column was meant with 2", async () => {
    expect(await inProcess(["catalogue", "query", zoo, "--where", "classes = 2622"])).toMatchObject({ code: 1, stdout: "" });
    const wrong = await inProcess(["catalogue", "query", zoo, "--where", "clases = 2622"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("there is no column clases, at character 1: …clases = 2622…\n  did you mean classes?");
  });

  test("of the tensors", async () => {
    const ran = await inProcess(["catalogue", "query", zoo, "--tensors", "--where", "role = 'fc8.bias' and bytes = 28", "--json"]);
    expect(ran.stdout.trim().split("\n")).toHaveLength(2);
    expect((await inProcess(["catalogue", "query", zoo, "--where", "role = 'fc8.bias'"])).code).toBe(2);
  });

  test("needs a catalogue", async () => {
    const ran = await inProcess(["catalogue", "query", join(root, "none")]);
    expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining("make one: vggtool catalogue SOURCE -o ") });
  });
});

test("vggtool catalogue merge joins, and does not replace unasked", async () => {
  const out = join(root, "merged");
  const args = ["catalogue", "merge", zoo, join(root, "bad"), "-o", out];
  expect(await inProcess(args)).toMatchObject({ code: 0, stdout: `${out}: 3 checkpoints, 64 tensors\n` });
  expect((await inProcess(args)).code).toBe(2);
  expect(JSON.parse((await inProcess([...args, "--force", "--json"])).stdout)).toMatchObject({ checkpoints: 3, repeated: 1 });
});
