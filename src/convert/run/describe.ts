import { carriedWindows } from "../../model/geometry/carried.ts";
import { unusualLayers } from "../../model/geometry/stated.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network/network.ts";
import { poolCount } from "../../model/network/sizes.ts";
import type { Preprocessing } from "../../model/scheme.ts";
import { jsonText } from "../../writers/pieces.ts";
import type { ConvertOptions } from "../options.ts";
import { CarriedMove } from "../plan/carried-move.ts";
import type { Plan } from "../plan/plan-types.ts";
import type { FeatureArea } from "../target/fc-form.ts";
import { fcLayers } from "../target/head.ts";

/** What an output says of itself in text: what another program, or this one, needs to use it. */
export function describeOutput(
  plan: Plan,
  identity: Identity | undefined,
  network: Network | undefined,
  preprocessing: Preprocessing | undefined,
  labels: readonly string[] | undefined,
): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>([["producer", "vggtool"]]);
  const axes = plan.moves.flatMap(({ to, toAxes }) => (toAxes === undefined ? [] : [[to, toAxes.text] as const]));
  if (axes.length > 0) metadata.set("axes", jsonText(new Map(axes)));
  metadata.set("scheme", plan.scheme);
  if (network !== undefined) {
    metadata.set("architecture", JSON.stringify(architecture(network)));
    if (network.batchNorm) {
      const own = identity?.epsilon?.value ?? network.epsilon;
      // What the variances were made for, where the target's networks take an epsilon of their own.
      const written =
        plan.moves.flatMap((move) => (move instanceof CarriedMove ? [] : move.fills)).find(({ epsilon }) => epsilon !== undefined)
          ?.epsilon?.[1] ?? own;
      metadata.set("epsilon", String(written));
      metadata.set("epsilonSource", written === own ? (identity?.epsilon?.source ?? "assumed") : "read");
    }
  }
  if (preprocessing !== undefined) metadata.set("preprocessing", JSON.stringify(preprocessing));
  if (labels !== undefined) metadata.set("labels", JSON.stringify(labels));
  return metadata;
}

function architecture(network: Network) {
  const windows = carriedWindows(network);
  const inputScale = fcLayers(network).find((layer) => layer.inputScale !== undefined)?.inputScale;
  return {
    family: network.family,
    config: network.config,
    name: network.name,
    batchNorm: network.batchNorm,
    classes: network.classes ?? null,
    inputChannels: network.inputChannels,
    inputSize: network.inputSize ?? null,
    featureShape: network.featureShape?.map((size) => size ?? null) ?? null,
    widths: network.widths,
    ...(windows === undefined ? {} : { windows }),
    ...(inputScale === undefined ? {} : { inputScale }),
  };
}

/** The network with the height and width that fc6 was found to see. */
export function withArea(network: Network, area: FeatureArea): Network {
  const { featureShape, inputSize } = network;
  const { height, width } = area;
  const slides = network.layers.some((layer) => layer.kind === "fc" && layer.windows !== undefined);
  if (slides || featureShape === undefined || height === undefined || width === undefined) return network;
  const shaped: Network = { ...network, featureShape: [featureShape[0], height, width] };
  if (inputSize !== undefined || unusualLayers(network).length > 0) return shaped;
  const scale = 2 ** poolCount(network);
  return { ...shaped, inputSize: [scale * height, scale * width] };
}

/** The preprocessing of the output: the source's, its channels turned round by --swap-rgb. */
export function outputPreprocessing(identity: Identity | undefined, options: ConvertOptions): Preprocessing | undefined {
  const known = identity?.preprocessing;
  if (known === undefined || options.swapRgb !== true) return known;
  return { ...known, channels: known.channels === "rgb" ? "bgr" : "rgb", mean: known.mean.toReversed(), std: known.std.toReversed() };
}
