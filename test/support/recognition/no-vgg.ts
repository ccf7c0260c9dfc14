import { byWidth } from "./no-vgg/by-width.ts";
import { classifiers } from "./no-vgg/classifiers.ts";
import type { NoVgg } from "./no-vgg/families.ts";
import { others } from "./no-vgg/others.ts";

/** Networks that are no VGG, from their publications and public code. */
export const noVgg: readonly NoVgg[] = [...classifiers, ...others, ...byWidth];

/** docs/decisions.md: fc1, fc2 and fc3 of Paddle, whose VGG-Face has these names, are taken for a VGG's head. */
export function isDecided(name: string, spelling: string): boolean {
  return spelling === "paddle" && name.startsWith("MLP fc1 fc2 fc3");
}
