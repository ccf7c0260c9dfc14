import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { bgrMean } from "./preprocessing.ts";

/** vgg16.npy, vgg19.npy: Caffe's layers and numbers in TensorFlow's axes. */
export const npyDict: Scheme = {
  id: "npy-dict",
  title: "vgg16.npy: conv1_1.0 (weight), conv1_1.1 (bias), axes h w i o",
  formats: ["npy"],
  slots: slotsOf({ ...pair("conv", "conv{b}_{n}", ".0", ".1"), ...head(["fc6", "fc7", "fc8"], ".0", ".1") }, layouts.hwio),
  head: "dense",
  epsilon: 1e-5,
  channels: "bgr",
  preprocessing: bgrMean,
};
