import type { Windows } from "../../model/geometry/window.ts";
import type { KnownKind } from "../../model/layers/layer-kind.ts";

/** One layer as `inspect --layers` shows it; field names are part of the command-line contract. */
export interface LayerRow {
  readonly name: string;
  readonly type: string;
  /** Of a layer that names and shapes alone make: what it is, and what says so. */
  readonly kind?: KnownKind;
  readonly grounds?: string;
  /** Of such a layer: the axes of each tensor, null where they are not determined. */
  readonly parts?: readonly { readonly key: string; readonly axes: string | null }[];
  /** [height, width, channels] or [features], frames in front; absent where the input's size is not known. */
  readonly outputShape?: readonly number[];
  /** How a convolution or a pool slides, as the file or its network says; absent where the type says it, and where neither does. */
  readonly windows?: Windows;
  /** Weights, biases, gamma and beta. */
  readonly parameters: number;
  /** Those of them that are weights, and those that are biases. */
  readonly weights: number;
  readonly biases: number;
  /** Running means and variances: no parameters, though Keras counts them. */
  readonly statistics: number;
  /** Of the parameters as stored. */
  readonly bytes: number;
  /** Of the output for one picture, in the type of the weights; 0 where the layer works in place or changes nothing. */
  readonly activationBytes?: number;
  /** For one picture; batch norm, ReLU and pools count nothing. */
  readonly multiplyAdds?: number;
}

/** A row on its way: `keeps` says whether the output takes memory of its own. */
export interface SizedRow extends LayerRow {
  readonly keeps?: boolean;
}
