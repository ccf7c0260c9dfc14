import type { Config } from "../network/network.ts";
import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { slimMean } from "./preprocessing.ts";

/** tf_slim/nets/vgg.py has vgg_a, vgg_16 and vgg_19; the others follow. */
const scopes: Readonly<Record<Config, string>> = { A: "vgg_a", B: "vgg_13", C: "vgg_16", D: "vgg_16", E: "vgg_19", other: "vgg" };
const conv = "{scope}/conv{b}/conv{b}_{n}";
const keys = {
  ...pair("conv", conv, "/weights", "/biases"),
  ...head(["{scope}/fc6", "{scope}/fc7", "{scope}/fc8"], "/weights", "/biases"),
  "bn.weight": `${conv}/BatchNorm/gamma`,
  "bn.bias": `${conv}/BatchNorm/beta`,
  "bn.mean": `${conv}/BatchNorm/moving_mean`,
  "bn.var": `${conv}/BatchNorm/moving_variance`,
};
const common = {
  formats: ["tf-v1", "tf-v2", "graphdef"],
  scopes,
  epsilon: 1e-3,
  channels: "rgb",
  preprocessing: slimMean,
  biasBesideNorm: false,
  imageMean: "/mean_rgb",
} as const;

/** slim's own: fc6 is a 7×7 VALID convolution, fc7 and fc8 are 1×1. */
export const tfslim: Scheme = {
  ...common,
  id: "tfslim",
  title: "tf-slim: vgg_16/conv1/conv1_1/weights, fc6–fc8 as convolutions",
  slots: slotsOf(keys, layouts.hwioConv),
  head: "conv",
};

/** The same names written with `slim.fully_connected`. */
export const tfslimDense: Scheme = {
  ...common,
  id: "tfslim-dense",
  title: "tf-slim names, fc6–fc8 as matrices [in, out]",
  slots: slotsOf(keys, layouts.hwio),
  head: "dense",
};
