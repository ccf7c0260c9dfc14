import type { Described, DescribedCheckpoint } from "../described.ts";

/**
 * Whether kernels are stored rotated by 180°. Theano computes true convolution; Keras' files on Theano therefore hold
 * flipped kernels. Keras 2 names the backend; Keras 1 files do not, but on Theano its weight names have no `:0`.
 */
export function isFlipped(checkpoint: DescribedCheckpoint, kernels: readonly Described[]): boolean {
  if (checkpoint.conventions.rotates !== true) return false;
  const backend = checkpoint.metadata.get("backend");
  if (typeof backend === "string") return backend === "theano";
  // layer_1/param_0: Keras of 2015, which had no other backend.
  return kernels.every(({ name }) => /_W(_\d+)?$|(^|\/)layer_\d+\/param_0$/.test(name));
}
