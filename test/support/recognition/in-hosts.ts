import { body, convs, dense, lines, next } from "./made.ts";
import type { MadeLayer } from "./spell.ts";

/** A network with one VGG or several in it, and what is true of it. */
export interface InHost {
  readonly name: string;
  readonly layers: readonly MadeLayer[];
  readonly config: string;
  readonly through: string;
  /** null: either may be said. */
  readonly complete: boolean | null;
  readonly classes?: number;
  /** Layers whose role may be said or not: SSD's reduced fc6 and fc7. */
  readonly either?: readonly string[];
  /** Layers without which the rest is as likely a whole network of another kind. */
  readonly undecided?: readonly string[];
  readonly bodies?: number;
  /** Not where layers are only counted: nothing tells its norms from batch norms then. */
  readonly named?: true;
}

const at = (prefix: string, layers: readonly MadeLayer[]): readonly MadeLayer[] =>
  layers.map((layer) => ({ ...layer, path: `${prefix}${layer.path}` }));
/** The same layers without a role: a second network, or another's. */
const foreign = (layers: readonly MadeLayer[]): readonly MadeLayer[] => layers.map(({ role: _role, ...layer }) => layer);
const torchvision = body("D", "features.{f}");
const head = (outputs: number): readonly MadeLayer[] =>
  dense("fc6=classifier.0 fc7=classifier.3 fc8=classifier.6", 25088, 4096, 4096, outputs);
const literal = body("D", "conv{b}_{n}");
const pruned: readonly number[] = [23, 51, 77, 130, 99];

