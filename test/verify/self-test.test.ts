import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import type { ConvLayer, FcLayer, Network, NetworkLayer, PoolLayer } from "../../src/model/network/network.ts";
import { partOf } from "../../src/model/role.ts";
import type { Activation, Engine, Weights } from "../../src/verify/engines/engine.ts";
import { chooseEngine } from "../../src/verify/engines/engines.ts";
import { casesOf } from "../../src/verify/engines/self-test/cases.ts";
import { selfTest } from "../../src/verify/engines/self-test/self-test.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";

const ctx = createContext();

const conv = (name: string, inputs: number, outputs: number, more: Partial<ConvLayer> = {}): ConvLayer => ({
  kind: "conv",
  name,
  inputs,
  outputs,
  kernel: [3, 3],
  pad: [1, 1],
  bias: true,
  ...more,
});
const fc = (name: string, inputs: number, outputs: number): FcLayer => ({
  kind: "fc",
  name,
  inputs,
  outputs,
  bias: true,
  activation: "relu",
});
const pool = (name: string): PoolLayer => ({ kind: "pool", name, ceil: false });

function networkOf(layers: readonly NetworkLayer[], more: Partial<Network> = {}): Network {
  return {
    family: "vgg",
    config: "other",
    name: "VGG-7",
    batchNorm: false,
    layers,
    widths: [],
    inputChannels: 3,
    epsilon: 1e-5,
    geometry: "assumed",
    uncomputed: [],
    missing: [],
    complete: true,
    ...more,
  };
}

/** Channels that are a multiple of 4, of 3 alone, and of neither; a square of channels, so that no shape shows a transposed kernel. */
const network = networkOf(
  [
    conv("conv1_1", 3, 8),
    conv("conv1_2", 8, 8),
    pool("pool1"),
    conv("conv2_1", 8, 12),
    conv("conv2_2", 12, 16),
    conv("conv2_3", 16, 18),
    pool("pool2"),
    conv("conv3_1", 18, 18, { kernel: [5, 5], pad: [2, 2] }),
    conv("conv3_2", 18, 5, { kernel: [1, 1], pad: [0, 0] }),
    fc("fc6", 5 * 4 * 4, 70),
    fc("fc7", 70, 70),
  ],
  { head: "dense", featureShape: [5, 4, 4] },
);
const input = [1, 3, 16, 16];

interface Fault {
  readonly weights?: (weights: Weights) => Weights;
  readonly network?: (network: Network) => Network;
  readonly output?: (activation: Activation, network: Network) => Activation;
  readonly input?: (values: Float32Array) => Float32Array;
}

/** The embedded engine with a fault that real engines have had, or might. */
function faulty({ weights = (w) => w, network: changed = (n) => n, output = (a) => a, input: seen = (v) => v }: Fault): Engine {
  return {
    ...wasm,
    id: "faulty",
    async open(asked, given, size, ctx) {
      const session = await wasm.open(changed(asked), weights(given), size, ctx);
      return {
        ...session,
        run: (batch, visit) => session.run({ ...batch, values: seen(batch.values) }, (activation) => visit(output(activation, asked))),
      };
    },
  };
}

/** The values of N C H W that are computed; all others are 0. */
function where(activation: Activation, isComputed: (channel: number, y: number, x: number, channels: number) => boolean): Activation {
  const [, channels = 1, height = 1, width = 1] = activation.shape;
  const values = activation.values.map((value, k) =>
    isComputed(Math.floor(k / (height * width)) % channels, Math.floor(k / width) % height, k % width, channels) ? value : 0,
  );
  return { ...activation, values };
}

/** Rounded to `bits` of mantissa, as float16 and TF32 (10) and bfloat16 (7) do. */
function rounded(values: Float32Array, bits: number): Float32Array {
  const out = values.slice();
  const words = new Uint32Array(out.buffer);
  const unit = 2 ** (23 - bits);
  for (let k = 0; k < words.length; k++) words[k] = Math.round((words[k] ?? 0) / unit) * unit;
  return out;
}

const axesSwapped = (axes: string, a: string, b: string): string =>
  axes.replace(/[a-z]/g, (name) => (name === a ? b : name === b ? a : name));
const kernelAs =
  (change: (axes: string) => string) =>
  (weights: Weights): Weights =>
  (role, axes) =>
    weights(role, partOf(role) === "weight" ? change(axes) : axes);
const layersAs =
  (change: (layer: NetworkLayer) => NetworkLayer) =>
  (asked: Network): Network => ({ ...asked, layers: asked.layers.map(change) });

