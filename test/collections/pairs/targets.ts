import type { ConvertOptions } from "../../../src/convert/options.ts";

/** A column of the table: how the output is asked for, and which golden cases hold the same network in that very clothing. */
export interface PairTarget {
  readonly title: string;
  readonly options: ConvertOptions & { readonly to: string };
  /** Name of the output. */
  readonly file: string;
  /** The first that the architecture has is compared with; canonical values where there is none. */
  readonly like: readonly string[];
  /** The case was made for an epsilon that its file does not say and that is not the framework's: without batch norm only. */
  readonly ownEpsilon?: true;
}

export const pairTargets: readonly PairTarget[] = [
  { title: "safetensors", options: { to: "safetensors" }, file: "vgg.safetensors", like: [] },
  {
    title: "safetensors, torchvision",
    options: { to: "safetensors", naming: "torchvision" },
    file: "vgg.safetensors",
    like: ["safetensors"],
  },
  { title: "npz", options: { to: "npz" }, file: "vgg.npz", like: [] },
  { title: "npz, frossard", options: { to: "npz", naming: "frossard" }, file: "vgg.npz", like: ["npz"] },
  { title: "paddle", options: { to: "paddle" }, file: "vgg.pdparams", like: ["paddle-vision", "paddle-bn"] },
  { title: "tfslim", options: { to: "tfslim" }, file: "vgg.ckpt", like: ["tfslim-v2", "tfslim-bn"] },
  { title: "tfslim dense", options: { to: "tfslim", fc: "dense" }, file: "vgg.ckpt", like: ["tfslim-dense"] },
  { title: "keras .h5", options: { to: "keras", fc: "dense" }, file: "vgg.h5", like: ["keras2-h5"] },
  {
    title: "keras _weights.h5",
    options: { to: "keras", fc: "dense" },
    file: "vgg_weights.h5",
    like: ["keras2-h5-weights"],
    ownEpsilon: true,
  },
  { title: "keras .keras", options: { to: "keras", fc: "dense" }, file: "vgg.keras", like: ["keras3-keras"] },
  { title: "keras .weights.h5", options: { to: "keras", fc: "dense" }, file: "vgg.weights.h5", like: ["keras3-weights"] },
  { title: "matconvnet", options: { to: "matconvnet" }, file: "vgg.mat", like: ["matconvnet", "matconvnet-bnorm"] },
  {
    title: "matconvnet dagnn",
    options: { to: "matconvnet", naming: "matconvnet-dagnn" },
    file: "vgg.mat",
    like: ["matconvnet-dagnn"],
  },
  { title: "torch", options: { to: "torch" }, file: "vgg.pth", like: ["torchvision"] },
  { title: "caffe", options: { to: "caffe" }, file: "vgg.caffemodel", like: ["caffe"] },
  { title: "onnx", options: { to: "onnx" }, file: "vgg.onnx", like: ["onnx-torch", "onnx-torch-bn"] },
  { title: "tfjs", options: { to: "tfjs", fc: "dense" }, file: "tfjs", like: ["tfjs-layers"] },
];
