import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { rgbMean } from "./preprocessing.ts";

const layer = "layers{{layers}}";

/** MatConvNet simplenn: `layers` counts every layer from 1; everything is a convolution; moments hold mean and sigma = sqrt(var + eps). */
export const matconvnet: Scheme = {
  id: "matconvnet",
  title: "MatConvNet simplenn: layers{1}.weights{1} …",
  formats: ["matconvnet"],
  slots: {
    ...slotsOf(
      { ...pair("conv", layer, ".weights{1}", ".weights{2}"), ...head([layer, layer, layer], ".weights{1}", ".weights{2}") },
      layouts.hwioConv,
      "o 1",
    ),
    "bn.weight": { key: `${layer}.weights{1}`, axes: "o 1" },
    "bn.bias": { key: `${layer}.weights{2}`, axes: "o 1" },
    "bn.mean": { key: `${layer}.weights{3}`, axes: "o s", take: ["s", 0] },
    "bn.var": { key: `${layer}.weights{3}`, axes: "o s", take: ["s", 1], as: "sigma" },
  },
  counters: { layers: ["conv", "bn", "relu", "pool", "fc", "fc-relu", "dropout"] },
  countFrom: 1,
  head: "conv",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: rgbMean,
};

/** Files from before 1.0-beta11 (April 2015). */
export const matconvnetBeta: Scheme = {
  id: "matconvnet-beta",
  title: "MatConvNet simplenn before April 2015: layers{1}.filters, .biases",
  formats: ["matconvnet"],
  slots: slotsOf(
    { ...pair("conv", layer, ".filters", ".biases"), ...head([layer, layer, layer], ".filters", ".biases") },
    layouts.hwioConv,
    "1 o",
  ),
  counters: { layers: ["conv", "bn", "relu", "pool", "fc", "fc-relu", "dropout"] },
  countFrom: 1,
  head: "conv",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: rgbMean,
};

/** MatConvNet dagnn: parameters have names of their own, and stand in `params(k).value`. */
export const matconvnetDagnn: Scheme = {
  id: "matconvnet-dagnn",
  title: "MatConvNet dagnn parameter names: conv1_1f, conv1_1b, bn1_1m, bn1_1b, bn1_1x",
  formats: ["matconvnet"],
  slots: {
    ...slotsOf({ ...pair("conv", "conv{b}_{n}", "f", "b"), ...head(["fc6", "fc7", "fc8"], "f", "b") }, layouts.hwioConv, "o 1"),
    "bn.weight": { key: "bn{b}_{n}m", axes: "o 1" },
    "bn.bias": { key: "bn{b}_{n}b", axes: "o 1" },
    "bn.mean": { key: "bn{b}_{n}x", axes: "o s", take: ["s", 0] },
    "bn.var": { key: "bn{b}_{n}x", axes: "o s", take: ["s", 1], as: "sigma" },
  },
  head: "conv",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: rgbMean,
};
