import type { Scheme } from "../scheme.ts";
import { head, layouts, norm, pair, slotsOf } from "./axes.ts";
import { bgrMean, faceMean } from "./preprocessing.ts";

const kernel = "/kernel";
const bias = "/bias";
const norms = ["/gamma", "/beta", "/moving_mean", "/moving_variance"] as const;
const formats = ["keras-h5", "keras-v3", "tfjs", "savedmodel", "tf-v2"];

/*
 * Keys are layer/variable. Files spell them longer: model_weights/block1_conv1/block1_conv1/kernel:0 (HDF5),
 * block1_conv1/block1_conv1_W_1:0 (Keras 1), layers/conv2d/vars/0 (Keras 3, which keeps the layer's name as an attribute).
 */

/** keras_applications/vgg16.py, vgg19.py. */
export const kerasApplications: Scheme = {
  id: "keras-applications",
  title: "Keras Applications: block1_conv1/kernel … fc1, fc2, predictions",
  formats,
  slots: slotsOf(
    {
      ...pair("conv", "block{b}_conv{n}", kernel, bias),
      ...norm("block{b}_bn{n}", norms),
      ...head(["fc1", "fc2", "predictions"], kernel, bias),
    },
    layouts.hwio,
  ),
  head: "dense",
  epsilon: 1e-3,
  channels: "bgr",
  preprocessing: bgrMean,
};

/** Caffe's layer names in Keras, as in VGG-Face models converted from MatConvNet. */
export const kerasCaffe: Scheme = {
  id: "keras-caffe",
  title: "Keras with Caffe's names: conv1_1/kernel … fc8, fully connected layers as convolutions",
  formats,
  slots: slotsOf(
    { ...pair("conv", "conv{b}_{n}", kernel, bias), ...norm("bn{b}_{n}", norms), ...head(["fc6", "fc7", "fc8"], kernel, bias) },
    layouts.hwioConv,
  ),
  head: "conv",
  epsilon: 1e-3,
  channels: "rgb",
};

/** rcmalli/keras-vggface: the same names, dense. */
export const kerasVggface: Scheme = {
  id: "keras-vggface",
  title: "keras-vggface: conv1_1/kernel … fc8, dense",
  formats,
  slots: slotsOf(
    { ...pair("conv", "conv{b}_{n}", kernel, bias), ...norm("bn{b}_{n}", norms), ...head(["fc6", "fc7", "fc8"], kernel, bias) },
    layouts.hwio,
  ),
  head: "dense",
  epsilon: 1e-3,
  channels: "bgr",
  preprocessing: faceMean,
};

/** Keras 3's own files: layers counted by class. */
export const kerasCounted: Scheme = {
  id: "keras-counted",
  title: "Keras 3 files: layers/conv2d/vars/0 … layers/dense_2/vars/1",
  formats: ["keras-v3"],
  slots: slotsOf(
    {
      ...pair("conv", "layers/conv2d{_k}/vars", "/0", "/1"),
      ...norm("layers/batch_normalization{_k}/vars", ["/0", "/1", "/2", "/3"]),
      ...head(["layers/dense{_j}/vars", "layers/dense{_j}/vars", "layers/dense{_j}/vars"], "/0", "/1"),
    },
    layouts.hwio,
  ),
  head: "dense",
  epsilon: 1e-3,
  channels: "bgr",
  preprocessing: bgrMean,
};
