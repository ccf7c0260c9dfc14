import type { Windows } from "../geometry/window.ts";

/** The five published configurations; `other` for a VGG of another depth. C is D with 1×1 kernels in conv3_3, conv4_3, conv5_3. */
export type Config = "A" | "B" | "C" | "D" | "E" | "other";

export interface ConvLayer {
  readonly kind: "conv";
  /** conv1_1 … conv5_4 */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Height, width. */
  readonly kernel: readonly [number, number];
  /** Zero padding on each side, height and width. */
  readonly pad: readonly [number, number];
  /** How the kernel slides, where that is not one pixel at a time with `pad` on both sides. */
  readonly windows?: Windows;
  /** More than 1: each part of the outputs sees its part of the inputs alone. */
  readonly groups?: number;
  /** The file has no ReLU behind it. */
  readonly linear?: true;
  readonly bias: boolean;
  /** Batch norm between convolution and ReLU: roles `<name>.bn.{weight,bias,mean,var}`; weight or bias may be constant. */
  readonly batchNorm?: { readonly epsilon: number };
}

export interface PoolLayer {
  readonly kind: "pool";
  /** pool1 … pool5. */
  readonly name: string;
  /** How it slides, where that is not 2×2 with stride 2. */
  readonly windows?: Windows;
  /** Absent: the largest value. */
  readonly method?: "average";
  /** Caffe rounds the output size up; all others down. */
  readonly ceil: boolean;
}

/** torchvision and paddle.vision put an adaptive average pool before the head, the identity at the published size. */
export interface AdaptivePoolLayer {
  readonly kind: "adaptive-pool";
  readonly name: "avgpool";
  readonly size: readonly [number, number];
  /** Absent: the average. */
  readonly method?: "max";
}

export interface FcLayer {
  readonly kind: "fc";
  /** fc6, fc7, fc8 (or fc6 … of another count). */
  readonly name: string;
  /** Features in: channels × height × width for the first, the previous width for the others. */
  readonly inputs: number;
  readonly outputs: number;
  /** Of a layer kept as a convolution, where its kernel does not cover all that it sees at once: how it slides. */
  readonly windows?: Windows;
  readonly bias: boolean;
  /** What the values are multiplied with before they are used: 0.5 for old Paddle's dropout at inference. */
  readonly inputScale?: number;
  /** ReLU behind it, softmax behind it, or nothing. */
  readonly activation: "relu" | "softmax" | "none";
  readonly batchNorm?: { readonly epsilon: number };
}

export interface Uncomputed {
  /** The layer before it. */
  readonly behind: string;
  /** "norm1 (LRN)", "tanh". */
  readonly what: string;
}

export type NetworkLayer = ConvLayer | PoolLayer | AdaptivePoolLayer | FcLayer;

/** A VGG as engines and network writers build it: a chain of layers, each convolution followed by [batch norm,] ReLU. */
export interface Network {
  readonly family: "vgg";
  readonly config: Config;
  /** "VGG-16", "VGG-16 with batch norm" … */
  readonly name: string;
  readonly batchNorm: boolean;
  /** In forward order; layers that the checkpoint lacks are not among them (see `missing`). */
  readonly layers: readonly NetworkLayer[];
  /** Output channels of the convolutions, then of the fully connected layers. */
  readonly widths: readonly number[];
  /** Outputs of the last fully connected layer; undefined without a head. */
  readonly classes?: number;
  readonly inputChannels: number;
  /** Height, width of the image; undefined where the file does not say. */
  readonly inputSize?: readonly [number, number];
  /** Channels, height, width of what enters fc6; height and width undefined where a dense file does not say. */
  readonly featureShape?: readonly [channels: number, height: number | undefined, width: number | undefined];
  /** How fc6… are kept; undefined without a head. */
  readonly head?: "dense" | "conv";
  readonly epsilon: number;
  /** Whether kernels, steps, padding, pools and activations are those that the file states, or VGG's own. */
  readonly geometry: "stated" | "assumed";
  /** What the file computes between these layers and none of them is: an LRN, another activation than ReLU. */
  readonly uncomputed: readonly Uncomputed[];
  /** Names of the layers that a VGG of this depth has and this file lacks. */
  readonly missing: readonly string[];
  /** All convolutions are there, and either all of the head or none of it. */
  readonly complete: boolean;
}
