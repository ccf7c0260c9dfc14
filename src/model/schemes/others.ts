import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { rgbMean } from "./preprocessing.ts";

/** Darknet: sections of the .cfg from 0, [net] not counted; activations belong to their section. Its variance is used as sqrt(var) + 1e-6. */
export const darknet: Scheme = {
  id: "darknet",
  title: "Darknet: 0.weights, 0.biases … (sections of the .cfg)",
  formats: ["darknet"],
  slots: {
    ...slotsOf(
      { ...pair("conv", "{sections}", ".weights", ".biases"), ...head(["{sections}", "{sections}", "{sections}"], ".weights", ".biases") },
      layouts.oihw,
    ),
    "bn.weight": { key: "{sections}.scales", axes: "o" },
    "bn.bias": { key: "{sections}.biases", axes: "o" },
    "bn.mean": { key: "{sections}.rolling_mean", axes: "o" },
    "bn.var": { key: "{sections}.rolling_variance", axes: "o", as: "darknet" },
  },
  counters: { sections: ["conv", "pool", "fc", "dropout"] },
  head: "dense",
  // Its own is outside the root; what is computed from its variance needs one for the target's formula.
  epsilon: 1e-5,
  channels: "rgb",
};

/** Torch7 nn.Sequential, modules from 1, an nn.View before the first Linear. */
export const torch7: Scheme = {
  id: "torch7",
  title: "Torch7: modules.1.weight … (nn.Sequential)",
  formats: ["torch7"],
  slots: slotsOf(
    {
      ...pair("conv", "modules.{modules}", ".weight", ".bias"),
      ...head(["modules.{modules}", "modules.{modules}", "modules.{modules}"], ".weight", ".bias"),
    },
    layouts.oihw,
  ),
  counters: { modules: ["conv", "bn", "relu", "pool", "flatten", "fc", "fc-relu", "dropout"] },
  countFrom: 1,
  head: "dense",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: rgbMean,
};

/** ONNX models made by hand or by converters from Caffe: Gemm and MatMul with [in, out]. */
export const onnxPlain: Scheme = {
  id: "onnx-plain",
  title: "ONNX: conv1_1_w, conv1_1_b … fc8_b",
  formats: ["onnx"],
  slots: slotsOf({ ...pair("conv", "conv{b}_{n}", "_w", "_b"), ...head(["fc6", "fc7", "fc8"], "_w", "_b") }, layouts.paddle),
  head: "dense",
  epsilon: 1e-5,
  channels: "rgb",
};
