import { CheckpointError } from "../errors.ts";
import type { Network } from "../model/network.ts";
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

/** Height and width behind the last pool. */
export function featureSize(network: Network, size: readonly [number, number]): readonly [number, number] {
  let [height, width] = size;
  for (const layer of network.layers) {
    if (layer.kind === "conv") {
      height += 2 * layer.pad[0] - layer.kernel[0] + 1;
      width += 2 * layer.pad[1] - layer.kernel[1] + 1;
    } else if (layer.kind === "pool") {
      height = layer.ceil ? Math.ceil(height / 2) : Math.floor(height / 2);
      width = layer.ceil ? Math.ceil(width / 2) : Math.floor(width / 2);
    }
  }
  return [height, width];
}
