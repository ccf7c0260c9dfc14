import type { Scheme } from "../scheme.ts";
import { head, layouts, norm, pair, slotsOf } from "./axes.ts";
import { unitNormal } from "./preprocessing.ts";

const norms = [".weight", ".bias", "._mean", "._variance"] as const;
const common = { formats: ["paddle"], head: "dense", epsilon: 1e-5, channels: "rgb", preprocessing: unitNormal } as const;

/** python/paddle/vision/models/vgg.py: torchvision's indices, Paddle's axes. */
export const paddleVision: Scheme = {
  ...common,
  id: "paddle-vision",
  title: "paddle.vision: features.N, classifier.0 .3 .6, dense [in, out]",
  slots: slotsOf(
    {
      ...pair("conv", "features.{features}", ".weight", ".bias"),
      ...norm("features.{features}", norms),
      ...head(["classifier.0", "classifier.3", "classifier.6"], ".weight", ".bias"),
    },
    layouts.paddle,
  ),
  counters: { features: ["conv", "bn", "relu", "pool"] },
  adaptivePool: true,
};

/** PaddleClas legendary_models/vgg.py: no convolution has a bias, dropout scales by 0.5 at inference. */
export const paddleClas: Scheme = {
  ...common,
  id: "paddle-clas",
  title: "PaddleClas: conv_block_1.conv1, fc1–fc3, no conv bias",
  slots: {
    ...slotsOf({ "conv.weight": "conv_block_{b}.conv{n}.weight", ...head(["fc1", "fc2", "fc3"], ".weight", ".bias") }, layouts.paddle),
    "conv.bias": { constant: 0 },
  },
  inputScale: 0.5,
};

/** PaddleClas 2.0 and 2.1, ppcls/modeling/architectures/vgg.py: the same network, its sublayers private. */
export const paddleClas20: Scheme = {
  ...paddleClas,
  id: "paddle-clas-2.0",
  title: "PaddleClas 2.0, 2.1: _conv_block_1._conv_1, _fc1, _fc2, _out, no conv bias",
  slots: {
    ...slotsOf(
      { "conv.weight": "_conv_block_{b}._conv_{n}.weight", ...head(["_fc1", "_fc2", "_out"], ".weight", ".bias") },
      layouts.paddle,
    ),
    "conv.bias": { constant: 0 },
  },
};

/** PaddlePaddle/models image_classification/models/vgg.py, static graph. */
export const paddleModels: Scheme = {
  ...common,
  id: "paddle-models",
  title: "PaddlePaddle/models: conv1_1_weights … fc8_offset, no conv bias",
  slots: {
    ...slotsOf({ "conv.weight": "conv{b}_{n}_weights", ...head(["fc6", "fc7", "fc8"], "_weights", "_offset") }, layouts.paddle),
    "conv.bias": { constant: 0 },
  },
  inputScale: 0.5,
};

/** Variable names of static programs and inference models. */
export const paddleStatic: Scheme = {
  ...common,
  id: "paddle-static",
  title: "Paddle variable names: conv2d_0.w_0 … linear_2.b_0",
  slots: slotsOf(
    {
      ...pair("conv", "conv2d_{k}", ".w_0", ".b_0"),
      ...norm("batch_norm2d_{k}", [".w_0", ".b_0", ".w_1", ".w_2"]),
      ...head(["linear_0", "linear_1", "linear_2"], ".w_0", ".b_0"),
    },
    layouts.paddle,
  ),
};

/** The same written with `fluid.layers`. */
export const paddleFluid: Scheme = {
  ...common,
  id: "paddle-fluid",
  title: "Paddle fluid variable names: conv2d_0.w_0 … fc_2.b_0",
  slots: slotsOf(
    {
      ...pair("conv", "conv2d_{k}", ".w_0", ".b_0"),
      ...norm("batch_norm_{k}", [".w_0", ".b_0", ".w_1", ".w_2"]),
      ...head(["fc_0", "fc_1", "fc_2"], ".w_0", ".b_0"),
    },
    layouts.paddle,
  ),
};

/** VGGNet: blocks of convolutions with a pool behind them. */
export const paddleConvpool: Scheme = {
  ...common,
  id: "paddle-convpool",
  title: "Paddle VGGNet: convpool01.bb_0, fc01–fc03",
  slots: slotsOf(
    { ...pair("conv", "convpool0{b}.bb_{n0}", ".weight", ".bias"), ...head(["fc01", "fc02", "fc03"], ".weight", ".bias") },
    layouts.paddle,
  ),
};

/** vgg_face: conv and batch norm in one sublayer, no conv bias. */
export const paddleFace: Scheme = {
  ...common,
  id: "paddle-face",
  title: "Paddle vgg_face: vgg_block3_64._conv_bn_0.conv, .bn, fc1–fc3",
  slots: {
    ...slotsOf(
      {
        "conv.weight": "vgg_block{faceBlock}._conv_bn_{n0}.conv.weight",
        ...norm("vgg_block{faceBlock}._conv_bn_{n0}.bn", norms),
        ...head(["fc1", "fc2", "fc3"], ".weight", ".bias"),
      },
      layouts.paddle,
    ),
    "conv.bias": { constant: 0 },
  },
  // Named after the published widths, whatever the widths are.
  blockNames: { faceBlock: ["3_64", "64_128", "128_256", "256_512", "512_512"] },
};
