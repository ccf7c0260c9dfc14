import { CheckpointError } from "../../errors.ts";
import type { Window, Windows } from "../../model/geometry/window.ts";
import type { Identity } from "../../model/identity.ts";
import type { FcLayer, Network, NetworkLayer } from "../../model/network/network.ts";
import { isFc, layerOf, partOf, type Role } from "../../model/role.ts";
import { isStored, type Slot, type StoredSlot } from "../../model/scheme.ts";
import { Refusal } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";

/*
 * SSD's head: fc6 as a 3×3 convolution that sees what the full one saw with gaps in between, fc7 as 1×1, both sub-sampled (W. Liu,
 * ParseNet and SSD; "VGG_ILSVRC_16_layers_fc_reduced"). pool5 then steps by one, which doubles the gaps.
 */

/** Every so many of the outputs are kept: 1024 of 4096. */
const outputStep = 4;
const places = 3;

/** Which of its kernel's places, 7 of one side: 0, 3, 6. */
function placeStep(size: number): number {
  return (size - 1) / (places - 1);
}

function fcLayers(network: Network): readonly FcLayer[] {
  return network.layers.filter((layer): layer is FcLayer => layer.kind === "fc");
}

/** Throws `usage` where a network has no full head that can be sub-sampled so. */
function fullHead(network: Network): { readonly fc6: FcLayer; readonly fc7: FcLayer; readonly step: number } {
  const [fc6, fc7] = fcLayers(network);
  const [, height, width] = network.featureShape ?? [];
  if (fc6 === undefined || fc7 === undefined || fc6.name !== "fc6" || fc7.name !== "fc7") {
    throw new CheckpointError("usage", "--fc reduced makes fc6 and fc7 of a full head, and this network does not have both");
  }
  if (fc6.windows !== undefined)
    throw new Refusal("usage", "--fc reduced: fc6 slides over its features already", [
      { options: { fc: "conv" }, say: (options) => `${options} keeps it as it is` },
    ]);
  if (height === undefined || width === undefined || height !== width || height < places || !Number.isInteger(placeStep(height))) {
    const seen =
      height === undefined || width === undefined ? "the file does not say what its fc6 sees" : `this fc6 sees ${height}×${width}`;
    throw new CheckpointError("usage", `--fc reduced keeps 3×3 places of a square of 3, 5, 7 …, as 7×7; ${seen}`, {
      ...(height === undefined && { hint: "add --input-size HxWxC" }),
    });
  }
  return { fc6, fc7, step: placeStep(height) };
}

/** The network with the head of SSD: pool5 3×3 with stride 1, fc6 dilated, fc7, and nothing behind it. */
export function reducedNetwork(network: Network): Network {
  const { fc6, fc7, step } = fullHead(network);
  const [channels = 0] = network.featureShape ?? [];
  const [first, second] = [fc6, fc7].map((layer) => Math.ceil(layer.outputs / outputStep));
  const { classes: _classes, ...rest } = network;
  const layers = network.layers.flatMap((layer): readonly NetworkLayer[] => {
    if (layer === fc6)
      return [
        {
          ...fc6,
          inputs: channels * places ** 2,
          outputs: first ?? 0,
          windows: both({ pad: 2 * step, dilation: 2 * step }),
          activation: "relu",
        },
      ];
    if (layer === fc7) return [{ ...fc7, inputs: first ?? 0, outputs: second ?? 0, activation: "relu" }];
    if (layer.kind === "fc" || layer.kind === "adaptive-pool") return [];
    const last = layer.kind === "pool" && !network.layers.slice(network.layers.indexOf(layer) + 1).some(({ kind }) => kind === "conv");
    return [last ? { ...layer, ceil: false, windows: both({ pad: 1, dilation: 1 }) } : layer];
  });
  const widths = layers.flatMap((layer) => (layer.kind === "conv" || layer.kind === "fc" ? [layer.outputs] : []));
  return { ...rest, layers, widths, head: "conv", featureShape: [channels, places, places], missing: [], complete: true };
}

function both({ pad, dilation }: { readonly pad: number; readonly dilation: number }): Windows {
  const window: Window = { kernel: places, stride: 1, pad: [pad, pad], dilation, ceil: false };
  return [window, window];
}

/** The source's slots with the samples that --fc reduced keeps. */
export function sampled(identity: Identity, { fc }: Pick<ConvertOptions, "fc">): Identity {
  if (fc !== "reduced") return identity;
  const { step } = fullHead(identity.network);
  const roles = [...identity.roles].map(([role, slot]): [Role, Slot] => [
    role,
    isFc(role) && isStored(slot) ? withSamples(role, slot, step) : slot,
  ]);
  return { ...identity, roles: new Map(roles) };
}

function withSamples(role: Role, slot: StoredSlot, step: number): StoredSlot {
  const outputs = ["o", outputStep] as const;
  if (partOf(role) !== "weight") return { ...slot, every: [outputs] };
  return { ...slot, every: layerOf(role) === "fc6" ? [outputs, ["h", step], ["w", step]] : [outputs, ["i", outputStep]] };
}

/** What is dropped, in a sentence. */
export function reductionText(network: Network): string {
  const { fc6, fc7, step } = fullHead(network);
  const [, height, width] = network.featureShape ?? [];
  const behind = fcLayers(network)
    .slice(2)
    .map(({ name }) => name);
  const rest = behind.length === 0 ? "" : `; ${behind.join(", ")} ${behind.length === 1 ? "is" : "are"} left out`;
  return `--fc reduced keeps 1 of ${outputStep} of the ${fc6.outputs} outputs of fc6 and the ${fc7.outputs} of fc7, and 3×3 of fc6's ${height}×${width} places${rest}; the network runs with pool5 3×3 and stride 1, fc6 with dilation and padding ${2 * step}`;
}
