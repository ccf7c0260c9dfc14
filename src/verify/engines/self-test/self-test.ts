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
const THOROUGH = 24;
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
  const computed = await outputsOf(engine, network, picture, kernel, ctx);
  const terms = kernel === undefined ? 0 : kernel.i * kernel.h * kernel.w;
  const outputs = kernel === undefined ? channels : kernel.o;
  const windows = windowsFor(network, picture);
  const [rows, columns] = outputSize(windows, picture);
  const places = placesToCompare(outputs, rows, columns);
  const exact = expectedAt(network, picture, kernel, windows, places);
  if (computed.length !== outputs * rows * columns) return { error: Number.NaN, allowed: roundingOf(terms) };
  let [apart, size] = [0, 0];
  places.forEach(({ channel, y, x }, k) => {
    const wanted = exact[k] ?? Number.NaN;
    const off = Math.abs((computed[(channel * rows + y) * columns + x] ?? Number.NaN) - wanted);
    apart = Math.max(off, apart);
    size = Math.max(size, Math.abs(wanted));
  });
  return { error: apart / size, allowed: roundingOf(terms) };
}

function windowsFor(network: Network, { shape }: TestPicture): Windows {
  const [layer] = network.layers;
  if (layer === undefined || layer.kind === "adaptive-pool") throw new TypeError("a test without a layer");
  if (layer.kind === "fc" && network.head !== "conv") return plainWindows(kernelSize(network, layer, shape), [0, 0]);
  return windowsOf(network, layer, shape);
}

function expectedAt(
  network: Network,
  picture: TestPicture,
  kernel: KernelSizes | undefined,
  windows: Windows,
  places: readonly TestPlace[],
) {
  const [layer] = network.layers;
  if (kernel === undefined || layer === undefined) {
    return pooledAt(windows, picture, layer?.kind === "pool" ? layer.method : undefined, places);
  }
  const whole = madeKernel(kernel, "o i h w", scaleOf(kernel));
  const size = kernel.i * kernel.h * kernel.w;
  return convolvedAt(
    {
      windows,
      picture,
      kernel: (channel) => whole.subarray(channel * size, (channel + 1) * size),
      bias: madeRun(kernel.o, BIAS_FROM),
      rectified: isRectified(network, layer),
    },
    places,
  );
}

/** Sums of products come out with about the variance of the bias. */
function scaleOf({ i, h, w }: KernelSizes): number {
  return 1 / Math.sqrt(i * h * w);
}

async function outputsOf(
  engine: Engine,
  network: Network,
  { shape, values }: TestPicture,
  kernel: KernelSizes | undefined,
  ctx: Context,
): Promise<Float32Array> {
  const weights: Weights = async (role, axes) => {
    if (kernel === undefined) throw new TypeError(`${role}: a pool has no weights`);
    return partOf(role) === "weight" ? madeKernel(kernel, axes, scaleOf(kernel)) : madeRun(kernel.o, BIAS_FROM);
  };
  const input = { layer: "input", shape: [1, ...shape], values };
  const session = await engine.open(network, weights, { shape: input.shape, once: true }, ctx);
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
  const thorough = new Set(Array.from({ length: Math.min(outputs, THOROUGH) }, (_, k) => Math.floor(k * step + (k % 4)) % outputs));
  const places: TestPlace[] = [];
  for (let channel = 0; channel < outputs; channel++) {
    for (let place = 0; place < rows * columns; place++) {
      if (!thorough.has(channel) && place !== 0 && place !== Math.floor((rows * columns) / 2)) continue;
      places.push({ channel, y: Math.floor(place / columns), x: place % columns });
    }
  }
  return places;
}

function percent(part: number): string {
  return Number.isFinite(part) ? `${Number((100 * part).toPrecision(2))} %` : "no number";
}
