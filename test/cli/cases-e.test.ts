import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type InspectRecord, inspect, type VerifyRecord } from "../../src/index.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";
import { unpackKeras } from "../support/full-size/case-files.ts";
import { writeFaceMat } from "../support/full-size/mat-file.ts";
import { fixtures } from "../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
const at = (name: string): string => join(folder, name);
/** What Keras' count_params gives: test/support/make/make_keras_headers.py. */
const totals = [
  ["vggface", 145_002_878],
  ["conv-4096", 151_050_050],
  ["conv-2048", 142_655_298],
  ["dense-2048", 142_655_298],
  ["convlstm-2049", 184_637_260],
  ["lstm-30", 134_755_846],
] as const;

// Spawned processes wait for whatever else runs on the machine.
vi.setConfig({ testTimeout: PROCESS_TIMEOUT });

beforeAll(() => {
  writeFaceMat(at("net.mat"), "net");
  writeFaceMat(at("meta.mat"), "meta");
  for (const name of [...totals.map(([each]) => each), "lstm-narrow"]) unpackKeras(name, at(`${name}.h5`));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The records of several files, a line each; the numbers behind them are no record. */
const records = (text: string): readonly InspectRecord[] =>
  text
    .trim()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("vgg_face.mat, full size", () => {
  test("both layouts: weights, all layers, class descriptions and the average colour", async () => {
    const ran = await vggtool(["inspect", at("net.mat"), at("meta.mat"), "--layers", "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const [net, meta, ...more] = records(ran.stdout);
    expect(more).toEqual([]);
    for (const [record, prefix] of [
      [net, "net.layers"],
      [meta, "layers"],
    ] as const) {
      expect(record?.layerTotals?.parameters).toBe(145_002_878);
      expect(record?.totals).toMatchObject({ tensors: 32, parameters: 145_002_878, bytes: 580_011_512 });
      expect(record?.tensors.slice(0, 2).map(({ name, shape, role }) => [name, shape, role])).toEqual([
        [`${prefix}{1}.weights{1}`, [3, 3, 3, 64], "conv1_1.weight"],
        [`${prefix}{1}.weights{2}`, [64, 1], "conv1_1.bias"],
      ]);
      expect(record?.architecture).toMatchObject({
        name: "VGG-16",
        classes: 2622,
        input: [224, 224, 3],
        complete: true,
        confidence: "sure",
      });
      expect(record?.findings).toEqual([]);
      const rows = record?.layers ?? [];
      const named = (type: string) => rows.filter((row) => row.type === type).map(({ name }) => name);
      expect(rows).toHaveLength(39);
      expect([named("conv").length, named("relu").length, named("pool").length]).toEqual([16, 15, 5]);
      expect([named("dropout"), named("softmax")]).toEqual([["dropout6", "dropout7"], ["prob"]]);
      expect(rows.slice(0, 2).map(({ name, outputShape }) => [name, outputShape])).toEqual([
        ["conv1_1", [224, 224, 64]],
        ["relu1_1", [224, 224, 64]],
      ]);
      expect(rows.find(({ name }) => name === "relu1_1")).toMatchObject({ type: "relu", parameters: 0, bytes: 0 });
      expect(record?.metadata).toMatchObject({ "meta.normalization.averageImage": [129.1863, 104.7624, 93.594] });
      const described: unknown = Object.entries(record?.metadata ?? {}).find(([key]) => key === "meta.classes.description")?.[1];
      expect(described).toHaveLength(2622);
      expect(described).toMatchObject(
        ["Person_0", "Aamir_Khan", "Person_2"].concat(Array.from({ length: 2619 }, (_, k) => `Person_${k + 3}`)),
      );
    }
  });

  test("as text: the weightless layers and the metadata are there", async () => {
    const ran = await vggtool(["inspect", at("meta.mat"), "--layers", "--filter", "layers{1}.*"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("VGG-16: 2,622 classes, input 224 × 224 × 3, matconvnet names, complete");
    expect(ran.stdout).toMatch(/^relu1_1 +relu +224 × 224 × 64/m);
    expect(ran.stdout).toMatch(/^prob +softmax +1 × 1 × 2622/m);
    expect(ran.stdout).toMatch(/^meta\.classes\.description +Person_0, Aamir_Khan, .* 2,622 in all$/m);
    expect(ran.stdout).toMatch(/^meta\.normalization\.averageImage +129\.1863, 104\.7624, 93\.594$/m);
  });
});

describe("Keras files", () => {
  test("the totals of changed heads and of video heads, from headers alone", async () => {
    const ran = await vggtool(["inspect", ...totals.map(([name]) => at(`${name}.h5`)), "--layers", "--json"]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    const found = records(ran.stdout);
    expect(found.map(({ layerTotals }) => layerTotals?.parameters)).toEqual(totals.map(([, total]) => total));
    expect(found.map(({ totals: of }) => of.parameters)).toEqual(totals.map(([, total]) => total));
    for (const { architecture, findings, layers } of found) {
      expect(architecture).toMatchObject({ name: "VGG-16", input: [224, 224, 3], missing: [] });
      expect(layers?.map(({ outputShape }) => outputShape)).not.toContain(undefined);
      // These files are headers without values: all 500 MB of them are one fill value, which is said.
      expect(findings.filter(({ severity }) => severity !== "info").map(({ code }) => code)).toEqual(["amplified"]);
    }
    const infos = found.map(({ findings }) => findings.filter(({ severity }) => severity === "info"));
    expect(infos.map((each) => each.map(({ code }) => code))).toEqual([[], ...Array(5).fill(["head-replaced"])]);
    const [convLstm, lstm] = found.slice(4);
    const roles = convLstm?.tensors.filter(({ role }) => role !== undefined);
    expect(roles).toHaveLength(30);
    expect(roles?.[2]).toMatchObject({ name: "model_weights/time_distributed_1/time_distributed_1/kernel:0", role: "conv1_2.weight" });
    expect(convLstm?.findings.find(({ code }) => code === "head-replaced")?.layers.map((name) => name.split("/").at(-1))).toEqual([
      "kernel:0",
      "recurrent_kernel:0",
      "bias:0",
      "kernel:0",
      "bias:0",
    ]);
    const row = (name: string) => [...(convLstm?.layers ?? []), ...(lstm?.layers ?? [])].find((layer) => layer.name === name);
    expect(row("time_distributed_17")).toMatchObject({ type: "TimeDistributed(MaxPooling2D)", outputShape: [7, 7, 7, 512] });
    expect(row("fc8")).toMatchObject({ type: "ConvLSTM2D", parameters: 4 * 2049 * (4096 + 2049 + 1), outputShape: [1, 1, 2049] });
    expect(row("lstm")).toMatchObject({ type: "LSTM", parameters: 495_240, outputShape: [30] });
  });

  test("convert vgg_face.mat --to keras keeps every layer under Keras' names", async () => {
    const ran = await vggtool(["convert", join(fixtures, "demo", "vgg_face.mat"), "--to", "keras", "-o", at("face.h5")]);
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(ran.stdout).toContain("32 of 32 source tensors used");
    const record = await inspect(at("face.h5"), { layers: true });
    expect(record).toMatchObject({
      format: "keras-h5",
      totals: { tensors: 32, parameters: 10_705 },
      architecture: { complete: true, classes: 7 },
    });
    expect(record.tensors[0]).toMatchObject({ label: "conv1_1/kernel", shape: [3, 3, 3, 4] });
    // Biases have lost MATLAB's second axis.
    expect(record.tensors[1]).toMatchObject({ label: "conv1_1/bias", shape: [4] });
  });

  test("of a video network the VGG part goes along, and what is left out is named", async () => {
    const [plain, network, only] = await Promise.all([
      vggtool(["convert", at("lstm-narrow.h5"), "-o", at("video.safetensors")]),
      vggtool(["convert", at("lstm-narrow.h5"), "--to", "matconvnet", "-o", at("refused.mat")]),
      vggtool([
        "convert",
        at("lstm-narrow.h5"),
        "--to",
        "matconvnet",
        "--exclude",
        "*lstm*",
        "--exclude",
        "*dense*",
        "-o",
        at("video.mat"),
      ]),
    ]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).toContain("35 of 35 source tensors used");
    expect(network.code).toBe(2);
    expect(network.stderr).toMatch(/matconvnet cannot store .*lstm_cell\/kernel:0, .*lstm_cell\/recurrent_kernel:0, .*dense\/bias:0/);
    expect(network.stderr).toContain("--exclude");
    expect(only).toMatchObject({ code: 0, stderr: "" });
    expect(only.stdout).toMatch(/^30 tensors to matconvnet names: .* 30 of 35 source tensors used$/m);
    expect(only.stdout).toMatch(/^left out: .*lstm_cell\/kernel:0, .*dense\/bias:0 \(excluded\)$/m);
  });
});

test("verify --labels prints the names of meta.classes.description", async () => {
  const demo = join(fixtures, "demo");
  const [own, lent] = await Promise.all([
    vggtool(["verify", join(demo, "vgg_face.mat"), "--input", join(demo, "input.npy"), "--top", "2"]),
    vggtool([
      "verify",
      join(demo, "vgg_16.ckpt"),
      ...["--input", join(demo, "input.npy"), "--labels", join(demo, "vgg_face.mat"), "--top", "2", "--json"],
    ]),
  ]);
  expect([own.code, lent.code]).toEqual([0, 0]);
  expect(own.stdout).toMatch(/^ +1 +0 +0\.6553 +Aamir_Khan\n +2 +1 +0\.0889 +Renée_Zellweger$/m);
  const record: VerifyRecord = JSON.parse(lent.stdout);
  expect(record.top.map(({ label }) => label)).toEqual(["Aamir_Khan", "Renée_Zellweger"]);
});
