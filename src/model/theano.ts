import type { Conv } from "./chain.ts";
import type { DescribedCheckpoint } from "./described.ts";

/**
 * Whether kernels are stored rotated by 180°. Theano computes true convolution; Keras' files on Theano therefore hold
 * flipped kernels. Keras 2 names the backend; Keras 1 files do not, but on Theano its weight names have no `:0`.
 */
export function isFlipped(checkpoint: DescribedCheckpoint, convs: readonly Conv[]): boolean {
  if (checkpoint.format !== "keras-h5") return false;
  const backend = checkpoint.metadata.get("backend");
  if (typeof backend === "string") return backend === "theano";
  return convs.every((conv) => /_W(_\d+)?$/.test(conv.layer.weight.name));
}
