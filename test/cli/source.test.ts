import { mkdtempSync, rmSync } from "node:fs";
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
