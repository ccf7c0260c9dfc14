import { buildNetwork, type NetworkParts } from "./build-network.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { withSizes } from "./geometry/sizes.ts";
import { withGeometry } from "./geometry/stated.ts";
import { candidates } from "./groups.ts";
import type { Identity } from "./identity.ts";
import { readPreprocessing } from "./preprocessing.ts";
import { type Recognised, recogniseScheme } from "./recognise.ts";
import { type Recorded, readRecorded } from "./recorded.ts";
import { recordedEpsilon, recordedInput, recordedInputScale } from "./records.ts";
import type { Role } from "./role.ts";
import type { Slot } from "./scheme.ts";

export interface IdentifyOptions {
  /** Height, width of the image, where the user says so. */
  readonly inputSize?: readonly [height: number, width: number];
  readonly bnEpsilon?: number;
}

/** Puts the identity together: scheme, epsilon, preprocessing and what is left over. */
export function finish(
  checkpoint: DescribedCheckpoint,
  parts: NetworkParts,
  shaped: ReadonlyMap<Role, Slot>,
  options: IdentifyOptions,
  evidence: readonly string[],
): Identity {
  const recorded = readRecorded(checkpoint);
  const roles = recorded === undefined ? shaped : withAxes(shaped, recorded, checkpoint);
  const draft = buildNetwork(checkpoint, { ...parts, epsilon: 1e-5 }, {});
  // The names of three fully connected layers alone are those of several conventions.
  const recognised =
    parts.convs.length === 0 ? undefined : recogniseScheme(roles, draft, checkpoint.format, (key) => checkpoint.tensors.get(key)?.label);
  const epsilon = chooseEpsilon(checkpoint, recorded, recognised, options);
  const scale = recorded?.inputScale ?? recordedInputScale(checkpoint) ?? recognised?.scheme.inputScale;
  const plain = buildNetwork(
    checkpoint,
    { ...parts, epsilon: epsilon.value },
    { adaptivePool: recognised?.scheme.adaptivePool === true, ...(scale !== undefined && scale !== 1 && { inputScale: scale }) },
  );
  const declared = options.inputSize ?? recorded?.inputSize ?? recordedInput(checkpoint).size;
  const network = withSizes(withGeometry(plain, roles, checkpoint), declared);
  const preprocessing = recorded?.preprocessing ?? readPreprocessing(checkpoint) ?? recognised?.scheme.preprocessing;
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
  recorded: Recorded | undefined,
  recognised: Recognised | undefined,
  options: IdentifyOptions,
): { readonly value: number; readonly source: "read" | "option" | "assumed" } {
  const read = recorded?.epsilon ?? recordedEpsilon(checkpoint);
  if (options.bnEpsilon !== undefined) return { value: options.bnEpsilon, source: "option" };
  if (read !== undefined) return { value: read, source: "read" };
  return { value: recognised?.scheme.epsilon ?? checkpoint.conventions.epsilon, source: "assumed" };
}

/** The axes that an output of this tool records for its keys, where they have as many parts as the tensor. */
function withAxes(roles: ReadonlyMap<Role, Slot>, recorded: Recorded, checkpoint: DescribedCheckpoint): ReadonlyMap<Role, Slot> {
  return new Map(
    [...roles].map(([role, slot]): [Role, Slot] => {
      if ("constant" in slot) return [role, slot];
      const axes = recorded.axes.get(slot.key);
      const fits = axes !== undefined && axes.groups.length === checkpoint.tensors.get(slot.key)?.shape.length;
      return [role, fits ? { ...slot, axes } : slot];
    }),
  );
}
