import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { convert, type ReportRecord, report } from "../../../src/index.ts";
import { reportData } from "../../../src/report/page/model.ts";
import { reportPage } from "../../../src/report/page/page.ts";
import { strips } from "../../../src/report/page/strip.ts";
import { isRecord } from "../../support/golden.ts";
import { hostileCheckpoint } from "../../support/hostile-names.ts";
import { fixtures } from "../../support/paths.ts";

const vgg16 = join(fixtures, "interop", "vgg16.pth");
const tfslim = join(fixtures, "demo", "vgg_16.ckpt");
let record: ReportRecord;
beforeAll(async () => {
  record = await report(vgg16, { other: tfslim, to: "safetensors" });
}, 60_000);

/** Of fc6. */
const [outputs, channels, places] = [20, 12, 6] as const;
const inputs = channels * places;

/** The same network, whose fc6 has its inputs in the order height, width, channels. */
async function wronglyFlattened(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-report-"));
  const { output } = await convert(vgg16, { to: "safetensors", naming: "keep", layout: "keep", out: join(folder, "vgg.safetensors") });
  const bytes = new Uint8Array(readFileSync(output));
  rmSync(folder, { recursive: true });
  const view = new DataView(bytes.buffer);
  const end = 8 + Number(view.getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)));
  const entry = isRecord(header) ? header["classifier.0.weight"] : undefined;
  const from = end + (isRecord(entry) && Array.isArray(entry.data_offsets) ? Number(entry.data_offsets[0]) : Number.NaN);
  const before = bytes.slice(from, from + 4 * outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    for (let k = 0; k < inputs; k++) {
      const moved = (k % places) * channels + Math.floor(k / places);
      bytes.set(before.subarray(4 * (o * inputs + k), 4 * (o * inputs + k + 1)), from + 4 * (o * inputs + moved));
    }
  }
  return bytes;
}

