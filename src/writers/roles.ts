import { CheckpointError } from "../errors.ts";
import { bodyOutput, mayBeReduced } from "../model/geometry/sizes.ts";
import { unusualLayers } from "../model/geometry/stated.ts";
import type { FcLayer, Network } from "../model/network/network.ts";
import { poolCount, possibleSizes } from "../model/network/sizes.ts";
import type { Role } from "../model/role.ts";
import { Refusal, type Way } from "../text/refusal.ts";
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
  throw new Refusal("usage", `${format} says the size of the image, and the source does not`, pictures(network));
}

/** Height and width of the pictures that VGGs were published for; convolutions alone take these like all others. */
const usualSide = 224;

/** Forms of what a dense head sees that are named: the most square ones, each in both directions. */
const mostForms = 4;

/**
 * Sizes of pictures that the network can take: those that its head follows from, else one for a person to replace by that of theirs. A head
 * that may see a part of its features alone follows from none: without the head every size is right.
 */
function pictures(network: Network): readonly Way[] {
  const first = network.layers.find((layer): layer is FcLayer => layer.kind === "fc");
  const reduced = mayBeReduced(network);
  const [channels] = network.featureShape ?? [];
  const places = first === undefined || channels === undefined || first.windows !== undefined ? undefined : first.inputs / channels;
  if (first !== undefined && !reduced && places !== undefined && Number.isInteger(places)) {
    const scale = 2 ** poolCount(network);
    const forms = possibleSizes(places).flatMap(([h, w]) => (h === w ? [[h, w] as const] : [[h, w] as const, [w, h] as const]));
    return forms.slice(0, mostForms).map(([h, w], k) => ({
      options: { inputSize: [h * scale, w * scale, network.inputChannels] },
      say: (options) => `${k === 0 ? "add" : "or"} ${options}`,
    }));
  }
  const way = anyPictures(network.inputChannels);
  return [reduced ? { ...way, options: { noTop: true, ...way.options } } : way];
}

/** A size of pictures for a person to replace by that of theirs, where no size follows from the file. */
export function anyPictures(channels: number): Way {
  const yours = "or the size of your pictures";
  return { options: { inputSize: [usualSide, usualSide, channels] }, say: (text) => `add ${text} (${yours})`, why: yours };
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
  const writes = ["onnx", "caffe"].map((to): Way => ({ options: { to }, say: (options) => `${options} writes them` }));
  const without: Way = { options: { noTop: true }, say: (options) => `${options} leaves the head out` };
  const inHead = unusual.every((layer) => layer.startsWith("fc"));
  throw new Refusal("unsupported", `${format} is not written with ${unusual.join("; ")}`, inHead ? [without, ...writes] : writes);
}
