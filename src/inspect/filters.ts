import type { Context } from "../io/context.ts";
import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { dtypes } from "../tensor/dtype.ts";
import { loadView } from "../tensor/load.ts";
import { elementCount } from "../tensor/shape.ts";
import type { Statistics } from "../tensor/statistics/statistics.ts";
import { slice, view } from "../tensor/view.ts";
import { type LayerWeight, layerWeights } from "./findings/layer-weights.ts";

/** The filters of one layer: a convolution's kernels, or the rows of weights of a fully connected layer. */
export interface LayerFilters {
  /** conv3_2, fc6 */
  readonly layer: string;
  readonly kind: "conv" | "fc";
  readonly key: string;
  /** √Σ w² of each output; NaN where a weight is not finite. */
  readonly norms: readonly number[];
  /** Height, width; null where the kernels are of one place, or too large to be looked at. */
  readonly kernel: readonly [number, number] | null;
  /** Σ w² over the inputs at each place of each kernel, over that of the kernel's strongest place, as 0 … 255; o h w, row-major. */
  readonly places: Uint8Array;
  /** The first so many inputs were looked at for `places`. */
  readonly inputs: number;
}

/** Where a convolution's kernels look. */
export interface KernelPlaces {
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  /** As in `LayerFilters`. */
  readonly places: Uint8Array;
  readonly inputs: number;
}

/** The kernels of the layer that sees the picture. */
export interface FilterSheet {
  readonly layer: string;
  readonly key: string;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly channels: number;
  /** The order of the channels, as far as anything says it. */
  readonly order: "rgb" | "bgr" | null;
  /** Whether the file says so, or a convention does. */
  readonly orderSource: "read" | "assumed" | null;
  /** o h w i, row-major. */
  readonly values: Float32Array;
}

export interface Filters {
  /** In forward order. */
  readonly layers: readonly LayerFilters[];
  readonly sheet: FilterSheet | null;
}

/** Weights of a layer that is looked at place by place; a VGG's largest convolution has 2.4 million. */
const MOST_WEIGHTS = 1 << 24;
/** Inputs that show where a kernel looks: more make no other picture, and take as long to read as all statistics. */
const MOST_INPUTS = 64;
/** Values of a sheet: 512 kernels of 11 × 11 places and four channels. */
const MOST_IN_SHEET = 1 << 18;

/** Norms of all filters, from the statistics; where in their kernels the convolutions look; the first kernels themselves. */
export async function filters(
  checkpoint: Checkpoint,
  identity: Identity,
  statistics: ReadonlyMap<string, Statistics>,
  ctx: Context,
): Promise<Filters> {
  const layers: LayerFilters[] = [];
  let sheet: FilterSheet | null = null;
  for (const weight of layerWeights(checkpoint, identity)) {
    const sums = statistics.get(weight.tensor.name)?.outputs;
    if (sums === undefined) continue;
    const norms = Array.from(sums.energy, (energy) => (Number.isFinite(energy) ? Math.sqrt(energy) : Number.NaN));
    const loaded = await kernels(weight, ctx);
    const { layer, kind, tensor } = weight;
    const places = loaded === undefined || loaded.places < 2 ? undefined : energyByPlace(loaded);
    layers.push({
      layer,
      kind,
      key: tensor.name,
      norms,
      kernel: places === undefined || loaded === undefined ? null : loaded.kernel,
      places: places ?? new Uint8Array(0),
      inputs: places === undefined ? 0 : (loaded?.inputs ?? 0),
    });
    if (sheet === null && loaded !== undefined && layer === identity.network.layers[0]?.name) sheet = sheetOf(weight, loaded, identity);
  }
  return { layers, sheet };
}

/**
 * The filters of one layer as they can be drawn: in colours where it sees the picture, else where in their kernels they look. Undefined for
 * layers without kernels.
 */
export async function layerFilters(
  weight: LayerWeight,
  identity: Identity,
  ctx: Context,
): Promise<{ readonly sheet: FilterSheet } | { readonly places: KernelPlaces } | undefined> {
  const loaded = await kernels(weight, ctx);
  if (loaded === undefined) return undefined;
  const sheet = sheetOf(weight, loaded, identity);
  if (sheet !== null) return { sheet };
  const { outputs, kernel, inputs } = loaded;
  return { places: { outputs, kernel, inputs, places: energyByPlace(loaded) } };
}

/** A convolution's weights as o h w i. */
interface Kernels {
  readonly values: Float32Array;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly places: number;
  readonly inputs: number;
}

async function kernels({ kind, tensor, axes, sizes }: LayerWeight, ctx: Context): Promise<Kernels | undefined> {
  if (kind !== "conv" || elementCount(tensor.shape) > MOST_WEIGHTS || dtypes[tensor.dtype].kind === "complex") return undefined;
  const whole = await view(tensor, axes, sizes);
  const source = whole.axes.includes("i") ? slice(whole, "i", 0, Math.min(MOST_INPUTS, whole.shape[whole.axes.indexOf("i")] ?? 0)) : whole;
  const size = (axis: string): number | undefined => source.shape[source.axes.indexOf(axis)];
  const [outputs, h, w, inputs] = [size("o"), size("h"), size("w"), size("i")];
  if (outputs === undefined || h === undefined || w === undefined || inputs === undefined || source.axes.length !== 4) return undefined;
  return { values: await loadView(source, "o h w i", ctx), outputs, kernel: [h, w], places: h * w, inputs };
}

function energyByPlace({ values, outputs, places, inputs }: Kernels): Uint8Array {
  const shares = new Uint8Array(outputs * places);
  const energies = new Float64Array(places);
  for (let output = 0; output < outputs; output++) {
    let most = 0;
    for (let place = 0; place < places; place++) {
      const from = (output * places + place) * inputs;
      let energy = 0;
      for (let k = from; k < from + inputs; k++) energy += (values[k] ?? 0) * (values[k] ?? 0);
      energies[place] = energy;
      if (energy > most) most = energy;
    }
    for (let place = 0; place < places; place++)
      shares[output * places + place] = most === 0 ? 0 : Math.round((255 * (energies[place] ?? 0)) / most);
  }
  return shares;
}

function sheetOf(
  { layer, tensor }: LayerWeight,
  { values, outputs, kernel, inputs }: Kernels,
  { preprocessing }: Identity,
): FilterSheet | null {
  if (inputs > 4 || values.length > MOST_IN_SHEET) return null;
  const known = preprocessing !== undefined && inputs === 3;
  return {
    layer,
    key: tensor.name,
    outputs,
    kernel,
    channels: inputs,
    order: known ? preprocessing.channels : null,
    orderSource: known ? preprocessing.source : null,
    values,
  };
}