describe("what a page shows", () => {
  test("the file, its network and why it is taken for that", () => {
    const { heading, facts, evidence } = reportData(record);
    expect(heading).toMatch(/vgg16\.pth$/);
    expect(facts[1]).toMatch(/^VGG-16: 7 classes, .*torchvision names, complete$/);
    expect(evidence.length).toBeGreaterThan(0);
  });

  test("every tensor with its statistics; six digits are enough for a chart", () => {
    const { tensors } = reportData(record);
    expect(tensors?.rows).toHaveLength(record.inspect.tensors.length);
    const first = tensors?.rows[0];
    expect(first).toMatchObject({ name: "features.0.weight", role: "conv1_1.weight", dtype: "float32" });
    const counts = first?.stats?.histogram?.counts ?? [];
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(first?.values);
    expect(String(first?.stats?.mean).replace(/^-?0?\.0*/, "").length).toBeLessThanOrEqual(7);
  });

  test("the kernels that see the picture, with who says the order of their channels", () => {
    const { sheet } = reportData(record);
    expect(sheet).toMatchObject({ layer: "conv1_1", kernel: [3, 3], channels: 3 });
    const bytes = Buffer.from(sheet?.values ?? "", "base64");
    expect(bytes.length).toBe(4 * 9 * 3 * (sheet?.outputs ?? 0));
    expect(sheet?.grounds).toMatch(/^The first channel is red|^Nothing says/);
  });

  test("norms of the filters of every layer, fully connected ones too", () => {
    const layers = reportData(record).filters;
    expect(layers.map(({ layer }) => layer).slice(-3)).toEqual(["fc6", "fc7", "fc8"]);
    for (const { outputs, norms, kernel, places } of layers) {
      expect(Buffer.from(norms, "base64")).toHaveLength(2 * outputs);
      expect(Buffer.from(places, "base64")).toHaveLength(kernel === null ? 0 : 9 * outputs);
    }
    const [first] = record.filters?.layers ?? [];
    const sheet = record.filters?.sheet;
    const own = sheet?.values.subarray(0, 27).reduce((sum, value) => sum + value * value, 0) ?? 0;
    expect(first?.norms[0]).toBeCloseTo(Math.sqrt(own), 6);
  });

  test("what a conversion would do, and how far the other file is", () => {
    const { ledger, comparison } = reportData(record);
    expect(ledger?.moves).toHaveLength(32);
    expect(ledger?.target).toMatch(/^safetensors, /);
    expect(comparison?.rows.map(({ name }) => name)).toContain("fc6.weight");
    expect([comparison?.equal, comparison?.rows.filter(({ histogram }) => histogram !== undefined)]).toEqual([true, []]);
    const { looked = 0, pairs = [] } = comparison?.rowLikeness ?? {};
    expect(pairs.length).toBeGreaterThan(0.9 * looked);
    expect(pairs.every(([a, b]) => a === b)).toBe(true);
  });

  test("an fc6 that is flattened in another order: histograms of what differs, and which row is where", async () => {
    const { comparison } = reportData(await report(vgg16, { other: await wronglyFlattened() }));
    expect(comparison?.rows.filter(({ equal }) => !equal).map(({ name }) => name)).toEqual(["fc6.weight"]);
    const fc6 = comparison?.rows.find(({ name }) => name === "fc6.weight");
    expect(fc6?.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(inputs * outputs);
    const { pairs = [], looked = 0 } = comparison?.rowLikeness ?? {};
    expect(pairs.length).toBeGreaterThan(0.9 * looked);
    // Row c · places + p of A is row p · channels + c of B.
    for (const [a, b] of pairs) expect(b).toBe((a % places) * channels + Math.floor(a / places));
  });
});

describe("the strip of a network", () => {
  const body = () => {
    const [first] = record.inspect.bodies;
    if (first === undefined) throw new Error("no network");
    return first;
  };

  test("has its blocks in forward order", () => {
    const [strip] = strips(record.inspect);
    expect(strip?.blocks.map(({ name, layers }) => `${name} ${layers.length}`)).toEqual([
      "conv1 2",
      "conv2 2",
      "conv3 3",
      "conv4 3",
      "conv5 3",
      "fc 3",
    ]);
    expect(strip?.blocks.flatMap(({ layers }) => layers).every(({ state }) => state === "present")).toBe(true);
  });

  test("shows a missing layer in its place, a missing part on its layer, and what belongs to others behind them", () => {
    const missing = [
      { role: "conv3_2", why: "" },
      { role: "fc7.bias", why: "" },
    ];
    const tensors = record.inspect.tensors.filter(({ role }) => !["conv3_2.weight", "conv3_2.bias", "fc7.bias"].includes(role ?? ""));
    const foreign = [{ path: "decoder.0", kind: "conv", tensors: ["decoder.0.weight"] }] as const;
    const [strip] = strips({ ...record.inspect, tensors, foreign, bodies: [{ ...body(), missing }] });
    const layers = strip?.blocks.flatMap((block) => block.layers.map((layer) => ({ block: block.name, ...layer }))) ?? [];
    expect(layers.filter(({ state }) => state !== "present")).toEqual([
      { block: "conv3", name: "conv3_2", state: "missing", detail: "missing" },
      { block: "fc", name: "fc7", state: "partial", detail: "lacks bias" },
      { block: "other layers", name: "decoder.0", state: "foreign", detail: "conv, 1 tensor" },
    ]);
    expect(layers.map(({ name }) => name).slice(4, 7)).toEqual(["conv3_1", "conv3_2", "conv3_3"]);
  });
});

describe("the page", () => {
  test("names no address, and lets nothing run or be fetched but its own script", () => {
    const page = reportPage(record);
    expect(page).not.toMatch(/https?:|\/\/[a-z]+\./i);
    expect(page.match(/http-equiv="Content-Security-Policy" content="([^"]+)"/)?.[1]).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/]{43}='; style-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'$/,
    );
  });

  test("names from the file stay inside the data, as what can be shown of them", async () => {
    const hostile = await report(hostileCheckpoint());
    const page = reportPage(hostile);
    expect(page.length).toBeLessThan(200_000);
    const data = page.slice(page.indexOf('id="data">'), page.indexOf("</script>"));
    expect(data.slice(10)).not.toContain("<");
    expect(page.match(/<script/g)).toHaveLength(2);
    const names = reportData(hostile).tensors?.rows.map(({ name }) => name) ?? [];
    expect(names).toContain("</script><script>document.title='ran'</script>");
    expect(names).toContain("\\u{202e}desrever\\x1b[31m\\x00");
    expect(Math.max(...names.map((name) => name.length))).toBeLessThan(1000);
  });
});
