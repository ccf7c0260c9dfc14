import type { Assumption } from "./assumption.ts";
import type { DescribedCheckpoint } from "./described.ts";
import type { Network } from "./network/network.ts";
import { type Readings, rowOrder } from "./readings.ts";
import { flattensChannelsFirst } from "./records.ts";
import type { Role } from "./role.ts";
import type { Preprocessing, Scheme, Slot } from "./scheme.ts";

/** What was found of a network, as far as assumptions go. */
export interface Grounds {
  readonly checkpoint: DescribedCheckpoint;
  readonly network: Network;
  readonly roles: ReadonlyMap<Role, Slot>;
  readonly scheme: Scheme | undefined;
  readonly preprocessing: Preprocessing | undefined;
  readonly epsilonSource: "read" | "option" | "assumed";
  /** Where the factor of fc7 and fc8 is from. */
  readonly scaleSource: "recorded" | "program" | "scheme" | "option" | undefined;
  /** Axes that an output of this tool records for its own keys are no assumption. */
  readonly ownAxes: boolean;
  readonly readings: Readings;
}

/** What changes or places values and is not the file's own statement, each with its grounds and what turns it off. */
export function assumptionsOf(grounds: Grounds): readonly Assumption[] {
  return [epsilon(grounds), kernels(grounds), dropout(grounds), moments(grounds), flatten(grounds), colours(grounds)].flatMap(
    (found) => found ?? [],
  );
}

function epsilon({ network, scheme, epsilonSource }: Grounds): Assumption | undefined {
  if (!network.batchNorm || epsilonSource !== "assumed") return undefined;
  const whose = scheme === undefined ? "the default of its framework" : `the default of ${scheme.title}`;
  return {
    of: "epsilon",
    what: `epsilon of batch norm is ${network.epsilon}`,
    grounds: `${whose}; the file does not say it`,
    switch: "--bn-epsilon E",
  };
}

function kernels({ checkpoint, roles, readings }: Grounds): Assumption | undefined {
  if (readings.kernels !== undefined) return undefined;
  if (![...roles.values()].some((slot) => "flip" in slot && slot.flip !== undefined)) return undefined;
  const stated = checkpoint.metadata.get("backend") === "theano";
  return {
    of: "kernels",
    what: "convolution kernels are read rotated by 180°",
    grounds: stated
      ? "the file names Theano as its backend, whose convolution turns kernels"
      : "names and form are those of Keras on Theano, whose convolution turns kernels; the file itself does not say so",
    switch: "--kernels as-stored",
  };
}

function dropout({ network, scheme, scaleSource }: Grounds): Assumption | undefined {
  const scaled = network.layers.filter((layer) => layer.kind === "fc" && layer.inputScale !== undefined);
  const [first] = scaled;
  if (first?.kind !== "fc" || first.inputScale === undefined || scaleSource === undefined || scaleSource === "option") return undefined;
  const whose: Readonly<Record<typeof scaleSource, string>> = {
    scheme: `the names are those of ${scheme?.title ?? "old Paddle"}, where dropout scales at inference (downscale_in_infer)`,
    program: "the file's own dropout layers scale at inference (downscale_in_infer)",
    recorded: "the conversion that wrote the file recorded it",
  };
  return {
    of: "dropout",
    what: `what enters ${scaled.map(({ name }) => name).join(" and ")} is multiplied with ${first.inputScale}`,
    grounds: whose[scaleSource],
    switch: "--dropout-factor 1",
  };
}

function moments({ roles, readings }: Grounds): Assumption | undefined {
  if (readings.moments !== undefined) return undefined;
  if (![...roles.values()].some((slot) => "as" in slot && slot.as === "sigma")) return undefined;
  return {
    of: "moments",
    what: "the second column of batch norm's moments is read as a standard deviation, √(variance + epsilon)",
    grounds: "MatConvNet's vl_nnbnorm keeps it so; the file does not say it",
    switch: "--moments variance",
  };
}

/** A stated Flatten, and a head with one place, leave nothing to assume. */
function flatten({ checkpoint, network, roles, ownAxes, readings }: Grounds): Assumption | undefined {
  const order = rowOrder(roles.get("fc6.weight"));
  const [channels] = network.featureShape ?? [];
  const first = network.layers.find((layer) => layer.kind === "fc");
  if (order === undefined || ownAxes || readings.flatten !== undefined || first?.kind !== "fc" || first.inputs === channels)
    return undefined;
  if (flattensChannelsFirst(checkpoint) !== undefined) return undefined;
  const channelsFirst = order === "i h w";
  return {
    of: "flatten",
    what: `the rows of ${first.name} are read as ${channelsFirst ? "channels, height, width" : "height, width, channels"}`,
    grounds: network.layers.some((layer) => layer.kind === "conv")
      ? `its convolutions are kept ${channelsFirst ? "o i h w" : "h w i o"}, and such frameworks flatten so`
      : "the framework of this format flattens so",
    switch: `--flatten ${channelsFirst ? "hwc" : "chw"}`,
  };
}

function colours({ preprocessing, scheme }: Grounds): Assumption | undefined {
  if (preprocessing?.source !== "assumed" || preprocessing.channels !== "bgr" || scheme === undefined) return undefined;
  return {
    of: "colours",
    what: "pictures are taken as B G R",
    grounds: `networks with the names of ${scheme.title} are trained so; the file does not say it`,
    switch: "--swap-rgb turns conv1_1 round; verify --preprocess PRESET prepares them otherwise",
  };
}
