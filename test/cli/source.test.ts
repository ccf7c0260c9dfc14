import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { InspectRecord, SourceRecord } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { command } from "../support/command.ts";
import { writeTorchZip } from "../support/full-size/pickle-files.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const question = join(folder, "vgg_face.pth");
const source = (name: string): string => join(fixtures, "source", name);

// Spawned processes wait for whatever else runs on the machine.
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(() => {
  writeTorchZip(question, [
    ["fc1.weight", [4096, 25088]],
    ["fc1.bias", [4096]],
    ["fc2.weight", [1024, 4096]],
    ["fc2.bias", [1024]],
    ["fc3.weight", [128, 1024]],
    ["fc3.bias", [128]],
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the four networks in PyTorch, and Keras models", () => {
  const places: readonly (readonly [string, readonly string[]])[] = [
    ["torch-vggnet1.py", []],
    ["torch-vggnet2.py", ["20: class ConvPool2 makes nn.BatchNorm2d(…) inside forward"]],
    ["torch-face-question.py", ["18: class vgg_block keeps layers made by conv_bn(…) in a plain list, attribute layers"]],
    ["torch-face.py", []],
    ["keras-models.py", ["40: class Fresh makes layers.Conv2D(…)", "42: class Fresh makes layers.Dense(…)"]],
  ];
  test.each(places)("%s: %j", async (name, expected) => {
    const ran = await command(["inspect", "--source", source(name), "--json", "--fail-on", "error"]);
    expect(ran).toMatchObject({ code: expected.length === 0 ? 0 : 1, stderr: "" });
    const record: SourceRecord = JSON.parse(ran.stdout);
    expect(record.findings).toHaveLength(expected.length);
    for (const [k, place] of expected.entries()) {
      expect(record.findings[k]).toMatchObject({ code: "layers-unregistered", severity: "error", fix: expect.any(String) });
      expect(record.findings[k]?.message).toContain(`${name}:${place}`);
    }
  });
});

describe("alone", () => {
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const good = "from torch import nn\nclass Good(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(1, 2)\n";
  const bad = good.replace("Good", "Bad").replace("nn.Linear(1, 2)", "[nn.Linear(1, 2)]");

  test("all is registered: the classes are named", async () => {
    const ran = await command(["inspect", "--source", write("good.py", good)]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("good.py: every layer of these classes is registered: Good (line 2)\n");
  });

  test("nothing can be said: exit 2 with the reasons, and the record on stdout with --json", async () => {
    const empty = write("empty.py", "");
    expect(await command(["inspect", "--source", empty])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: `vggtool: ${empty}: the file is empty\n`,
    });
    const broken = write("broken.py", `${good}class A(nn.Module)\n    pass\n`);
    const ran = await command(["inspect", "--source", broken, "--json"]);
    expect(ran).toMatchObject({ code: 2, stderr: `vggtool: ${broken}: line 5: does not parse: needed ':', found the end of the line\n` });
    expect(JSON.parse(ran.stdout)).toMatchObject({ read: [{ class: "Good", line: 2, cell: null }], unread: [{ line: 5 }], faults: [] });
  });

  test("several files: one object each, on a line", async () => {
    const ran = await command([
      "inspect",
      "--source",
      write("good.py", good),
      "--source",
      write("bad.py", bad),
      "--json",
      "--fail-on",
      "error",
    ]);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    const records: readonly SourceRecord[] = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(
      records.map(({ schema, faults }) => [schema, faults.map(({ line, class: name, attribute }) => ({ line, name, attribute }))]),
    ).toEqual([
      ["vggtool/source/2", []],
      ["vggtool/source/2", [{ line: 4, name: "Bad", attribute: "fc" }]],
    ]);
  });

  test("--sarif, with and without a checkpoint; never without --source", async () => {
    const path = write("bad.py", bad);
    for (const files of [[], [question]]) {
      const ran = await command(["inspect", ...files, "--source", path, "--sarif"]);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(ran.stdout)).toMatchObject({ version: "2.1.0", runs: [{ results: [{ ruleId: "layers-unregistered" }] }] });
    }
    expect(await command(["inspect", question, "--sarif"])).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("add --source model.py"),
    });
  });
});

describe("with a checkpoint", () => {
  const causes = ({ findings }: InspectRecord) => findings.filter(({ code }) => code === "layers-unregistered");

  test("a plain list explains the thirteen convolutions and their batch norm", async () => {
    const ran = await vggtool(["inspect", question, "--source", source("torch-face-question.py"), "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const [cause, ...more] = causes(JSON.parse(ran.stdout));
    expect(more).toEqual([]);
    expect(cause?.layers).toHaveLength(13);
    expect(cause?.message).toMatch(
      /torch-face-question\.py:18: .*this explains why conv1_1, .* and their batch norm are missing from the checkpoint/,
    );
  });

  test("a batch norm made in forward explains that the checkpoint has none", async () => {
    const ran = await command(["inspect", join(fixtures, "interop", "vgg16.pth"), "--source", source("torch-vggnet2.py"), "--json"]);
    expect(causes(JSON.parse(ran.stdout)).map(({ message }) => message)).toEqual([
      expect.stringContaining("; this explains why the checkpoint has no batch norm"),
    ]);
  });

  test("code that is right leaves the guess at the cause where it was", async () => {
    const ran = await command(["inspect", question, "--source", source("torch-face.py"), "--json"]);
    const [guess, ...more] = causes(JSON.parse(ran.stdout));
    expect(more).toEqual([]);
    expect(guess).toMatchObject({ severity: "warning", message: expect.stringContaining("the likely cause") });
  });
});
