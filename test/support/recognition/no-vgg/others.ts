import { convs, dense, lines } from "../made.ts";
import { type NoVgg, range, row, times } from "./families.ts";

/** Generators, detectors, recurrent networks, networks of points and of games. */
export const others: readonly NoVgg[] = [
  ...[64, 32].flatMap((width) => [
    row(`DCGAN discriminator of ${width}`, convs("main.{3k}", 4, [3, width, 2 * width, 4 * width, 8 * width, 1], "main.{3k1}")),
    row(
      `DCGAN generator of ${width}`,
      times(5, (n) =>
        lines(`-main.${3 * n} deconv ${width * 2 ** (4 - n)} ${width * 2 ** (3 - n)} 4; main.${3 * n + 1} norm ${width * 2 ** (3 - n)}`),
      ),
    ),
    row(
      `SRGAN discriminator of ${width}`,
      convs("net.{3k}", 3, [3, width, width, 2 * width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width], "net.{3k1}"),
      lines(`net.24 conv ${8 * width} 1024 1; net.26 conv 1024 1 1`),
    ),
    row(`PatchGAN of ${width}`, convs("model.{3k}", 4, [6, width, 2 * width, 4 * width, 8 * width, 1], "model.{3k1}")),
    row(
      `style transfer of ${width}`,
      convs("conv{k1}.conv2d", 3, [3, width, 2 * width, 4 * width]),
      times(5, (n) =>
        lines(
          `res${n + 1}.conv1.conv2d conv ${4 * width} ${4 * width} 3; res${n + 1}.in1 affine ${4 * width}; res${n + 1}.conv2.conv2d conv ${4 * width} ${4 * width} 3`,
        ),
      ),
    ),
    row(
      `EDSR of ${width}`,
      lines(`head.0 conv 3 ${width} 3`),
      times(16, (n) => lines(`body.${n}.body.0 conv ${width} ${width} 3; body.${n}.body.2 conv ${width} ${width} 3`)),
      lines(`body.16 conv ${width} ${width} 3; tail.0 conv ${width} 3 3`),
    ),
    row(`DnCNN of ${width}`, convs("model.{2k}", 3, [1, ...range(16).map(() => width), 1])),
    row(
      `autoencoder of ${width}`,
      convs("encoder.{2k}", 3, [3, width, 2 * width, 4 * width, 8 * width]),
      convs("decoder.{2k}", 3, [8 * width, 4 * width, 2 * width, width, 3]),
    ),
    row(
      `deep autoencoder of ${width}`,
      convs("encoder.{2k}", 3, [3, width, width, 2 * width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width]),
      convs("decoder.{2k}", 3, [8 * width, 4 * width, 2 * width, width, 3]),
    ),
    row(
      `all convolutional net of ${width}`,
      convs("features.{2k}", 3, [3, width, width, width, 2 * width, 2 * width, 2 * width, 2 * width]),
      lines(`features.14 conv ${2 * width} ${2 * width} 1; features.16 conv ${2 * width} 10 1`),
    ),
  ]),
  row(
    "YOLOv2 (Darknet-19)",
    ...[
      [3, 32, 3],
      [32, 64, 3],
      [64, 128, 3],
      [128, 64, 1],
      [64, 128, 3],
      [128, 256, 3],
      [256, 128, 1],
      [128, 256, 3],
      [256, 512, 3],
      [512, 256, 1],
      [256, 512, 3],
      [512, 256, 1],
      [256, 512, 3],
      [512, 1024, 3],
      [1024, 512, 1],
      [512, 1024, 3],
      [1024, 512, 1],
      [512, 1024, 3],
      [1024, 425, 1],
    ].map(([i, o, k], n) => lines(`-layers.${n}.conv conv ${i} ${o} ${k}; layers.${n}.bn norm ${o}`)),
  ),
  row("tiny YOLO", convs("conv{k1}", 3, [3, 16, 32, 64, 128, 256, 512, 1024, 1024], "bn{k1}"), lines("conv9 conv 1024 125 1")),
  row(
    "landmarks of six blocks",
    times(6, (b) => {
      const width = (n: number): number => [1, 64, 96, 144, 216, 324, 486][n] ?? 1;
      return lines(
        `-encoder.stage${b + 1}.unit1.conv conv ${width(b)} ${width(b + 1)} 3; encoder.stage${b + 1}.unit1.bn norm ${width(b + 1)}; -encoder.stage${b + 1}.unit2.conv conv ${width(b + 1)} ${width(b + 1)} 3; encoder.stage${b + 1}.unit2.bn norm ${width(b + 1)}`,
      );
    }),
    dense("decoder.fc1 decoder.fc2", 9720, 120, 15069),
  ),
  row(
    "LSTM tagger",
    lines("embedding raw 10000 100; lstm.weight_ih_l0 raw 1024 100; lstm.weight_hh_l0 raw 1024 256"),
    dense("fc", 256, 12),
  ),
  row(
    "CRNN of Shi",
    ...[
      [1, 64, 3],
      [64, 128, 3],
      [128, 256, 3],
      [256, 256, 3],
      [256, 512, 3],
      [512, 512, 3],
      [512, 512, 2],
    ].map(([i, o, k], n) => lines(`cnn.conv${n} conv ${i} ${o} ${k}`)),
    lines("rnn.0.rnn.weight_ih_l0 raw 1024 512; rnn.0.rnn.weight_hh_l0 raw 1024 256"),
    dense("rnn.0.embedding rnn.1.embedding", 512, 256, 37),
  ),
  row(
    "CRNN of seven 3×3",
    convs("conv2d_{k1}", 3, [1, 64, 128, 256, 256, 512, 512, 512]),
    lines("lstm_1.weight_ih_l0 raw 1024 512; lstm_1.weight_hh_l0 raw 1024 256"),
    dense("dense_1", 512, 37),
  ),
  row("PointNet", convs("stn.conv{k1}", 1, [3, 64, 128, 1024]), dense("fc1 fc2 fc3", 1024, 512, 256, 40)),
  row("DQN of Atari", lines("conv1 conv 4 32 8; conv2 conv 32 64 4; conv3 conv 64 64 3"), dense("fc1 fc2", 3136, 512, 6)),
  row(
    "Siamese of Koch",
    lines("conv1 conv 1 64 10; conv2 conv 64 128 7; conv3 conv 128 128 4; conv4 conv 128 256 4"),
    dense("fc1 fcOut", 9216, 4096, 1),
  ),
  row(
    "NiN",
    lines(
      "features.0 conv 3 192 5; features.2 conv 192 160 1; features.4 conv 160 96 1; features.8 conv 96 192 5; features.10 conv 192 192 1; features.12 conv 192 192 1; features.16 conv 192 192 3; features.18 conv 192 192 1; features.20 conv 192 10 1",
    ),
  ),
  row(
    "FSRCNN",
    lines("first_part.0 conv 1 56 5; mid_part.0 conv 56 12 1"),
    convs("mid_part.{2k}", 3, [12, 12, 12, 12, 12]),
    lines("last_part deconv 56 1 9"),
  ),
  row(
    "MTCNN O-Net",
    lines("conv1 conv 3 32 3; conv2 conv 32 64 3; conv3 conv 64 64 3; conv4 conv 64 128 2"),
    dense("dense5 dense6_1", 1152, 256, 2),
  ),
  row("word2vec", lines("syn0 raw 10000 300; syn1 raw 10000 300")),
  row(
    "policy head of AlphaZero",
    convs(
      "res.{k}.conv1",
      3,
      range(11).map(() => 128),
      "res.{k}.bn1",
    ),
    lines("policy_conv conv 128 2 1"),
    dense("policy_fc value_fc1 value_fc2", 722, 362, 256, 1),
  ),
];
