import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { bgrMean } from "./preprocessing.ts";

/** Caffe: blobs of a layer by number; batch norm is a BatchNorm layer (mean, variance, factor) and a Scale layer behind it. */
export const caffe: Scheme = {
  id: "caffe",
  title: "Caffe: conv1_1.0, conv1_1.1 … (blobs of a layer)",
  formats: ["caffe"],
  slots: {
    ...slotsOf({ ...pair("conv", "conv{b}_{n}", ".0", ".1"), ...head(["fc6", "fc7", "fc8"], ".0", ".1") }, layouts.oihw),
    "bn.weight": { key: "conv{b}_{n}/scale.0", axes: "o" },
    "bn.bias": { key: "conv{b}_{n}/scale.1", axes: "o" },
    "bn.mean": { key: "conv{b}_{n}/bn.0", axes: "o", over: "conv{b}_{n}/bn.2" },
    "bn.var": { key: "conv{b}_{n}/bn.1", axes: "o", over: "conv{b}_{n}/bn.2" },
  },
  head: "dense",
  epsilon: 1e-5,
  channels: "bgr",
  preprocessing: bgrMean,
};
