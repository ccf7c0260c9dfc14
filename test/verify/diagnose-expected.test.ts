import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import { expectedFrom } from "../../src/verify/compare/expected.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { heldBatch } from "../../src/verify/input/batch.ts";
import { photos } from "../../src/verify/input/photo.ts";
import { runVerify } from "../../src/verify/run.ts";
import { arrayFile, type Layout, layouts, subjectOf } from "./subjects.ts";
import { type Array32, networkOf, randomSet } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const set = randomSet({ widths: [[4], [6], [8], [8], [4]], channels: 3, kernels: {}, fc: [4, 2, 3], batchNorm: true, square: true });
const network = networkOf(set, { epsilon: 1e-3 });
const input = photos([1, 2], [3, 64, 96]);

async function logitsOf(weights: ReadonlyMap<string, Array32>, net: Network): Promise<Float32Array> {
  const record = await runVerify(subjectOf("right", weights, net), { engine: wasm, input: heldBatch(input, "x") }, ctx);
  return Float32Array.from(record.logits.values);
}

function mapped(...changes: readonly (readonly [role: RegExp, change: (array: Array32) => Float32Array])[]): ReadonlyMap<string, Array32> {
  return new Map(
    [...set].map(([role, array]) => [
      role,
      { shape: array.shape, values: changes.find(([pattern]) => pattern.test(role))?.[1](array) ?? array.values },
    ]),
  );
}

const fc = (change: (layer: Extract<NetworkLayer, { kind: "fc" }>) => NetworkLayer): Network => ({
  ...network,
  layers: network.layers.map((layer) => (layer.kind === "fc" ? change(layer) : layer)),
});

const reversed = (array: Array32, block: number): Float32Array =>
  array.values.map((_, k) => array.values[Math.floor(k / block) * block + block - 1 - (k % block)] ?? 0);
/** o i h w: the order of the inputs reversed. */
const inputsReversed = ({ shape, values }: Array32): Float32Array => {
  const [, inputs = 1, height = 1, width = 1] = shape;
  const plane = height * width;
  return values.map((_, k) => {
    const i = Math.floor(k / plane) % inputs;
    return values[k + (inputs - 1 - 2 * i) * plane] ?? 0;
  });
};
const transposed = ({ shape, values }: Array32): Float32Array => {
  const [size = 1] = shape;
  return values.map((_, k) => values[(k % size) * size + Math.floor(k / size)] ?? 0);
};
/** c,h,w rows (o i h w is o by c,h,w) put in h,w,c order. */
const rowsAsHwc = ({ values }: Array32): Float32Array =>
  values.map((_, k) => {
    const row = k % 24;
    return values[k - row + (row % 4) * 6 + Math.floor(row / 4)] ?? 0;
  });

describe("a single network with expected logits: the usual mistake is found by undoing it", () => {
  const rows: readonly {
    what: string;
    weights?: ReadonlyMap<string, Array32>;
    net?: Network;
    layout?: Layout;
    sentence: RegExp | undefined;
  }[] = [
    {
      what: "epsilon",
      net: networkOf(set, { epsilon: 1e-5 }),
      sentence: /^with 0\.001 as epsilon of batch norm \(0\.00001 was taken\) .* --bn-epsilon 0\.001$/,
    },
    {
      what: "dropout that scales",
      net: fc((layer) => (layer.name === "fc6" ? layer : { ...layer, inputScale: 0.5 })),
      sentence: /^without the factor on the inputs of fc7 and fc8/,
    },
    {
      what: "BGR",
      weights: mapped([/^conv1_1\.weight$/, inputsReversed]),
      sentence: /^conv1_1: with its input channels reversed \(the file expects BGR/,
    },
    {
      what: "rows of fc6",
      weights: mapped([/^fc6\.weight$/, rowsAsHwc]),
      sentence: /^fc6: with its rows read as h,w,c, and not as c,h,w, the expected values come out$/,
    },
    {
      what: "rows of fc6, kernels kept outputs last",
      weights: mapped([/^fc6\.weight$/, rowsAsHwc]),
      layout: layouts.slim,
      sentence: /^fc6: with its rows read as h,w,c, and not as c,h,w, the expected values come out$/,
    },
    { what: "transposed", weights: mapped([/^fc[78]\.weight$/, transposed]), sentence: /^fc7 and fc8: with the square weights transposed/ },
    { what: "rotated", weights: mapped([/^conv\d_\d\.weight$/, (array) => reversed(array, 9)]), sentence: /rotated by 180°/ },
    {
      what: "sigma kept as variance",
      weights: mapped([/\.bn\.var$/, ({ values }) => values.map((value) => Math.sqrt(value + 1e-3))]),
      sentence: /taken for sigma and squared/,
    },
    {
      what: "something else",
      weights: mapped([/^conv3_1\.weight$/, ({ values }) => values.map((value) => value + 0.1)]),
      sentence: undefined,
    },
  ];
  test.each(rows)("$what", async ({ weights = set, net = network, layout = layouts.torch, sentence }) => {
    const logits = await logitsOf(set, network);
    const wrong = subjectOf("wrong", weights, net, layout);
    const expected = expectedFrom(arrayFile([2, 5], logits), "logits.npy", net, ctx);
    const record = await runVerify(wrong, { engine: wasm, input: heldBatch(input, "x"), expected }, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "fc8" });
    if (sentence === undefined) expect(record.diagnosis).toEqual([]);
    else expect(record.diagnosis).toEqual([expect.stringMatching(sentence)]);
  });

  test("pools whose odd sizes are rounded the other way, where an adaptive pool hides it", async () => {
    const odd = heldBatch(photos([1], [3, 79, 110]), "x");
    const made = (ceil: boolean) => networkOf(set, { adaptive: [2, 3], ceil, epsilon: 1e-3 });
    const right = await runVerify(subjectOf("right", set, made(true)), { engine: wasm, input: odd }, ctx);
    const expected = expectedFrom(arrayFile([1, 5], Float32Array.from(right.logits.values)), "logits.npy", made(false), ctx);
    const record = await runVerify(subjectOf("wrong", set, made(false)), { engine: wasm, input: odd, expected }, ctx);
    expect(record).toMatchObject({ pass: false, diagnosis: ["with the pools' sizes rounded the other way the expected values come out"] });
  });
});
