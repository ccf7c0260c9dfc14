import type { Config } from "./network.ts";

/** Convolutions per block of the published configurations (Simonyan and Zisserman, arXiv 1409.1556, table 1). */
export const configs: Readonly<Record<Exclude<Config, "other">, readonly number[]>> = {
  A: [1, 1, 2, 2, 2],
  B: [2, 2, 2, 2, 2],
  C: [2, 2, 3, 3, 3],
  D: [2, 2, 3, 3, 3],
  E: [2, 2, 4, 4, 4],
};

/** Depth counts the layers with weights, the three fully connected ones included. */
export const titles: Readonly<Record<Exclude<Config, "other">, string>> = {
  A: "VGG-11",
  B: "VGG-13",
  C: "VGG-16 (configuration C)",
  D: "VGG-16",
  E: "VGG-19",
};

/** C differs from D in nothing but the kernels: 1×1 in the third convolution of blocks 3, 4 and 5. */
export function configOf(blocks: readonly number[], pointwise: readonly string[]): Config {
  const same = (other: readonly number[]): boolean => other.length === blocks.length && other.every((count, i) => count === blocks[i]);
  const inC = ["conv3_3", "conv4_3", "conv5_3"];
  if (same(configs.C) && pointwise.length === inC.length && inC.every((name) => pointwise.includes(name))) return "C";
  if (pointwise.length > 0) return "other";
  for (const config of ["A", "B", "D", "E"] as const) if (same(configs[config])) return config;
  return "other";
}

/** conv1_1 … conv5_3 of a list of block lengths. */
export function convNames(blocks: readonly number[]): readonly string[] {
  return blocks.flatMap((count, block) => Array.from({ length: count }, (_, n) => `conv${block + 1}_${n + 1}`));
}
