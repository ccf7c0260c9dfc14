import { configs } from "../network/configs.ts";

/** A network that has a VGG in it. */
export interface HostRow {
  /** As its makers call it, with the code that has these keys. */
  readonly name: string;
  /** Each has to be found in a key of the file, from one separator to another: `.` is any separator, `#` a number, `*` anything. The first is shown. */
  readonly keys: readonly string[];
  /** Convolutions per block of the configuration that it was cut from, and its last: where names alone would say another, or that more is missing. */
  readonly ends?: { readonly blocks: readonly number[]; readonly through: string };
  /** Names of its fc6, fc7 and fc8, as far as they are VGG's, where they are nobody else's: the words and numbers that they end in. */
  readonly head?: Readonly<Record<string, "fc6" | "fc7" | "fc8">>;
  /** Where it keeps convolutions of the VGG in a second module: the words and numbers of their names up to a running number, and the place of each. */
  readonly continues?: {
    readonly under: readonly (string | number)[];
    readonly places: ReadonlyMap<number, readonly [block: number, index: number]>;
  };
}

/*
 * A row each. To add one: keys that this code has and no other, as few as tell it from its relatives. They match anywhere in a key, so
 * that prefixes (module., model.) do not matter. The sources are the public repositories' own modules.
 */
export const hosts: readonly HostRow[] = [
  { name: "VQGAN with LPIPS as its loss", keys: ["perceptual_loss.net.slice#", "discriminator"] },
  { name: "LPIPS", keys: ["lin#.model.1.weight", "net.slice#"] },
  {
    name: "CRAFT text detector",
    keys: ["upconv1.conv.0.weight", "conv_cls.0.weight", "basenet.slice#"],
    ends: { blocks: configs.D, through: "conv5_2" },
  },
  {
    name: "SSD300 (ssd.pytorch)",
    keys: ["extras.0.weight", "L2Norm.weight", "vgg.0.weight"],
    head: { "vgg 31": "fc6", "vgg 33": "fc7" },
  },
  {
    name: "SSD300 (torchvision)",
    keys: ["backbone.extra.0.7.1.weight", "scale_weight"],
    continues: {
      under: ["extra", 0],
      places: new Map([
        [1, [5, 1]],
        [3, [5, 2]],
        [5, [5, 3]],
      ]),
    },
  },
  { name: "SSD300 (Caffe)", keys: ["conv4_3_norm_mbox_loc.0", "conv4_3_norm.0"] },
  { name: "SSD300 (Keras)", keys: ["conv4_3_norm_mbox_loc.*kernel", "conv4_3_norm"] },
  { name: "S3FD face detector", keys: ["conv3_3_norm_mbox_loc.weight", "conv5_3_norm.weight"] },
  { name: "Faster R-CNN (torchvision)", keys: ["rpn.head.cls_logits.weight", "roi_heads.box_predictor"] },
  {
    name: "Faster R-CNN (faster-rcnn.pytorch)",
    keys: ["RCNN_rpn", "RCNN_cls_score.weight"],
    head: { "rcnn top 0": "fc6", "rcnn top 3": "fc7" },
  },
  { name: "Faster R-CNN (ChainerCV)", keys: ["rpn.conv1.W", "head.cls_loc.W"] },
  { name: "Faster R-CNN (tf-faster-rcnn)", keys: ["rpn_conv.3x3.weights", "bbox_pred.weights"] },
  { name: "OpenPose body", keys: ["Mconv1_stage2_L1", "conv4_3_CPM"], ends: { blocks: configs.E, through: "conv4_2" } },
  { name: "HED edge detector (ControlNet)", keys: ["block1.projection.weight", "block1.convs.0.weight"] },
  { name: "CSRNet crowd counter", keys: ["backend.0.weight", "frontend.0.weight"] },
  { name: "Bayesian crowd counter", keys: ["reg_layer.0.weight"] },
  { name: "DeDoDe keypoint detector (kornia)", keys: ["decoder.layers.8", "encoder.layers.0.weight"] },
  { name: "CRNN text recogniser (docTR)", keys: ["feat_extractor.0.weight", "decoder.weight_ih_l0"] },
  { name: "U-Net (segmentation_models_pytorch)", keys: ["decoder.blocks.0.conv1.0.weight", "segmentation_head.0.weight"] },
  { name: "FCN-32s over Keras Applications' VGG19", keys: ["score_fr.*kernel", "upscore", "block5_conv4"] },
  { name: "FCN-32s", keys: ["score_fr", "upscore"] },
  {
    name: "VGGish (audio)",
    keys: ["vggish.fc#"],
    ends: { blocks: [1, 1, 2, 2], through: "conv4_2" },
    head: { "fc 1 fc 1 1": "fc6", "fc 1 fc 1 2": "fc7", "vggish fc 2": "fc8" },
  },
  { name: "NetVLAD", keys: ["pool.centroids", "encoder.#.weight"] },
];
