import { afterAll, describe, expect, test } from "vitest";
import { diffCheckpoints } from "../../src/inspect/diff.ts";
import { createContext } from "../../src/io/run.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { heldBatch } from "../../src/verify/input/batch.ts";
import { photos } from "../../src/verify/input/photo.ts";
import { runVerify } from "../../src/verify/run.ts";
import { layouts, subjectOf } from "./subjects.ts";
import { type Array32, networkOf, randomSet } from "./support.ts";

type Set = ReadonlyMap<string, Array32>;

const ctx = createContext();
afterAll(() => ctx.dispose());

const good = randomSet({ widths: [[4], [6, 6], [8], [8], [4]], channels: 3, kernels: {}, fc: [4, 2, 3], batchNorm: true, square: true });
const network = networkOf(good, { epsilon: 1e-3 });
const input = heldBatch(photos([1], [3, 64, 96]), "seed 1");

/** The set with one role's values put in other places or changed; `f` gets the index o, i, h, w and reads the old values. */
function changed(
  role: string,
  f: (old: (o: number, i: number, h: number, w: number) => number, o: number, i: number, h: number, w: number) => number,
): Set {
  const array = array32(good, role);
  const [outputs = 0, inputs = 1, height = 1, width = 1] = array.shape;
  const old = (o: number, i: number, h: number, w: number) => array.values[((o * inputs + i) * height + h) * width + w] ?? Number.NaN;
  const values = new Float32Array(array.values.length);
  let k = 0;
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++) for (let h = 0; h < height; h++) for (let w = 0; w < width; w++) values[k++] = f(old, o, i, h, w);
  return new Map([...good, [role, { shape: array.shape, values }]]);
}

function array32(set: Set, role: string): Array32 {
  const array = set.get(role);
  if (array === undefined) throw new Error(`no ${role}`);
  return array;
}

function mapped(role: string, f: (value: number, index: number) => number): Set {
  const { shape, values } = array32(good, role);
  return new Map([...good, [role, { shape, values: values.map(f) }]]);
}

function swapped(one: string, two: string): Set {
  return new Map([...good, [one, array32(good, two)], [two, array32(good, one)]]);
}

function withLayer(name: string, change: (layer: NetworkLayer) => NetworkLayer): Network {
  return { ...network, layers: network.layers.map((layer) => (layer.name === name ? change(layer) : layer)) };
}

const fresh = randomSet({ widths: [[4], [6, 6], [8], [8], [4]], channels: 3, kernels: {}, fc: [4, 2, 3], seed: 99, square: true });