/* Names are those of public code, sizes theirs or narrower. */
export const inHosts: readonly InHost[] = [
  { name: "VGG-16 of torchvision", layers: [...torchvision, ...head(1000)], config: "D", through: "fc8", complete: true, classes: 1000 },
  {
    name: "VGG-16, channels pruned",
    layers: [
      ...body("D", "features.{f}", { widths: pruned }),
      ...dense("fc6=classifier.0 fc7=classifier.3 fc8=classifier.6", 99 * 49, 300, 200, 10),
    ],
    config: "D",
    through: "fc8",
    complete: true,
    classes: 10,
  },
  {
    name: "VGG-11 of grey pictures",
    layers: [...body("A", "features.{f}", { inputs: 1 }), ...head(7)],
    config: "A",
    through: "fc8",
    complete: true,
    classes: 7,
  },
  {
    name: "VGG-19 with batch norm",
    layers: [...body("E", "features.{g}", { norm: next }), ...head(100)],
    config: "E",
    through: "fc8",
    complete: true,
    classes: 100,
  },
  {
    name: "perceptual loss to relu3_3",
    layers: [...body("D", "vgg.features.{f}", { through: "conv3_3" })],
    config: "D",
    through: "conv3_3",
    complete: null,
    undecided: ["conv3_3"],
  },
  {
    name: "a generator with its perceptual loss",
    layers: [...convs("generator.{2k}", 3, [3, 64, 64, 64, 3]), ...at("loss.vgg.", body("E", "features.{f}", { through: "conv5_4" }))],
    config: "E",
    through: "conv5_4",
    complete: null,
  },
  {
    name: "FCN-8s",
    layers: [
      ...literal,
      ...lines(
        "fc6=fc6 conv 512 4096 7; fc7=fc7 conv 4096 4096 1; score_fr conv 4096 21 1; score_pool3 conv 256 21 1; score_pool4 conv 512 21 1; -upscore2 deconv 21 21 4; -upscore8 deconv 21 21 16; -upscore_pool4 deconv 21 21 4",
      ),
    ],
    config: "D",
    through: "fc7",
    complete: false,
  },
  {
    name: "SegNet",
    layers: [
      ...body("D", "encoder.{g}", { norm: next }),
      ...convs("decoder.{3k}", 3, [512, 512, 512, 512, 512, 512, 256, 256, 256, 128, 128, 64, 64, 12], "decoder.{3k1}"),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "SegNet with literal names",
    layers: [
      ...body("D", "conv{b}_{n}", { norm: (path) => `${path}_bn` }),
      ...[5, 4, 3].flatMap((b) =>
        lines(
          `conv${b}_3_D conv 512 512 3; conv${b}_3_D_bn norm 512; conv${b}_2_D conv 512 512 3; conv${b}_2_D_bn norm 512; conv${b}_1_D conv 512 512 3; conv${b}_1_D_bn norm 512`,
        ),
      ),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "Faster R-CNN",
    layers: [
      ...at("backbone.", torchvision),
      ...lines("rpn.conv conv 512 512 3; rpn.cls conv 512 18 1; rpn.reg conv 512 36 1"),
      ...dense("roi.fc6 roi.fc7", 25088, 4096, 4096).map((layer, i): MadeLayer => ({ ...layer, role: `fc${6 + i}` })),
      ...dense("roi.cls_score", 4096, 21),
      ...dense("roi.bbox_pred", 4096, 84),
    ],
    config: "D",
    through: "fc7",
    complete: false,
    either: ["fc6", "fc7"],
  },
  {
    name: "Fast R-CNN of Caffe",
    layers: [...literal, ...dense("fc6=fc6 fc7=fc7", 25088, 4096, 4096), ...dense("cls_score", 4096, 21), ...dense("bbox_pred", 4096, 84)],
    config: "D",
    through: "fc7",
    complete: false,
  },
  {
    name: "SSD512",
    layers: [
      ...at("vgg.", body("D", "{f}")),
      ...lines(
        "fc6=vgg.31 conv 512 1024 3; fc7=vgg.33 conv 1024 1024 1; L2Norm scale 512; extras.0 conv 1024 256 1; extras.1 conv 256 512 3; extras.2 conv 512 128 1; loc.0 conv 512 16 3; conf.0 conv 512 84 3",
      ),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
    either: ["fc6", "fc7"],
  },
  {
    name: "RefineDet with literal names",
    layers: [
      ...literal,
      ...lines(
        "fc6=fc6 conv 512 1024 3; fc7=fc7 conv 1024 1024 1; conv6_1 conv 1024 256 1; conv6_2 conv 256 512 3; conv4_3_norm scale 512; conv4_3_norm_mbox_loc conv 512 12 3",
      ),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
    either: ["fc6", "fc7"],
  },
  {
    name: "DeepLab LargeFOV",
    layers: [...literal, ...lines("fc6=fc6 conv 512 1024 3; fc7=fc7 conv 1024 1024 1; fc8=fc8_voc12 conv 1024 21 1")],
    config: "D",
    through: "conv5_3",
    complete: null,
    classes: 21,
    either: ["fc6", "fc7", "fc8"],
  },
  {
    name: "DeepLab LargeFOV of torchvision's names",
    layers: [
      ...torchvision,
      ...lines("fc6=classifier.0 conv 512 1024 3; fc7=classifier.3 conv 1024 1024 1; fc8=classifier.6 conv 1024 21 1"),
    ],
    config: "D",
    through: "fc8",
    complete: null,
    classes: 21,
    either: ["fc6", "fc7", "fc8"],
  },
  {
    name: "reduced head without scores",
    layers: [
      ...torchvision,
      ...lines("fc6=classifier.0 conv 512 1024 3; fc7=classifier.3 conv 1024 1024 1; extras.0 conv 1024 256 1; extras.1 conv 256 512 3"),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
    either: ["fc6", "fc7"],
  },
  {
    name: "CSRNet",
    layers: [
      ...body("D", "frontend.{f}", { through: "conv4_3" }),
      ...convs("backend.{2k}", 3, [512, 512, 512, 512, 256, 128, 64]),
      ...lines("output_layer conv 64 1 1"),
    ],
    config: "D",
    through: "conv4_3",
    complete: false,
  },
  {
    name: "OpenPose",
    layers: [
      ...at("model0.", body("E", "conv{b}_{n}", { through: "conv4_2" })),
      ...lines(
        "model0.conv4_3_CPM conv 512 256 3; model0.conv4_4_CPM conv 256 128 3; model1_1.conv5_1_CPM_L1 conv 128 128 3; model1_1.conv5_2_CPM_L1 conv 128 128 3; model2_1.Mconv1_stage2_L1 conv 185 128 7",
      ),
    ],
    config: "E",
    through: "conv4_2",
    complete: false,
  },
  {
    name: "OpenPose of running numbers",
    layers: [
      ...at("model0.", body("E", "{f}", { through: "conv4_2" })),
      ...lines("model0.23 conv 512 256 3; model0.25 conv 256 128 3; model1_1.0 conv 128 128 3; model2_1.0 conv 185 128 7"),
    ],
    config: "E",
    through: "conv4_2",
    complete: false,
    either: ["conv4_3", "conv4_4"],
  },
  {
    name: "HED",
    layers: [
      ...literal,
      ...lines(
        "score_dsn1 conv 64 1 1; score_dsn2 conv 128 1 1; score_dsn3 conv 256 1 1; score_dsn4 conv 512 1 1; score_dsn5 conv 512 1 1; score_final conv 5 1 1",
      ),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "EAST",
    layers: [
      ...at("extractor.", body("D", "features.{g}", { norm: next })),
      ...lines(
        "-merge.conv1 conv 1024 128 1; merge.bn1 norm 128; -merge.conv2 conv 128 128 3; merge.bn2 norm 128; output.conv1 conv 32 1 1; output.conv2 conv 32 4 1",
      ),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "U-Net over VGG-11 (TernausNet)",
    layers: [
      ...at("encoder.", body("A", "{f}")),
      ...lines(
        "center.block.1 conv 512 512 3; center.block.3 deconv 512 256 3; dec5.block.1 conv 768 512 3; dec5.block.3 deconv 512 256 3; dec1 conv 96 32 3; final conv 32 1 1",
      ),
    ],
    config: "A",
    through: "conv5_2",
    complete: false,
    undecided: ["conv5_2"],
  },
  {
    name: "frames with an LSTM",
    layers: [
      ...at("cnn.", torchvision),
      ...lines("lstm.weight_ih_l0 raw 1024 25088; lstm.weight_hh_l0 raw 1024 256; lstm.bias_ih_l0 raw 1024; lstm.bias_hh_l0 raw 1024"),
      ...dense("fc", 256, 101),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "captions: fc7 into an LSTM",
    layers: [
      ...at("encoder.", [...torchvision, ...dense("fc6=classifier.0 fc7=classifier.3", 25088, 4096, 4096)]),
      ...lines("decoder.embed raw 9956 512; decoder.lstm.weight_ih_l0 raw 2048 4096; decoder.lstm.weight_hh_l0 raw 2048 512"),
      ...dense("decoder.linear", 512, 9956),
    ],
    config: "D",
    through: "fc7",
    complete: false,
    undecided: ["fc7"],
  },
  {
    name: "two streams",
    layers: [
      ...at("spatial.", [...torchvision, ...head(101)]),
      ...at("temporal.", foreign([...body("D", "features.{f}", { inputs: 20 }), ...head(101)])),
    ],
    config: "D",
    through: "fc8",
    complete: true,
    classes: 101,
    bodies: 2,
  },
  {
    name: "Siamese",
    layers: [...at("branch1.", torchvision), ...at("branch2.", foreign(torchvision)), ...dense("joint", 1024, 1)],
    config: "D",
    through: "conv5_3",
    complete: false,
    bodies: 2,
  },
  {
    name: "global pool and one dense layer",
    layers: [...torchvision, ...dense("fc6=classifier", 512, 10)],
    config: "D",
    through: "fc6",
    complete: true,
    classes: 10,
    either: ["fc6"],
    undecided: ["fc6"],
  },
  {
    name: "two dense layers of its own",
    layers: [...body("E", "features.{g}", { norm: next }), ...dense("fc6=classifier.0 fc7=classifier.3", 512, 256, 10)],
    config: "E",
    through: "fc7",
    complete: true,
    classes: 10,
    undecided: ["fc7"],
  },
  {
    name: "a head of 1×1 convolutions",
    layers: [...literal, ...lines("fc6=fc6 conv 512 4096 7; fc7=fc7 conv 4096 4096 1; fc8=fc8 conv 4096 1000 1")],
    config: "D",
    through: "fc8",
    complete: true,
    classes: 1000,
  },
  {
    name: "two tasks behind fc7",
    layers: [
      ...torchvision,
      ...dense("fc6=classifier.0 fc7=classifier.3", 25088, 4096, 4096),
      ...dense("age", 4096, 101),
      ...dense("gender", 4096, 2),
    ],
    config: "D",
    through: "fc7",
    complete: false,
    undecided: ["fc7"],
  },
  {
    name: "attention behind conv4_3 and conv5_3",
    layers: [
      ...torchvision,
      ...lines("attn1.op conv 512 1 1; attn2.op conv 512 1 1; -projector.op conv 256 512 1"),
      ...dense("dense_cls", 1024, 200),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "squeeze and excitation behind",
    layers: [...torchvision, ...dense("se.fc.0 se.fc.2", 512, 32, 512), ...dense("out", 512, 8)],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "NetVLAD",
    layers: [...at("encoder.", body("D", "{f}")), ...lines("pool.centroids raw 64 512; -pool.conv conv 512 64 1")],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "VGG-16 with group norm",
    layers: [
      ...torchvision.flatMap((layer): readonly MadeLayer[] => [
        layer,
        { path: layer.path.replace("features", "norms"), kind: "affine", sizes: layer.sizes.slice(1, 2), bias: true },
      ]),
      ...head(10),
    ],
    config: "D",
    through: "fc8",
    named: true,
    complete: null,
    classes: 10,
  },
  {
    name: "VGG-16 of names, dense layers of its own",
    layers: [...literal, ...dense("fc6=fc1 fc7=fc2", 25088, 512, 10)],
    config: "D",
    through: "fc7",
    complete: true,
    classes: 10,
    undecided: ["fc6", "fc7"],
  },
  {
    name: "a third convolution behind conv5_3",
    layers: [...torchvision, ...lines("features.31 conv 512 512 3"), ...head(10)],
    config: "D",
    through: "fc8",
    complete: false,
    classes: 10,
  },
  {
    name: "features and one 3×3 behind",
    layers: [...at("backbone.", torchvision), ...lines("top conv 512 512 3")],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "image and text",
    layers: [
      ...at("image.", torchvision),
      ...lines("text.embedding raw 20000 300; text.lstm.weight_ih_l0 raw 1024 300; text.lstm.weight_hh_l0 raw 1024 256"),
      ...dense("fusion.0 fusion.3", 768, 512, 3129),
    ],
    config: "D",
    through: "conv5_3",
    complete: false,
  },
  {
    name: "VGG-19 of style transfer, without a head",
    layers: body("E", "conv{b}_{n}"),
    config: "E",
    through: "conv5_4",
    complete: true,
  },
];
