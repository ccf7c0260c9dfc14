import { fcLayers } from "../convert/target/head.ts";
import type { Network } from "../model/network/network.ts";
import type { DependentOption } from "../text/ignored.ts";
import type { ConvertOptions } from "./options.ts";
import type { ConversionTarget } from "./target/conversion-target.ts";
import { rowsThatTake } from "./target/targets.ts";

/** What decides whether an option of a conversion counts. */
export interface ConversionFacts {
  readonly options: ConvertOptions;
  readonly target: ConversionTarget;
  /** Of the source, where it is recognised. */
  readonly network: Network | undefined;
  /** The output is like another checkpoint. */
  readonly like: boolean;
}

const recognised = "a network that is recognised as a VGG";
const batchNorm = "batch norm in the network";
const dense = "fully connected layers";
const hasBatchNorm = ({ network }: ConversionFacts): boolean => network?.batchNorm === true;
const hasDense = ({ network }: ConversionFacts): boolean => network !== undefined && fcLayers(network).length > 0;
/** Layers that are no VGG's get the target's axes. */
const turnsOthers = ({ target }: ConversionFacts): boolean => target.ownAxes !== undefined;
/** Names and axes are chosen by nothing else. */
const choosesNames = ({ like, target }: ConversionFacts): boolean => !like && target.plan === undefined;
const ownNames = "a choice of names and axes: --like and a plan in --map bring their own";

/** One row an option; those that are always of consequence, and those that only permit something (--force), have none. */
export const conversionOptions: readonly DependentOption<ConversionFacts>[] = [
  {
    option: "--seed",
    given: ({ options }) => options.seed !== undefined,
    counts: ({ options }) => options.numClasses !== undefined && options.init !== "zeros",
    without: "a new layer of random values",
    add: "--num-classes N",
  },
  {
    option: "--init",
    given: ({ options }) => options.init !== undefined,
    counts: ({ options }) => options.numClasses !== undefined,
    without: "a new last layer",
    add: "--num-classes N",
  },
  {
    option: "--max-shard-size",
    given: ({ options }) => options.maxShardSize !== undefined,
    counts: ({ target }) => target.row.takes?.includes("max-shard-size") === true,
    without: `a format that is cut into files (${rowsThatTake("max-shard-size")})`,
  },
  {
    option: "--compress",
    given: ({ options }) => options.compress === true,
    counts: ({ target }) => target.row.takes?.includes("compress") === true,
    without: `a format that can be deflated (${rowsThatTake("compress")})`,
  },
  { option: "--bn-epsilon", given: ({ options }) => options.bnEpsilon !== undefined, counts: hasBatchNorm, without: batchNorm },
  { option: "--moments", given: ({ options }) => options.moments !== undefined, counts: hasBatchNorm, without: batchNorm },
  {
    option: "--flatten",
    given: ({ options }) => options.flatten !== undefined,
    counts: (facts) => hasDense(facts) || turnsOthers(facts),
    without: dense,
  },
  { option: "--dropout-factor", given: ({ options }) => options.dropoutFactor !== undefined, counts: hasDense, without: dense },
  {
    option: "--kernels",
    given: ({ options }) => options.kernels !== undefined,
    counts: (facts) => facts.network !== undefined || turnsOthers(facts),
    without: recognised,
  },
  { option: "--naming", given: ({ options }) => options.naming !== undefined, counts: choosesNames, without: ownNames },
  { option: "--layout", given: ({ options }) => options.layout !== undefined, counts: choosesNames, without: ownNames },
  {
    option: "--fc",
    given: ({ options }) => options.fc !== undefined && options.fc !== "reduced",
    counts: choosesNames,
    without: ownNames,
  },
];
