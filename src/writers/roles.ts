import { CheckpointError } from "../errors.ts";
import { bodyOutput } from "../model/geometry/sizes.ts";
import { unusualLayers } from "../model/geometry/stated.ts";
import type { Network } from "../model/network/network.ts";
import type { Role } from "../model/role.ts";
import type { TensorSpec, WriterInput } from "./layout.ts";

/** What a writer of networks works with: the network, and its tensors by role. */
export interface RoleTable {
  readonly network: Network;
  find(role: Role): TensorSpec | undefined;
  /** Throws `mismatch` where the role is empty. */
  need(role: Role): TensorSpec;
}

export function roleTable(input: WriterInput, format: string): RoleTable {
  const { network } = input;
  if (network === undefined) throw new CheckpointError("unsupported", `${format} holds a network, and this one is not recognised`);
  const specs = new Map(input.tensors.flatMap((spec) => (spec.role === undefined ? [] : [[spec.role, spec] as const])));
  return {
    network,
    find: (role) => specs.get(role),
    need(role) {
      const spec = specs.get(role);
      if (spec === undefined) throw new CheckpointError("mismatch", `${format} needs ${role}, and nothing fills it`);
      return spec;
    },
  };
}

/** Height and width of the image; throws `usage` where neither file nor user says them. */
export function imageSize(network: Network, format: string): readonly [height: number, width: number] {
  if (network.inputSize !== undefined) return network.inputSize;
  throw new CheckpointError("usage", `${format} says the size of the image, and the source does not`, {
    hint: `add --input-size HxWx${network.inputChannels}`,
  });
}

/** Height and width of what enters the head. Throws `mismatch` where nothing of the image is left. */
export function featureSize(network: Network, size: readonly [number, number]): readonly [number, number] {
  const features = bodyOutput(network, size);
  if (features === undefined)
    throw new CheckpointError("mismatch", `an image of ${size.join("×")} is too small: nothing is left before the head`);
  return features;
}

/** Throws `unsupported` for a network with a layer that is not as a plain VGG's: what `format`'s writer does not lay out. */
export function requirePlain(network: Network, format: string): void {
  const unusual = unusualLayers(network);
  if (unusual.length === 0) return;
  const size = network.inputSize === undefined ? ` --input-size HxWx${network.inputChannels}` : "";
  const head = unusual.every((layer) => layer.startsWith("fc")) ? "; --no-top leaves the head out" : "";
  throw new CheckpointError("unsupported", `${format} is not written with ${unusual.join("; ")}`, {
    hint: `--to onnx${size} or --to caffe${size} writes them${head}`,
  });
}
