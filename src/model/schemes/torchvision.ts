import type { Scheme } from "../scheme.ts";
import { head, layouts, norm, pair, slotsOf } from "./axes.ts";
import { unitNormal } from "./preprocessing.ts";

const features = {
  ...pair("conv", "features.{features}", ".weight", ".bias"),
  ...norm("features.{features}", [".weight", ".bias", ".running_mean", ".running_var"]),
};
const common = {
  formats: ["torch", "safetensors", "onnx", "npz"],
  counters: { features: ["conv", "bn", "relu", "pool"] },
  head: "dense",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: unitNormal,
  adaptivePool: true,
} as const;

/** torchvision/models/vgg.py. */
export const torchvision: Scheme = {
  ...common,
  id: "torchvision",
  title: "torchvision: features.N, classifier.0 .3 .6",
  slots: slotsOf({ ...features, ...head(["classifier.0", "classifier.3", "classifier.6"], ".weight", ".bias") }, layouts.oihw),
};

/** Until March 2017 dropout stood first in the classifier. */
export const torchvisionOld: Scheme = {
  ...common,
  id: "torchvision-2017",
  title: "torchvision before March 2017: features.N, classifier.1 .4 .6",
  slots: slotsOf({ ...features, ...head(["classifier.1", "classifier.4", "classifier.6"], ".weight", ".bias") }, layouts.oihw),
};

const small = {
  ...pair("conv", "conv.{conv}", ".weight", ".bias"),
  ...norm("conv.{conv}", [".weight", ".bias", ".running_mean", ".running_var"]),
};

/** A small VGG as people write it while learning PyTorch. */
export const torchSmall: Scheme = {
  ...common,
  id: "torch-small",
  title: "PyTorch: conv.N, fc.0 .3 .6",
  slots: slotsOf({ ...small, ...head(["fc.0", "fc.3", "fc.6"], ".weight", ".bias") }, layouts.oihw),
  counters: { conv: ["conv", "bn", "relu", "pool"] },
  adaptivePool: false,
};

/** The same without dropout. */
export const torchSmallPlain: Scheme = {
  ...torchSmall,
  id: "torch-small-plain",
  title: "PyTorch: conv.N, fc.0 .2 .4",
  slots: slotsOf({ ...small, ...head(["fc.0", "fc.2", "fc.4"], ".weight", ".bias") }, layouts.oihw),
};
