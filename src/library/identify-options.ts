import type { IdentifyOptions } from "../model/options.ts";
import type { Readings } from "../model/readings.ts";

interface Said extends Readings {
  readonly inputSize?: readonly [height: number, width: number, channels?: number | undefined];
  readonly bnEpsilon?: number;
}

/** What a caller says of a file that recognition has to know. */
export function identifyOptions({ inputSize, bnEpsilon, kernels, moments, flatten, dropoutFactor }: Said): IdentifyOptions {
  return {
    ...(inputSize === undefined ? {} : { inputSize: [inputSize[0], inputSize[1]] }),
    ...(bnEpsilon === undefined ? {} : { bnEpsilon }),
    ...(kernels === undefined ? {} : { kernels }),
    ...(moments === undefined ? {} : { moments }),
    ...(flatten === undefined ? {} : { flatten }),
    ...(dropoutFactor === undefined ? {} : { dropoutFactor }),
  };
}
