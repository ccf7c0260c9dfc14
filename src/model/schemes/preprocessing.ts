import type { Preprocessing } from "../scheme.ts";

/*
 * What each origin does to a picture before the network sees it. Sources: the Caffe model zoo page of the VGG nets (BGR means),
 * keras_applications/imagenet_utils.py, tf-slim's vgg_preprocessing.py, torchvision's documentation, MatConvNet's pretrained page.
 */

/** Caffe and keras-applications: B G R, 0…255, minus the mean colour. */
export const bgrMean: Preprocessing = { channels: "bgr", range: 255, mean: [103.939, 116.779, 123.68], std: [1, 1, 1], source: "assumed" };

/** MatConvNet and vgg16_weights.npz: the same means on R G B. */
export const rgbMean: Preprocessing = { channels: "rgb", range: 255, mean: [123.68, 116.779, 103.939], std: [1, 1, 1], source: "assumed" };

/** tf-slim rounds the means to two digits. */
export const slimMean: Preprocessing = { channels: "rgb", range: 255, mean: [123.68, 116.78, 103.94], std: [1, 1, 1], source: "assumed" };

/** torchvision and Paddle: R G B, 0…1, minus mean, divided by the standard deviation. */
export const unitNormal: Preprocessing = {
  channels: "rgb",
  range: 1,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  source: "assumed",
};

/** rcmalli's VGG-Face: B G R, minus the mean face colour. */
export const faceMean: Preprocessing = {
  channels: "bgr",
  range: 255,
  mean: [93.594, 104.7624, 129.1863],
  std: [1, 1, 1],
  source: "assumed",
};
