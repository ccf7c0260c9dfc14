import type { Context } from "../../../io/context.ts";
import { elements, kernelSize, windowsOf } from "../../../model/geometry/shapes.ts";
import { plainWindows, type Windows } from "../../../model/geometry/window.ts";
import type { Network } from "../../../model/network/network.ts";
import { partOf } from "../../../model/role.ts";
import { roundingOf } from "../../compare/rounding.ts";
import { isRectified } from "../../runnable.ts";
import type { Engine, Weights } from "../engine.ts";
import { casesOf, type TestCase } from "./cases.ts";
import { type KernelSizes, madeKernel, madeRun } from "./made-values.ts";
import { convolvedAt, outputSize, pooledAt, type TestPicture, type TestPlace } from "./reference.ts";

/** What the layers of a network gave on an engine, against float64. */
export interface SelfTest {
  readonly layers: number;
  /** The largest error of any of them, over the largest value of its layer. */
  readonly largest: number;
  readonly seconds: number;
  /** A sentence on the first layer that the engine computes wrong. */
  readonly fault?: string;
}

/** Outputs that are compared at every place; all others at two. */
const THOROUGH = 8;
/** Where the made bias begins in the table; the picture begins elsewhere. */
const [BIAS_FROM, PICTURE_FROM] = [77, 4242];

/** Runs each different layer of a network on an engine, as the network itself will be run, and compares it with our own sums. */
export async function selfTest(engine: Engine, network: Network, inputShape: readonly number[], ctx: Context): Promise<SelfTest> {
  const started = performance.now();
  const cases = casesOf(network, inputShape);
  let largest = 0;
  const result = () => ({ layers: cases.length, largest, seconds: (performance.now() - started) / 1000 });
  for (const each of cases) {
    const { error, allowed } = await errorOf(engine, each, ctx);
    largest = Math.max(error, largest);
    if (error <= allowed) continue;
    const fault = `${engine.id} computes ${each.title} wrong: by ${percent(error)} of its largest value, where float32 leaves at most ${percent(allowed)}`;
    return { ...result(), fault };
  }
  return result();
}

async function errorOf(engine: Engine, { network, input, kernel }: TestCase, ctx: Context) {
  const [, channels = 0, height = 0, width = 0] = input;
  const picture: TestPicture = { shape: [channels, height, width], values: madeRun(elements(input), PICTURE_FROM) };
  const made = kernel === undefined ? undefined : madeLayer(kernel);
  const computed = await outputsOf(engine, network, picture, made, ctx);
  const terms = kernel === undefined ? 0 : kernel.i * kernel.h * kernel.w;
  const outputs = kernel === undefined ? channels : kernel.o;
  const windows = windowsFor(network, picture);
  const [rows, columns] = outputSize(windows, picture);
  const places = placesToCompare(outputs, rows, columns);
  const exact = expectedAt(network, picture, made, windows, places);
  if (computed.length !== outputs * rows * columns) return { error: Number.NaN, allowed: roundingOf(terms) };
  let [apart, size] = [0, 0];
  places.forEach(({ channels: compared, y, x }, k) => {
    compared.forEach((channel, n) => {
      const wanted = exact[k]?.[n] ?? Number.NaN;
      const off = Math.abs((computed[(channel * rows + y) * columns + x] ?? Number.NaN) - wanted);
      apart = Math.max(off, apart);
      size = Math.max(size, Math.abs(wanted));
    });
  });
  return { error: apart / size, allowed: roundingOf(terms) };
}

function windowsFor(network: Network, { shape }: TestPicture): Windows {
  const [layer] = network.layers;
  if (layer === undefined || layer.kind === "adaptive-pool") throw new TypeError("a test without a layer");
  if (layer.kind === "fc" && network.head !== "conv") return plainWindows(kernelSize(network, layer, shape), [0, 0]);
  return windowsOf(network, layer, shape);
}

function expectedAt(network: Network, picture: TestPicture, made: MadeLayer | undefined, windows: Windows, places: readonly TestPlace[]) {
  const [layer] = network.layers;
  if (made === undefined || layer === undefined) {
    return pooledAt(windows, picture, layer?.kind === "pool" ? layer.method : undefined, places);
  }
  return convolvedAt({ windows, picture, ...made, rectified: isRectified(network, layer) }, places);
}

interface MadeLayer {
  readonly sizes: KernelSizes;
  /** Sums of products come out with about the variance of the bias. */
  readonly scale: number;
  /** o i h w. */
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

function madeLayer(sizes: KernelSizes): MadeLayer {
  const scale = 1 / Math.sqrt(sizes.i * sizes.h * sizes.w);
  return { sizes, scale, kernel: madeKernel(sizes, "o i h w", scale), bias: madeRun(sizes.o, BIAS_FROM) };
}

/** What an engine gets is its own: it may write over it. */
function weightsOf({ sizes, scale, kernel, bias }: MadeLayer): Weights {
  return async (role, axes) => {
    if (partOf(role) !== "weight") return bias.slice();
    return axes.replace(/[()]/g, "") === "o i h w" ? kernel.slice() : madeKernel(sizes, axes, scale);
  };
}

const noWeights: Weights = (role) => {
  throw new TypeError(`${role}: a pool has no weights`);
};

async function outputsOf(
  engine: Engine,
  network: Network,
  { shape, values }: TestPicture,
  made: MadeLayer | undefined,
  ctx: Context,
): Promise<Float32Array> {
  const input = { layer: "input", shape: [1, ...shape], values };
  const session = await engine.open(network, made === undefined ? noWeights : weightsOf(made), { shape: input.shape, once: true }, ctx);
  let found = new Float32Array();
  try {
    await session.run(input, async (activation) => {
      found = activation.values.slice();
    });
  } finally {
    await session.close();
  }
  return found;
}

/** Some outputs at every place, and every output at the first place, which sees the border, and in the middle. */
function placesToCompare(outputs: number, rows: number, columns: number): readonly TestPlace[] {
  const step = Math.max(1, outputs / THOROUGH);
  const all = Array.from({ length: outputs }, (_, channel) => channel);
  const thorough = new Set(Array.from({ length: Math.min(outputs, THOROUGH) }, (_, k) => Math.floor(k * step + (k % 4)) % outputs));
  const some = all.filter((channel) => thorough.has(channel));
  const middle = Math.floor((rows * columns) / 2);
  return Array.from({ length: rows * columns }, (_, place) => ({
    y: Math.floor(place / columns),
    x: place % columns,
    channels: place === 0 || place === middle ? all : some,
  }));
}

function percent(part: number): string {
  return Number.isFinite(part) ? `${Number((100 * part).toPrecision(2))} %` : "no number";
}
