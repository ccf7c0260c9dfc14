import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { InspectRecord, SourceRecord } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { writeQuestion } from "../support/full-size/case-files.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const question = join(folder, "vgg_face.pdparams");
const source = (name: string): string => join(fixtures, "source", name);
const convs = "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv4_1 conv4_2 conv4_3 conv5_1 conv5_2 conv5_3".split(" ");

// Spawned processes wait for whatever else runs on the machine.
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(() => {
  writeQuestion(question);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("features that are random every time", () => {
  test("inspect lists the six tensors, names the thirteen convolutions, the cause and the fix", async () => {
    const ran = await vggtool(["inspect", question, "--json", "--fail-on", "error"]);
    expect(ran).toMatchObject({ code: 1, stderr: "" });
    const record: InspectRecord = JSON.parse(ran.stdout);
    expect(record.tensors.map(({ name, shape }) => [name, shape])).toEqual([
      ["fc1.weight", [25088, 4096]],
      ["fc1.bias", [4096]],
      ["fc2.weight", [4096, 1024]],
      ["fc2.bias", [1024]],
      ["fc3.weight", [1024, 128]],
      ["fc3.bias", [128]],
    ]);
    expect(record.totals).toEqual({ tensors: 6, parameters: 107_091_072, bytes: 428_364_288, notParameters: 0 });
    const found = new Map(record.findings.map((finding) => [finding.code, finding]));
    expect(found.get("layers-missing")).toMatchObject({ severity: "error", layers: convs });
    expect(found.get("layers-missing")?.message).toContain(
      "nothing in the file produces the 25,088 = 512 × 7 × 7 values that fc6 (fc1.weight) takes",
    );
    expect(found.get("layers-missing")?.message).toContain("the 13 convolutions of a VGG-16 (and their batch norm, if any)");
    expect(found.get("layers-unregistered")?.message).toContain("plain Python list");
    expect(found.get("layers-unregistered")?.fix).toMatch(/LayerList.*add_sublayer/);
    // 599 MiB on disk, 428 MB of values, and what a file saved again would have.
    const text = found.get("text-encoded-pickle")?.message;
    expect(text).toContain("107,091,072 values are 428,364,288 bytes (408.5 MiB)");
    expect(text).toMatch(/the file has 628,\d{3},\d{3} bytes \(599\.0 MiB\), 1\.47 times as many/);
    expect(text).toContain("saved again it has about 428,364,288 bytes");
  });

  test("as text it is readable, and findings decide the exit code only when asked to", async () => {
    const ran = await vggtool(["inspect", question]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/fc1\.weight +float32 \(latin-1 text\) +25088 × 4096 +102,760,448 +fc6\.weight/);
    expect(ran.stdout).toContain("13 layers missing");
    for (const name of convs) expect(ran.stdout).toContain(name);
  });

  test("with the code beside it the line takes the place of the guess", async () => {
    const ran = await vggtool(["inspect", question, "--source", source("paddle-face-question.py"), "--json"]);
    const record: InspectRecord = JSON.parse(ran.stdout);
    const causes = record.findings.filter(({ code }) => code === "layers-unregistered");
    expect(causes).toHaveLength(1);
    expect(causes[0]?.layers).toEqual(convs);
    expect(causes[0]?.message).toMatch(
      /paddle-face-question\.py:18: class vgg_block keeps layers made by conv_bn\(…\) in a plain list, attribute layers/,
    );
    expect(causes[0]?.message).toMatch(/this explains why conv1_1, .* and their batch norm are missing from the checkpoint/);
    expect(causes[0]?.fix).toMatch(/LayerList.*add_sublayer/);
  });
});

describe("--source alone", () => {
  const places: readonly (readonly [string, readonly string[]])[] = [
    ["paddle-vggnet.py", []],
    ["paddle-vggnet2.py", ["17: class ConvPool2 makes fluid.layers.batch_norm(…) inside forward"]],
    ["paddle-face-question.py", ["18: class vgg_block keeps layers made by conv_bn(…) in a plain list, attribute layers"]],
    ["paddle-face.py", []],
  ];
  test.each(places)("%s: %j", async (name, expected) => {
    const ran = await vggtool(["inspect", "--source", source(name), "--json", "--fail-on", "error"]);
    expect(ran).toMatchObject({ code: expected.length === 0 ? 0 : 1, stderr: "" });
    const record: SourceRecord = JSON.parse(ran.stdout);
    expect(record.schema).toBe("vggtool/source/2");
    expect(record.findings.map(({ severity }) => severity)).toEqual(expected.map(() => "error"));
    for (const [k, place] of expected.entries()) expect(record.findings[k]?.message).toContain(`${name}:${place}`);
    for (const finding of record.findings) expect(finding.fix).toMatch(/LayerList|add_sublayer|__init__|register/);
  });
});
