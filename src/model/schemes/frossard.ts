import type { Scheme } from "../scheme.ts";
import { head, layouts, pair, slotsOf } from "./axes.ts";
import { rgbMean } from "./preprocessing.ts";

/** vgg16_weights.npz, the file that Frossard's loader reads: R G B, other than vgg16.npy. */
export const frossard: Scheme = {
  id: "frossard",
  title: "vgg16_weights.npz: conv1_1_W, conv1_1_b … fc8_b",
  formats: ["npz"],
  slots: slotsOf({ ...pair("conv", "conv{b}_{n}", "_W", "_b"), ...head(["fc6", "fc7", "fc8"], "_W", "_b") }, layouts.hwio),
  head: "dense",
  epsilon: 1e-5,
  channels: "rgb",
  preprocessing: rgbMean,
};
