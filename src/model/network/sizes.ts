import type { Assumption } from "../assumption.ts";
import type { DescribedCheckpoint } from "../described.ts";
import type { Fc } from "../identify/head/dense.ts";
import { readRecorded } from "../recorded.ts";
import { recordedInput } from "../records.ts";
import { convPlace } from "./expand.ts";
import type { Network } from "./network.ts";

/** Height and width of what enters fc6, and of the image, as far as they are known. */
export interface Sizes {
  readonly feature?: readonly [height: number, width: number];
  readonly input?: readonly [height: number, width: number];
  /** Where a size was guessed for want of better. */
  readonly assumed?: Assumption;
}

/** Pools of the whole network, one behind each block; also where its convolutions are missing. */
export function poolCount(network: Network): number {
  const names = [...network.layers.map(({ name }) => name), ...network.missing].filter((name) => name.startsWith("conv"));
  return new Set(names.map((name) => convPlace(name)[0])).size;
}

/** Convolutions keep the size (3×3, pad 1), each pool halves it and rounds down. */
export function findSizes(
  checkpoint: DescribedCheckpoint,
  first: Fc | undefined,
  channels: number,
  pools: number,
  option: readonly [number, number] | undefined,
): Sizes {
  const recorded = readRecorded(checkpoint);
  if (option === undefined && recorded?.feature !== undefined && recorded.inputSize !== undefined) {
    return { feature: recorded.feature, input: recorded.inputSize };
  }
  const input = option ?? recorded?.inputSize ?? recordedInput(checkpoint).size;
  const scale = 2 ** pools;
  if (first?.kernel !== undefined) {
    const [height, width] = first.kernel;
    return { feature: first.kernel, input: input ?? [height * scale, width * scale] };
  }
  const places = first === undefined ? undefined : first.inputs / channels;
  if (input !== undefined) {
    const feature: [number, number] = [Math.floor(input[0] / scale), Math.floor(input[1] / scale)];
    const fits = places === undefined || feature[0] * feature[1] === places;
    // An image of any size goes through an adaptive pool; what enters fc6 is then what its rows say.
    if (fits) return { feature, input };
    return { input, ...square(places) };
  }
  if (places === undefined) return {};
  // One input a channel: pictures of 32 × 32, a pool over everything, or, where channels are last, a layer that nobody flattened for.
  if (places === 1 && checkpoint.conventions.flatten === "h w i") return { feature: [1, 1] };
  const side = square(places);
  if (side.feature === undefined) return {};
  const [height, width] = side.feature;
  return {
    ...side,
    input: [height * scale, width * scale],
    assumed: {
      of: "size",
      what: `what enters fc6 is taken as ${height} × ${width}, pictures as ${height * scale} × ${width * scale}`,
      grounds: `fc6 has ${first?.inputs} inputs of ${channels} channels, ${places} ${places === 1 ? "place" : "places"}; the file does not say how they lie`,
      switch: "--input-size HxWxC",
    },
  };
}

function square(places: number): { readonly feature?: readonly [number, number] } {
  const side = Math.round(Math.sqrt(places));
  return side * side === places ? { feature: [side, side] } : {};
}

/** Heights and widths that a number of places can be, the most square first, height not above width. */
export function possibleSizes(places: number): readonly (readonly [height: number, width: number])[] {
  const sizes: [number, number][] = [];
  for (let height = Math.floor(Math.sqrt(places)); height >= 1; height--) {
    if (places % height === 0) sizes.push([height, places / height]);
  }
  return sizes;
}