const shifted = { kernel: 3, stride: 1, pad: [2, 0], dilation: 1, ceil: false } as const;

const faults: readonly (readonly [what: string, layer: RegExp, fault: Fault])[] = [
  ["height and width of kernels exchanged", /^faulty computes conv1_1 /, { weights: kernelAs((axes) => axesSwapped(axes, "h", "w")) }],
  [
    "kernels transposed, where inputs and outputs are as many",
    /conv1_2/,
    {
      weights: (weights) => async (role, axes) => weights(role, role === "conv1_2.weight" ? axesSwapped(axes, "i", "o") : axes),
    },
  ],
  [
    "a bias that is dropped",
    /conv1_1/,
    { weights: (weights) => async (role, axes) => (partOf(role) === "bias" ? (await weights(role, axes)).fill(0) : weights(role, axes)) },
  ],
  ["weights in half precision", /conv1_1/, { weights: (weights) => async (role, axes) => rounded(await weights(role, axes), 10) }],
  ["inputs in half precision (TF32)", /conv1_1/, { input: (values) => rounded(values, 10) }],
  ["sums in half precision", /conv1_1/, { output: (activation) => ({ ...activation, values: rounded(activation.values, 10) }) }],
  ["bfloat16", /conv1_1/, { weights: (weights) => async (role, axes) => rounded(await weights(role, axes), 7) }],
  [
    "padding at the wrong end",
    /conv1_1/,
    { network: layersAs((layer) => (layer.kind === "conv" && layer.kernel[0] === 3 ? { ...layer, windows: [shifted, shifted] } : layer)) },
  ],
  [
    "3×3 and 5×5 convolutions of 3n input channels that are not 4n, as onnxruntime-node 1.30's WebGPU computes them in N H W C",
    /conv3_1 \(5×5, stride 1, padding 2, 18 → 18 channels\)/,
    {
      output: (activation, { layers: [layer] }) =>
        layer?.kind === "conv" && layer.kernel[0] > 1 && layer.inputs > 3 && layer.inputs % 3 === 0 && layer.inputs % 4 !== 0
          ? { ...activation, values: activation.values.toReversed() }
          : activation,
    },
  ],
  ["a ReLU that is left out", /conv1_1/, { network: layersAs((layer) => (layer.kind === "conv" ? { ...layer, linear: true } : layer)) }],
  [
    "an average for the largest value",
    /pool1/,
    { network: layersAs((layer) => (layer.kind === "pool" ? { ...layer, method: "average" } : layer)) },
  ],
  [
    "one value that is no number",
    /conv1_1/,
    { output: (activation) => ({ ...activation, values: activation.values.with(0, Number.NaN) }) },
  ],
  [
    "outputs behind whole vectors of four that are left as they were",
    /conv2_3 \(3×3, stride 1, padding 1, 16 → 18 channels\)/,
    { output: (activation) => where(activation, (channel, _y, _x, channels) => channel < channels - (channels % 4)) },
  ],
  ["columns behind a whole tile of four that are left as they were", /conv1_1/, { output: (a) => where(a, (_channel, _y, x) => x < 4) }],
  ["one place that is wrong", /conv1_1/, { output: (a) => where(a, (_channel, y, x) => y !== 3 || x !== 1) }],
  [
    "rows of fc6 as h, w, c",
    /fc6 \(\[5, 4, 4\] → 22 of its 70 outputs\)/,
    {
      weights: (weights) => async (role, axes) =>
        weights(
          role,
          role === "fc6.weight" ? axes.replace("i h w", "H W I").replace("h w i", "i h w").replace("H W I", "h w i").toLowerCase() : axes,
        ),
    },
  ],
];

