import type { Conventions, Inert, LayerRecord } from "../tensor/checkpoint.ts";
import type { DType } from "../tensor/dtype.ts";
import type { TensorInfo } from "../tensor/tensor.ts";

/** What model/ needs to know of a tensor: no values. A `Tensor` is one. */
export interface Described extends TensorInfo {
  readonly dtype: DType;
}

/** What model/ needs to know of a checkpoint. A `Checkpoint` is one. */
export interface DescribedCheckpoint {
  readonly format: string;
  readonly conventions: Conventions;
  readonly tensors: ReadonlyMap<string, Described>;
  readonly layers: readonly LayerRecord[];
  readonly metadata: ReadonlyMap<string, Inert>;
}
