import type { Network } from "../model/network/network.ts";
import type { DependentOption } from "../text/ignored.ts";

type Asked = Partial<
  Record<"preprocess" | "inputLayout" | "inputSize" | "seeds" | "rtol" | "atol" | "bnEpsilon" | "other" | "expect", unknown>
>;

/** What decides whether an option of `verify` counts. */
export interface VerifyFacts {
  readonly options: Asked;
  readonly network: Network;
  readonly input: "pictures" | "batch" | "generated";
}

const compares = ({ options }: VerifyFacts): boolean => options.other !== undefined || options.expect !== undefined;
const comparison = "something to compare with";

/** One row an option; those that are always of consequence, and those that only permit something, have none. */
export const verificationOptions: readonly DependentOption<VerifyFacts>[] = [
  {
    option: "--preprocess",
    given: ({ options }) => options.preprocess !== undefined,
    counts: ({ input }) => input === "pictures",
    without: "pictures",
    add: "--input PICTURE",
  },
  {
    option: "--input-layout",
    given: ({ options }) => options.inputLayout !== undefined,
    counts: ({ input }) => input === "batch",
    without: "a batch as .npy",
    add: "--input BATCH.npy",
  },
  {
    option: "--input-size",
    given: ({ options }) => options.inputSize !== undefined,
    counts: ({ input }) => input !== "batch",
    without: "pictures: a batch as .npy has its own size",
  },
  {
    option: "--seed",
    given: ({ options }) => options.seeds !== undefined,
    counts: ({ input }) => input === "generated",
    without: "generated pictures, which are made where there is no --input",
  },
  { option: "--rtol", given: ({ options }) => options.rtol !== undefined, counts: compares, without: comparison, add: "--expect FILE" },
  { option: "--atol", given: ({ options }) => options.atol !== undefined, counts: compares, without: comparison, add: "--expect FILE" },
  {
    option: "--bn-epsilon",
    given: ({ options }) => options.bnEpsilon !== undefined,
    counts: ({ network, options }) => network.batchNorm || options.other !== undefined,
    without: "batch norm in the network",
  },
];