describe("a broken conversion is caught, named and explained", () => {
  const rows: readonly { what: string; set?: Set; network?: Network; layer: string; words: RegExp }[] = [
    {
      what: "fc6 rows kept as h,w,c and read as c,h,w",
      set: changed("fc6.weight", (old, o, i, h, w) => {
        const row = (i * 2 + h) * 3 + w;
        return old(o, row % 4, Math.floor(row / 12), Math.floor(row / 4) % 3);
      }),
      layer: "fc6",
      words: /^fc6 rows are in h,w,c order in bad$/,
    },
    {
      what: "fc6 with height and width swapped in its rows",
      set: changed("fc6.weight", (old, o, i, h, w) => {
        const position = h * 3 + w;
        return old(o, i, position % 2, Math.floor(position / 2));
      }),
      layer: "fc6",
      words: /^fc6 rows are in c,w,h order in bad$/,
    },
    {
      what: "fc7 transposed",
      set: changed("fc7.weight", (old, o, i) => old(i, o, 0, 0)),
      layer: "fc7",
      words: /^inputs and outputs are swapped in bad \(transposed\): fc7$/,
    },
    {
      what: "kernel rotated",
      set: changed("conv2_2.weight", (old, o, i, h, w) => old(o, i, 2 - h, 2 - w)),
      layer: "conv2_2",
      words: /^kernels are rotated by 180° in bad: conv2_2$/,
    },
    {
      what: "kernel mirrored",
      set: changed("conv2_2.weight", (old, o, i, h, w) => old(o, i, h, 2 - w)),
      layer: "conv2_2",
      words: /^kernels are mirrored left to right in bad: conv2_2$/,
    },
    {
      what: "height and width of kernels swapped",
      set: changed("conv3_1.weight", (old, o, i, h, w) => old(o, i, w, h)),
      layer: "conv3_1",
      words: /^kernel rows and columns are swapped in bad \(transposed\): conv3_1$/,
    },
    {
      what: "inputs and outputs of a square convolution swapped",
      set: changed("conv2_2.weight", (old, o, i, h, w) => old(i, o, h, w)),
      layer: "conv2_2",
      words: /^inputs and outputs are swapped in bad \(transposed\): conv2_2$/,
    },
    {
      what: "BGR for RGB",
      set: changed("conv1_1.weight", (old, o, i, h, w) => old(o, 2 - i, h, w)),
      layer: "conv1_1",
      words: /^inputs are in the reverse order in bad: conv1_1$/,
    },
    {
      what: "epsilon of batch norm",
      network: networkOf(good, { epsilon: 1e-5 }),
      layer: "conv1_1",
      words:
        /^batch norm adds 0\.001 to the variance in good and 0\.00001 in bad; all weights of conv1_1 agree \(for a file .*, --bn-epsilon does\)$/,
    },
    {
      what: "sigma for variance",
      set: mapped("conv2_1.bn.var", (value) => Math.sqrt(value + 1e-3)),
      layer: "conv2_1",
      words: /^the variances of batch norm in bad are the standard deviations \(sigma\) of good: conv2_1$/,
    },
    {
      what: "beta for mean",
      set: new Map([...good, ["conv4_1.bn.mean", array32(good, "conv4_1.bn.bias")]]),
      layer: "conv4_1",
      words: /^conv4_1\.bn\.bias of good is at conv4_1\.bn\.mean in bad \(equal\)$/,
    },
    {
      what: "biases of two layers swapped",
      set: swapped("conv2_1.bias", "conv2_2.bias"),
      layer: "conv2_1",
      words: /^conv2_1\.bias and conv2_2\.bias are swapped in bad \(equal\)$/,
    },
    { what: "a bias left out", set: mapped("fc7.bias", () => 0), layer: "fc7", words: /^fc7\.bias is 0 throughout in bad$/ },
    {
      what: "weights of two layers swapped",
      set: swapped("fc7.weight", "fc8.weight"),
      layer: "fc7",
      words: /^fc7\.weight and fc8\.weight are swapped in bad \(equal\)$/,
    },
    {
      what: "one layer with other values",
      set: new Map([...good, ["conv3_1.weight", array32(fresh, "conv3_1.weight")]]),
      layer: "conv3_1",
      words: /^values have nothing in common in conv3_1 \(cosine 0\.\d\d at most\)$/,
    },
    {
      what: "one value off by 1e-2",
      set: mapped("conv4_1.weight", (value, k) => (k === 100 ? value + 1e-2 : value)),
      layer: "conv4_1",
      words: /^conv4_1\.weight: a single value differs, at h 0, w 1, input 3, output 1: /,
    },
    {
      what: "one bias off",
      set: mapped("fc8.bias", (value, k) => (k === 2 ? value + 1e-2 : value)),
      layer: "fc8",
      words: /^fc8\.bias: a single value differs, at output 2: /,
    },
    {
      what: "dropout that scales",
      network: withLayer("fc7", (layer) => (layer.kind === "fc" ? { ...layer, inputScale: 0.5 } : layer)),
      layer: "fc7",
      words: /^the input of fc7 is multiplied with 1 in good and 0\.5 in bad \(dropout/,
    },
    {
      what: "weights halved",
      set: mapped("fc7.weight", (value) => value / 2),
      layer: "fc7",
      words: /^fc7\.weight is 0\.5 times as large in bad$/,
    },
    {
      what: "the spread of channels worked in",
      set: changed("conv1_1.weight", (old, o, i, h, w) => old(o, i, h, w) / (0.2 + i / 10)),
      layer: "conv1_1",
      words: /^conv1_1\.weight is scaled by one factor for each input in bad \(5\.00, 3\.33, 2\.50\)$/,
    },
    {
      what: "small changes, of which nothing tells the cause",
      set: mapped("conv5_1.weight", (value, k) => value + 0.02 * Math.cos(k)),
      layer: "conv5_1",
      words:
        /^conv5_1\.weight differs: cosine 0\.99\d\d, largest difference [\d.]+ % of the largest value; no rounding, factor or order of axes that was tried gives one from the other$/,
    },
    {
      what: "sizes rounded up",
      network: withLayer("pool5", (layer) => (layer.kind === "pool" ? { ...layer, ceil: true } : layer)),
      layer: "",
      words: /./,
    },
  ];
  test.each(rows)("$what", async ({ set = good, network: other = network, layer, words }) => {
    const a = subjectOf("good", good, network, layouts.keras);
    const b = subjectOf("bad", set, other, layouts.paddle);
    const record = await runVerify(a, { engine: wasm, input, other: b }, ctx);
    if (layer === "") {
      // An even input: rounding up changes nothing, and nothing may be reported.
      expect(record).toMatchObject({ pass: true, firstDivergence: null, diagnosis: [] });
      return;
    }
    expect(record.pass).toBe(false);
    expect(record.firstDivergence).toBe(layer);
    expect(record.diagnosis).toHaveLength(1);
    expect(record.diagnosis[0]).toMatch(words);
    // What is seen in the weights, `diff` says in the same words.
    if (set !== good) {
      const { explanations } = await diffCheckpoints(a, b, ctx);
      expect(explanations.map((text) => text.replace(/\bA\b/g, "good").replace(/\bB\b/g, "bad"))).toEqual(record.diagnosis);
    }
    const index = record.layers.findIndex((row) => row.role === layer);
    expect(record.layers.slice(0, index).every((row) => row.pass)).toBe(true);
  });
});
