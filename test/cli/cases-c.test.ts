import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { InspectRecord, VerifyRecord } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { writeTorchvision } from "../support/full-size/case-files.ts";
import { npy } from "../support/full-size/holes.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const at = (name: string): string => join(folder, name);
/** torchvision's own counts. */
const published = [
  ["vgg11", 11, false, 132_863_336],
  ["vgg13", 13, false, 133_047_848],
  ["vgg16", 16, false, 138_357_544],
  ["vgg19", 19, false, 143_667_240],
  ["vgg11_bn", 11, true, 132_868_840],
  ["vgg13_bn", 13, true, 133_053_736],
  ["vgg16_bn", 16, true, 138_365_992],
  ["vgg19_bn", 19, true, 143_678_248],
] as const;

// Spawned processes wait for whatever else runs on the machine.
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(() => {
  for (const [name, depth, batchNorm] of published) writeTorchvision(at(`${name}.pth`), depth, batchNorm);
});
afterAll(() => rmSync(folder, { recursive: true }));

const lines = (text: string): readonly string[] => text.trim().split("\n");

describe("torchvision's networks", () => {
  test("all eight are recognised and counted", async () => {
    const ran = await vggtool(["inspect", ...published.map(([name]) => at(`${name}.pth`)), "--layers", "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    // The last line has the numbers of them all.
    const records = lines(ran.stdout)
      .slice(0, -1)
      .map((line): InspectRecord => JSON.parse(line));
    expect(records.map(({ layerTotals }) => layerTotals?.parameters)).toEqual(published.map(([, , , count]) => count));
    expect(records.map(({ architecture }) => architecture?.name)).toEqual(
      published.map(([, depth, batchNorm]) => `VGG-${depth}${batchNorm ? " with batch norm" : ""}`),
    );
    for (const { architecture, findings } of records) {
      expect(architecture).toMatchObject({
        complete: true,
        confidence: "sure",
        scheme: "torchvision",
        input: [224, 224, 3],
        classes: 1000,
      });
      expect(findings.filter(({ severity }) => severity !== "info")).toEqual([]);
    }
    const vgg16 = records[2];
    expect(vgg16?.layerTotals).toMatchObject({ withoutBiases: 138_344_128, bytes: 553_430_176, multiplyAdds: 15_470_264_320 });
    const rows = new Map(vgg16?.layers?.map((row) => [row.name, row]));
    expect(rows.get("fc6")).toMatchObject({ weights: 102_760_448, biases: 4096, bytes: 411_058_176, outputShape: [4096] });
    expect(rows.get("fc7")).toMatchObject({ weights: 16_777_216, biases: 4096 });
    expect(rows.get("conv1_2")).toMatchObject({ activationBytes: 12_845_056, multiplyAdds: 1_849_688_064, outputShape: [224, 224, 64] });
    // Running statistics are no parameters; Keras would count them.
    expect(records[6]?.layerTotals).toMatchObject({ statistics: 8448 });
  });

  test("the table as text, at another input size: the average pool keeps 7 × 7", async () => {
    const ran = await vggtool(["inspect", at("vgg16.pth"), "--layers", "--input-size", "320x256x3"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toMatch(/^layer +type +output +parameters +bytes +activation +multiply-adds$/m);
    expect(ran.stdout).toMatch(/^pool5 +max pool 2×2 +10 × 8 × 512 +163\.8 kB$/m);
    expect(ran.stdout).toMatch(/^avgpool +average pool to 7×7 +7 × 7 × 512 +100\.4 kB$/m);
    expect(ran.stdout).toMatch(/^fc6 +fully connected +4096 +102,764,544 +411\.1 MB +16\.4 kB +102,760,448$/m);
    expect(ran.stdout).toContain("layers: 138,357,544 parameters (138,344,128 without biases), 553.4 MB");
    expect(ran.stdout).toMatch(/^activations of one picture: \d+\.\d MB$/m);
    expect(ran.stdout).toMatch(/^multiply-adds of one picture: 25,\d{3},\d{3},\d{3}$/m);
  });

  test("--dtype float16 halves the file and says what was lost", async () => {
    const source = join(fixtures, "interop", "vgg16.pth");
    const [whole, half] = [at("whole.safetensors"), at("half.safetensors")];
    const [first, second] = await Promise.all([
      vggtool(["convert", source, "-o", whole]),
      vggtool(["convert", source, "-o", half, "--dtype", "float16"]),
    ]);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).not.toContain("rounding");
    expect(second.stdout).toMatch(/^rounding: largest error \d\.\de-\d absolute, \d\.\de-\d relative; 0 overflows, 0 underflows$/m);
    // 10,705 values of two bytes less; the headers, where the offsets have fewer digits, differ by no more than a line of padding.
    const saved = statSync(whole).size - statSync(half).size - 2 * 10_705;
    expect(saved).toBeGreaterThanOrEqual(0);
    expect(saved).toBeLessThan(64);
  });

  test("the forward pass averages what is not 7 × 7", async () => {
    const size = 3 * 320 * 256;
    const image = Float32Array.from({ length: size }, (_, k) => (((k * 37) % 101) - 50) / 64);
    writeFileSync(at("image.npy"), npy(image, [1, 3, 320, 256]));
    const ran = await vggtool(["verify", join(fixtures, "cases", "vgg11-7x7.pth"), "--input", at("image.npy"), "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const record: VerifyRecord = JSON.parse(ran.stdout);
    const shapes = new Map(record.layers.map(({ role, shape }) => [role, shape]));
    expect([shapes.get("pool5"), shapes.get("avgpool")]).toEqual([
      [1, 6, 10, 8],
      [1, 6, 7, 7],
    ]);
    // As PyTorch computes it in float64: test/support/make/make_torch_pool.py.
    const expected = [0.346240298132, -0.305755781188, -0.221046753013, -0.331323607873, -0.165410524821];
    for (const [k, value] of expected.entries()) expect(record.logits.values[k]).toBeCloseTo(value, 6);
  });
});
