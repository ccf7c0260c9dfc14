import { dense, lines } from "../made.ts";
import type { MadeLayer } from "../spell.ts";
import { course, type NoVgg, numberedUnet, prefixed, resnet, row, times, transformer, unet } from "./families.ts";

const alexnet = (features: readonly number[], head: string): readonly MadeLayer[] => [
  ...lines(`features.${features[0]} conv 3 64 11; features.${features[1]} conv 64 192 5; features.${features[2]} conv 192 384 3`),
  ...lines(`features.${features[3]} conv 384 256 3; features.${features[4]} conv 256 256 3`),
  ...dense(head, 9216, 4096, 4096, 1000),
];

const caffenet = lines(`conv1 conv 3 96 11; conv2 conv 48 256 5; conv3 conv 256 384 3; conv4 conv 192 384 3; conv5 conv 192 256 3
  fc6 dense 9216 4096; fc7 dense 4096 4096; fc8 dense 4096 1000`);

/** Classifiers and transformers. */
export const classifiers: readonly NoVgg[] = [
  row("AlexNet", alexnet([0, 3, 6, 8, 10], "classifier.1 classifier.4 classifier.6")),
  row("CaffeNet", caffenet),
  row(
    "VGG-M of Chatfield",
    lines(`conv1 conv 3 96 7; conv2 conv 96 256 5; conv3 conv 256 512 3; conv4 conv 512 512 3; conv5 conv 512 512 3`),
    dense("fc6 fc7 fc8", 18432, 4096, 4096, 1000),
  ),
  row("R-CNN over CaffeNet", caffenet.slice(0, 7), dense("fc-rcnn", 4096, 200)),
  row(
    "ZFNet of Faster R-CNN",
    caffenet.slice(0, 5),
    lines("rpn_conv.3x3 conv 256 256 3; rpn_cls_score conv 256 18 1"),
    dense("fc6 fc7 cls_score", 9216, 4096, 4096, 21),
  ),
  row(
    "C3D",
    times(8, (n) => [
      {
        path: ["conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b"][n] ?? "",
        kind: "raw",
        sizes: [64, 64, 3, 3, 3],
        bias: true,
      },
    ]),
    dense("fc6 fc7 fc8", 8192, 4096, 4096, 487),
  ),
  ...[
    [18, [2, 2, 2, 2]],
    [34, [3, 4, 6, 3]],
  ].map(([depth, depths]) => resnet(`ResNet-${depth}`, Array.isArray(depths) ? depths : [], false)),
  ...[
    [50, [3, 4, 6, 3]],
    [101, [3, 4, 23, 3]],
    [152, [3, 8, 36, 3]],
  ].map(([depth, depths]) => resnet(`ResNet-${depth}`, Array.isArray(depths) ? depths : [], true)),
  ...[8, 16, 32].map((width) => resnet(`narrow ResNet of ${width}`, [2, 2, 2, 2], false, width)),
  ...[1, 2, 3, 5, 7, 9].map((n) => resnet(`ResNet-${6 * n + 2} for CIFAR`, [n, n, n], false, 16)),
  ...[16, 32, 64].flatMap((width) => [
    unet(`U-Net of ${width} (milesial)`, width, 5, { down: "down{n}.double_conv", up: "up{n}" }, true),
    unet(`bilinear U-Net of ${width}`, width, 5, { down: "down{n}.double_conv", up: "up{n}" }, true, true),
    unet(`U-Net of ${width} with encoder blocks`, width, 5, { down: "encoder.block{n}.conv", up: "decoder.block{n}" }, false),
    unet(`U-Net of ${width}, conv blocks`, width, 5, { down: "Conv{n}.conv", up: "Up{n}" }, true),
    unet(`U-Net of ${width}, four steps`, width, 4, { down: "enc{n}", up: "dec{n}" }, true),
    unet(`U-Net of ${width}, six steps`, width, 6, { down: "contract.{n}", up: "expand.{n}" }, false),
    numberedUnet(`U-Net of ${width}, conv1_1 …`, width, "conv"),
    numberedUnet(`U-Net of ${width}, block1_1 …`, width, "block"),
  ]),
  ...[
    [12, 192],
    [12, 384],
    [12, 768],
    [24, 1024],
    [32, 1280],
  ].flatMap(([depth = 12, width = 192]) => [
    transformer(`ViT of ${depth} × ${width}`, depth, width, { block: "blocks.{n}", patch: 16 }),
    transformer(`BEiT of ${depth} × ${width}`, depth, width, { block: "blocks.{n}", patch: 16, biases: "q_bias v_bias" }),
    transformer(`BERT of ${depth} × ${width}`, depth, width, { block: "encoder.layer.{n}" }),
  ]),
  ...[16, 24].map((depth) =>
    transformer(`Swin v2 stage of ${depth}`, depth, 512, { block: "layers.2.blocks.{n}", patch: 4, biases: "q_bias v_bias" }),
  ),
  row(
    "ResMLP",
    times(24, (n) =>
      lines(
        `blocks.${n}.norm1 scale 384; blocks.${n}.attn dense 196 196; blocks.${n}.mlp.fc1 dense 384 1536; blocks.${n}.mlp.fc2 dense 1536 384; blocks.${n}.ls1 raw 384; blocks.${n}.norm1.beta raw 1 1 384`,
      ),
    ),
    dense("head", 384, 1000),
  ),
  row(
    "MLP-Mixer",
    times(12, (n) => prefixed(`blocks.${n}.`, dense("mlp_tokens.fc1 mlp_tokens.fc2", 196, 384, 196))),
    dense("head", 768, 1000),
  ),
  ...[
    ["fc1 fc2 fc3", [784, 512, 256, 10]],
    ["fc1 fc2 fc3", [72, 20, 20, 7]],
    ["fc1 fc2 fc3", [2048, 512, 512, 20]],
    ["fc1 fc2 fc3", [300, 128, 64, 2]],
    ["classifier.0 classifier.3 classifier.6", [768, 512, 256, 3]],
    ["classifier.0 classifier.2 classifier.4", [4096, 1024, 1024, 8]],
    ["net.0 net.2 net.4", [100, 64, 64, 1]],
    ["1 3 5", [72, 20, 20, 7]],
    ["linear1 linear2 linear3", [1024, 1024, 1024, 10]],
    ["dense_1 dense_2 output", [60, 32, 16, 4]],
    ["layers.0 layers.1 layers.2 layers.3", [512, 512, 512, 512, 10]],
    ["fc1 fc2", [4096, 512, 6]],
  ].map(([names, sizes]) => row(`MLP ${String(names)} of ${String(sizes)}`, dense(String(names), ...(Array.isArray(sizes) ? sizes : [])))),
  ...[
    [1, 32, 64],
    [1, 10, 20],
    [3, 6, 16],
    [3, 32, 64, 128],
    [3, 32, 32, 64, 64],
    [3, 64, 128, 256, 512],
    [3, 32, 32, 64, 64, 128, 128],
  ].flatMap((widths) => [
    course(`CNN conv1 … fc2 of ${widths}`, "conv{k1}", widths, "fc1 fc2", 16 * (widths.at(-1) ?? 1), 128, 10),
    course(`CNN conv1 … fc3 of ${widths}`, "conv{k1}", widths, "fc1 fc2 fc3", 25 * (widths.at(-1) ?? 1), 120, 84, 10),
    course(`CNN features.N of ${widths}`, "features.{3k}", widths, "classifier.0 classifier.2", 4 * (widths.at(-1) ?? 1), 256, 100),
    course(`CNN net.N of ${widths}`, "net.{2k}", widths, "net.20", widths.at(-1) ?? 1, 10),
    course(`CNN conv2d_N of ${widths}`, "conv2d_{k1}", widths, "dense_1 dense_2", 9 * (widths.at(-1) ?? 1), 64, 1),
  ]),
  ...[4, 5, 6, 7].map((depth) =>
    row(
      `SqueezeNet to fire ${depth}`,
      lines("features.0 conv 3 64 3"),
      times(depth, (n) =>
        lines(
          `features.${n + 3}.squeeze conv ${64 * (n + 1)} ${16 * (n + 1)} 1; features.${n + 3}.expand1x1 conv ${16 * (n + 1)} ${64 * (n + 1)} 1; features.${n + 3}.expand3x3 conv ${16 * (n + 1)} ${64 * (n + 1)} 3`,
        ),
      ),
      lines("classifier.1 conv 512 1000 1"),
    ),
  ),
  ...[32, 64, 96].map((growth) =>
    row(
      `DenseNet of growth ${growth}`,
      lines("-features.conv0 conv 3 64 7; features.norm0 norm 64"),
      times(4, (b) =>
        times(6, (n) =>
          lines(
            `features.denseblock${b + 1}.denselayer${n + 1}.norm1 norm ${64 + n * growth}; -features.denseblock${b + 1}.denselayer${n + 1}.conv1 conv ${64 + n * growth} ${4 * growth} 1; features.denseblock${b + 1}.denselayer${n + 1}.norm2 norm ${4 * growth}; -features.denseblock${b + 1}.denselayer${n + 1}.conv2 conv ${4 * growth} ${growth} 3`,
          ),
        ),
      ),
      dense("classifier", 1024, 1000),
    ),
  ),
  ...[0.25, 0.5, 1].map((alpha) =>
    row(
      `MobileNet of ${alpha}`,
      times(13, (n) => {
        const width = 32 * 2 ** Math.min(5, Math.floor(n / 2)) * alpha;
        return lines(
          `-features.${n}.dw conv 1 ${width} 3; features.${n}.bn1 norm ${width}; -features.${n}.pw conv ${width} ${2 * width} 1; features.${n}.bn2 norm ${2 * width}`,
        );
      }),
      dense("classifier", 1024 * alpha, 1000),
    ),
  ),
];
