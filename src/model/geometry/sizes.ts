import type { FcLayer, Network } from "../network/network.ts";
import { poolCount } from "../network/sizes.ts";
import { windowsOf } from "./shapes.ts";
import { slide } from "./window.ts";

/**
 * Height and width of what enters the first fully connected layer, for a picture of this size; undefined where nothing is left. A head
 * alone is that of a network that halves as often as it has blocks.
 */
export function bodyOutput(network: Network, [height, width]: readonly [number, number]): readonly [number, number] | undefined {
  if (!network.layers.some((layer) => layer.kind === "conv")) {
    const scale = 2 ** poolCount(network);
    return [Math.floor(height / scale), Math.floor(width / scale)];
  }
  let size: readonly [number, number] = [height, width];
  for (const layer of network.layers) {
    if (layer.kind === "fc") break;
    if (layer.kind === "adaptive-pool") size = layer.size;
    else {
      const [down, across] = windowsOf(network, layer);
      size = [slide(size[0], down), slide(size[1], across)];
    }
    if (size[0] < 1 || size[1] < 1) return undefined;
  }
  return size;
}

/**
 * A 3×3 fc6 of a file that states neither how it slides nor its picture may be SSD's reduced one, which is dilated: no size of a picture
 * is derived from it.
 */
export function mayBeReduced({ head, inputSize, featureShape, geometry }: Network): boolean {
  const [, height, width] = featureShape ?? [];
  return head === "conv" && geometry !== "stated" && inputSize === undefined && height === 3 && width === 3;
}

/**
 * Sizes of picture and features as far as the stated geometry carries them: what was derived from VGG's halvings is not claimed where the
 * file says otherwise. `declared`: the picture's size that the file or the user names.
 */
export function withSizes(network: Network, declared: readonly [number, number] | undefined): Network {
  const first = network.layers.find((layer): layer is FcLayer => layer.kind === "fc");
  const [channels] = network.featureShape ?? [];
  if (first === undefined || channels === undefined || network.geometry === "assumed") return network;
  const unusual = network.layers.some((layer) => layer.kind !== "adaptive-pool" && layer.windows !== undefined);
  const { inputSize: derived, ...rest } = network;
  const size = unusual ? declared : (declared ?? derived);
  const sized: Network = size === undefined ? rest : { ...rest, inputSize: size };
  if (network.head === "conv") return sized;
  const pool = network.layers.find((layer) => layer.kind === "adaptive-pool");
  const seen = pool?.size ?? (declared === undefined ? undefined : bodyOutput(network, declared));
  if (seen !== undefined && seen[0] * seen[1] * channels === first.inputs) return { ...sized, featureShape: [channels, ...seen] };
  return unusual && declared !== undefined ? { ...sized, featureShape: [channels, undefined, undefined] } : sized;
}
