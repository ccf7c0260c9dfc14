import type { Scheme } from "../scheme.ts";
import { head, layouts, norm, pair, slotsOf } from "./axes.ts";
import { bgrMean, unitNormal } from "./preprocessing.ts";

const norms = ["gamma", "beta", "running_mean", "running_var"] as const;
const common = { formats: ["mxnet"], head: "dense", epsilon: 1e-5, channels: "rgb", preprocessing: unitNormal } as const;

/** Gluon's save_parameters: activations count, those of the dense layers do not; a dropout follows each. */
export const gluon: Scheme = {
  ...common,
  id: "mxnet-gluon",
  title: "MXNet Gluon: features.N.weight … output.bias",
  slots: slotsOf(
    {
      ...pair("conv", "features.{features}", ".weight", ".bias"),
      ...norm("features.{features}.", norms),
      ...head(["features.{features}", "features.{features}", "output"], ".weight", ".bias"),
    },
    layouts.oihw,
  ),
  counters: { features: ["conv", "bn", "relu", "pool", "fc", "dropout"] },
};

/** Gluon's collect_params().save, and the ONNX model zoo's VGG. */
export const gluonNamed: Scheme = {
  ...common,
  id: "mxnet-gluon-names",
  title: "MXNet Gluon parameter names: vgg0_conv0_weight … vgg0_dense2_bias",
  formats: ["mxnet", "onnx"],
  slots: slotsOf(
    {
      ...pair("conv", "vgg0_conv{k}", "_weight", "_bias"),
      ...norm("vgg0_batchnorm{k}_", norms),
      ...head(["vgg0_dense0", "vgg0_dense1", "vgg0_dense2"], "_weight", "_bias"),
    },
    layouts.oihw,
  ),
};

/** Symbols converted from Caffe; keys without `arg:` and `aux:`. */
export const mxnetSymbol: Scheme = {
  ...common,
  id: "mxnet-symbol",
  title: "MXNet symbols: conv1_1_weight … fc8_bias",
  formats: ["mxnet", "onnx"],
  slots: slotsOf(
    {
      ...pair("conv", "conv{b}_{n}", "_weight", "_bias"),
      ...norm("bn{b}_{n}_", ["gamma", "beta", "moving_mean", "moving_var"]),
      ...head(["fc6", "fc7", "fc8"], "_weight", "_bias"),
    },
    layouts.oihw,
  ),
  epsilon: 1e-3,
  channels: "bgr",
  preprocessing: bgrMean,
};
