import type { Scheme } from "../scheme.ts";
import { head, layouts, norm, pair, slotsOf } from "./axes.ts";

/** This tool's own: Caffe's layer names, TensorFlow's axes, fully connected layers as matrices. */
export const canonical: Scheme = {
  id: "canonical",
  title: "conv1_1.weight … fc8.bias, axes h w i o, dense [in, out]",
  formats: ["safetensors", "npz"],
  slots: slotsOf(
    {
      ...pair("conv", "conv{b}_{n}", ".weight", ".bias"),
      ...norm("conv{b}_{n}.bn", [".weight", ".bias", ".mean", ".var"]),
      ...head(["fc6", "fc7", "fc8"], ".weight", ".bias"),
    },
    layouts.hwio,
  ),
  head: "dense",
  epsilon: 1e-5,
  channels: "rgb",
};
