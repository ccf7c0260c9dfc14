import { buildNetwork, type NetworkParts } from "./build-network.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { candidates } from "./groups.ts";
import type { Identity } from "./identity.ts";
import { readPreprocessing } from "./preprocessing.ts";
import { type Recognised, recogniseScheme } from "./recognise.ts";
import { recordedEpsilon } from "./records.ts";
import type { Role, Slot } from "./scheme.ts";

export interface IdentifyOptions {
  /** Height, width of the image, where the user says so. */
  readonly inputSize?: readonly [height: number, width: number];
  readonly bnEpsilon?: number;
}

/** Puts the identity together: scheme, epsilon, preprocessing and what is left over. */
export function finish(
  checkpoint: DescribedCheckpoint,
  parts: NetworkParts,
  roles: ReadonlyMap<Role, Slot>,
  options: IdentifyOptions,
  evidence: readonly string[],
): Identity {
  const draft = buildNetwork(checkpoint, { ...parts, epsilon: 1e-5 }, undefined);
  const recognised = recogniseScheme(roles, draft, checkpoint.format, (key) => checkpoint.tensors.get(key)?.label);
  const epsilon = chooseEpsilon(checkpoint, recognised, options);
  const network = buildNetwork(checkpoint, { ...parts, epsilon: epsilon.value }, recognised?.scheme);
  const preprocessing = readPreprocessing(checkpoint) ?? recognised?.scheme.preprocessing;
  const stored = new Set([...roles.values()].flatMap((slot) => ("key" in slot ? [slot.key, slot.over] : [])));
  const others = candidates(checkpoint).filter((tensor) => !stored.has(tensor.name));
  const flipped = [...roles.values()].some((slot) => "flip" in slot && slot.flip !== undefined);
  const assumed = [
    ...(parts.sizes.assumed === undefined ? [] : [parts.sizes.assumed]),
    ...(network.batchNorm && epsilon.source === "assumed" ? [`epsilon of batch norm ${epsilon.value}, the default of its convention`] : []),
    ...(flipped ? ["kernels written by Keras on Theano (weight names without :0), stored rotated by 180°"] : []),
    ...(parts.assumed ?? []),
  ];
  const named = recognised === undefined ? [] : [`names of ${recognised.scheme.title}`];
  const sure = recognised !== undefined || (network.complete && network.config !== "other" && network.head !== undefined);
  return {
    network,
    roles,
    ...(recognised && { scheme: recognised.scheme.id }),
    confidence: sure && parts.convs.length > 0 && network.missing.length === 0 ? "sure" : "likely",
    evidence: [...evidence, ...named],
    assumed,
    ...(network.batchNorm && { epsilon }),
    ...(preprocessing && { preprocessing }),
    others: others.map((tensor) => tensor.name),
  };
}

function chooseEpsilon(
  checkpoint: DescribedCheckpoint,
  recognised: Recognised | undefined,
  options: IdentifyOptions,
): { readonly value: number; readonly source: "read" | "option" | "assumed" } {
  const read = recordedEpsilon(checkpoint);
  if (options.bnEpsilon !== undefined) return { value: options.bnEpsilon, source: "option" };
  if (read !== undefined) return { value: read, source: "read" };
  const keras = /keras|tfjs|savedmodel|tf-/.test(checkpoint.format);
  return { value: recognised?.scheme.epsilon ?? (keras ? 1e-3 : 1e-5), source: "assumed" };
}