describe("the self-test of engines", () => {
  test("takes each different layer once, with its own channels and windows, on a picture of a few places", () => {
    expect(casesOf(network, input).map(({ title, input: size }) => `${title}: ${size.join("×")}`)).toEqual([
      "conv1_1 (3×3, stride 1, padding 1, 3 → 8 channels): 1×3×5×6",
      "conv1_2 (3×3, stride 1, padding 1, 8 → 8 channels): 1×8×5×6",
      "pool1 (maximum over 2×2, stride 2, 8 channels): 1×8×10×12",
      "conv2_1 (3×3, stride 1, padding 1, 8 → 12 channels): 1×8×5×6",
      "conv2_2 (3×3, stride 1, padding 1, 12 → 16 channels): 1×12×5×6",
      "conv2_3 (3×3, stride 1, padding 1, 16 → 18 channels): 1×16×5×6",
      "pool2 (maximum over 2×2, stride 2, 18 channels): 1×18×10×12",
      "conv3_1 (5×5, stride 1, padding 2, 18 → 18 channels): 1×18×5×6",
      "conv3_2 (1×1, stride 1, 18 → 5 channels): 1×18×5×6",
      "fc6 ([5, 4, 4] → 22 of its 70 outputs): 1×5×4×4",
      "fc7 ([70] → 22 of its 70 outputs): 1×70×1×1",
    ]);
  });

  test("of a wide layer some outputs are computed from all inputs; layers that are alike count once", () => {
    const wide = networkOf([conv("conv1_1", 3, 512), conv("conv1_2", 512, 512), conv("conv1_3", 512, 512)]);
    expect(casesOf(wide, [1, 3, 8, 8]).map(({ title }) => title)).toEqual([
      "conv1_1 (3×3, stride 1, padding 1, 3 → 512 channels)",
      "conv1_2 (3×3, stride 1, padding 1, 512 → 32 of its 512 channels)",
    ]);
  });

  test("the embedded engine passes, with the rounding of float32", async () => {
    const found = await selfTest(wasm, network, input, ctx);
    expect(found).toMatchObject({ layers: 11 });
    expect(found.fault).toBeUndefined();
    expect(found.largest).toBeLessThan(1e-6);
    expect(found.largest).toBeGreaterThan(0);
  });

  test("steps, dilation, a head of convolutions and odd pads are computed as the file says", async () => {
    const window = (kernel: number, stride: number, pad: readonly [number, number] | "same", dilation = 1) => ({
      kernel,
      stride,
      pad,
      dilation,
      ceil: false,
    });
    const odd = networkOf(
      [
        conv("conv1_1", 3, 6, { windows: [window(3, 2, "same"), window(3, 2, "same")] }),
        conv("conv1_2", 6, 7, { kernel: [3, 2], windows: [window(3, 1, [1, 0]), window(2, 1, [0, 1])] }),
        {
          kind: "pool",
          name: "pool1",
          ceil: true,
          windows: [
            { ...window(3, 2, [0, 0]), ceil: true },
            { ...window(3, 2, [0, 0]), ceil: true },
          ],
        },
        { ...fc("fc6", 7 * 9, 20), windows: [window(3, 1, [6, 6], 6), window(3, 1, [6, 6], 6)] },
        fc("fc7", 20, 9),
      ],
      { head: "conv", featureShape: [7, 3, 3] },
    );
    const found = await selfTest(wasm, odd, [1, 3, 31, 33], ctx);
    expect(found.fault).toBeUndefined();
    expect(found.layers).toBe(5);
  });

  test.each(faults)("%s are found", async (_, layer, fault) => {
    const found = await selfTest(faulty(fault), network, input, ctx);
    expect(found.fault).toMatch(layer);
    expect(found.fault).toMatch(/wrong: by .* of its largest value, where float32 leaves at most 0\.000\d+ %$/);
  });

  test("half precision is found however many products a layer sums up", async () => {
    const large = networkOf([fc("fc6", 512 * 7 * 7, 4096)], { head: "dense", featureShape: [512, 7, 7], inputChannels: 512 });
    const half = faulty({ weights: (weights) => async (role, axes) => rounded(await weights(role, axes), 10) });
    expect((await selfTest(half, large, [1, 512, 7, 7], ctx)).fault).toMatch(/fc6 \(\[512, 7, 7\] → 16 of its 4096 outputs\) wrong/);
    expect((await selfTest(wasm, large, [1, 512, 7, 7], ctx)).fault).toBeUndefined();
  });
});

describe("an engine that computes something wrong", () => {
  const wrong = async () => ({ layers: 1, largest: 1, seconds: 0, fault: "wasm computes conv3_1 wrong" });

  test("is refused where it was named, with another to try and the switch", async () => {
    await expect(chooseEngine({ engine: "wasm" }, wrong)).rejects.toMatchObject({
      code: "unsupported",
      summary: "wasm computes conv3_1 wrong; its numbers would say nothing of the file",
      where: { hint: "use --engine auto (--no-self-test runs wasm all the same)" },
    });
  });

  test("is believed where no self-test is wanted", async () => {
    expect(await chooseEngine({ engine: "wasm" })).toMatchObject({ engine: { id: "wasm" }, selfTest: undefined });
  });

  test("is passed over by auto, which ends where none is left", async () => {
    await expect(chooseEngine({ engine: "auto", device: "cpu" }, wrong)).rejects.toMatchObject({
      code: "unsupported",
      summary: expect.stringMatching(/^no engine computes the layers of this network as it should: .*the next engine was taken$/),
    });
  });
});
