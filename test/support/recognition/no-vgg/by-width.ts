import { dense, lines } from "../made.ts";
import { type NoVgg, row, times } from "./families.ts";

/** Networks of a few public families in several widths. */
export const byWidth: readonly NoVgg[] = [
  ...[24, 32, 48, 64].flatMap((width) => [
    row(
      `ConvNeXt of ${width}`,
      lines(`stem.0 conv 3 ${width} 4; stem.1 affine ${width}`),
      times(12, (n) =>
        lines(
          `stages.${Math.floor(n / 3)}.blocks.${n % 3}.gamma raw ${width}; stages.${Math.floor(n / 3)}.blocks.${n % 3}.conv_dw conv 1 ${width} 7; stages.${Math.floor(n / 3)}.blocks.${n % 3}.norm affine ${width}; stages.${Math.floor(n / 3)}.blocks.${n % 3}.mlp.fc1 dense ${width} ${4 * width}; stages.${Math.floor(n / 3)}.blocks.${n % 3}.mlp.fc2 dense ${4 * width} ${width}`,
        ),
      ),
      dense("head.fc", width, 1000),
    ),
    row(
      `RepVGG of ${width}`,
      times(12, (n) =>
        lines(
          `-stages.${Math.floor(n / 3)}.${n % 3}.conv_kxk.conv conv ${n === 0 ? 3 : width} ${width} 3; stages.${Math.floor(n / 3)}.${n % 3}.conv_kxk.bn norm ${width}; -stages.${Math.floor(n / 3)}.${n % 3}.conv_1x1.conv conv ${n === 0 ? 3 : width} ${width} 1; stages.${Math.floor(n / 3)}.${n % 3}.conv_1x1.bn norm ${width}; stages.${Math.floor(n / 3)}.${n % 3}.identity norm ${width}`,
        ),
      ),
      dense("head.fc", width, 1000),
    ),
    row(
      `RepVGG of ${width}, folded`,
      times(22, (n) => lines(`stages.${n < 2 ? 0 : n < 6 ? 1 : n < 20 ? 2 : 3}.${n}.reparam_conv conv ${n === 0 ? 3 : width} ${width} 3`)),
      dense("head.fc", width, 1000),
    ),
    row(
      `EfficientNet of ${width}`,
      times(9, (n) =>
        lines(
          `-blocks.${n}.0.conv_pw conv ${width} ${6 * width} 1; blocks.${n}.0.bn1 norm ${6 * width}; -blocks.${n}.0.conv_dw conv 1 ${6 * width} 3; blocks.${n}.0.bn2 norm ${6 * width}; blocks.${n}.0.se.conv_reduce conv ${6 * width} 8 1; blocks.${n}.0.se.conv_expand conv 8 ${6 * width} 1; -blocks.${n}.0.conv_pwl conv ${6 * width} ${width} 1; blocks.${n}.0.bn3 norm ${width}`,
        ),
      ),
      dense("classifier", width, 1000),
    ),
    row(
      `RegNet of ${width}`,
      times(4, (s) =>
        times(s + 1, (n) =>
          lines(
            `-s${s + 1}.b${n + 1}.conv1.conv conv ${width * 2 ** s} ${width * 2 ** s} 1; s${s + 1}.b${n + 1}.conv1.bn norm ${width * 2 ** s}; -s${s + 1}.b${n + 1}.conv2.conv conv 16 ${width * 2 ** s} 3; s${s + 1}.b${n + 1}.conv2.bn norm ${width * 2 ** s}`,
          ),
        ),
      ),
      dense("head.fc", 8 * width, 1000),
    ),
    row(
      `ShuffleNet of ${width}`,
      lines(`-conv1.0 conv 3 24 3; conv1.1 norm 24`),
      times(3, (s) =>
        times(4, (n) =>
          lines(
            `-stage${s + 2}.${n}.branch2.0 conv ${width} ${width} 1; stage${s + 2}.${n}.branch2.1 norm ${width}; -stage${s + 2}.${n}.branch2.3 conv 1 ${width} 3; stage${s + 2}.${n}.branch2.4 norm ${width}; -stage${s + 2}.${n}.branch2.5 conv ${width} ${width} 1; stage${s + 2}.${n}.branch2.6 norm ${width}`,
          ),
        ),
      ),
      dense("fc", 1024, 1000),
    ),
    row(
      `Inception block of ${width}`,
      times(9, (n) =>
        lines(
          `inception.${n}.branch1x1 conv ${4 * width} ${width} 1; inception.${n}.branch3x3_1 conv ${4 * width} ${width} 1; inception.${n}.branch3x3_2 conv ${width} ${2 * width} 3; inception.${n}.branch5x5 conv ${width} ${width} 5; inception.${n}.pool conv ${4 * width} ${width} 1`,
        ),
      ),
      dense("fc", 4 * width, 1000),
    ),
    row(
      `VoVNet of ${width}`,
      lines(`-stem.0 conv 3 ${width} 3; -stem.1 conv ${width} ${width} 3; -stem.2 conv ${width} ${2 * width} 3`),
      times(4, (s) =>
        times(5, (n) =>
          lines(
            `-stages.${s}.blocks.0.conv_mid.${n}.conv conv ${n === 0 ? 2 * width : width} ${width} 3; stages.${s}.blocks.0.conv_mid.${n}.bn norm ${width}`,
          ),
        ),
      ),
    ),
    row(
      `HRNet branch of ${width}`,
      times(4, (b) =>
        times(4, (n) =>
          lines(
            `-stage4.0.branches.${b}.${n}.conv1 conv ${width * 2 ** b} ${width * 2 ** b} 3; stage4.0.branches.${b}.${n}.bn1 norm ${width * 2 ** b}; -stage4.0.branches.${b}.${n}.conv2 conv ${width * 2 ** b} ${width * 2 ** b} 3; stage4.0.branches.${b}.${n}.bn2 norm ${width * 2 ** b}`,
          ),
        ),
      ),
    ),
    row(
      `hourglass of ${width}`,
      times(10, (n) =>
        lines(
          `hg.0.res.${n}.conv1 conv ${width} ${width / 2} 1; hg.0.res.${n}.conv2 conv ${width / 2} ${width / 2} 3; hg.0.res.${n}.conv3 conv ${width / 2} ${width} 1`,
        ),
      ),
      lines(`score.0 conv ${width} 16 1`),
    ),
    row(
      `diffusion U-Net of ${width}`,
      lines(`time_embed.0 dense ${width} ${4 * width}; time_embed.2 dense ${4 * width} ${4 * width}`),
      times(8, (n) =>
        lines(
          `input_blocks.${n + 1}.0.in_layers.0 affine ${width}; input_blocks.${n + 1}.0.in_layers.2 conv ${width} ${width} 3; input_blocks.${n + 1}.0.emb_layers.1 dense ${4 * width} ${width}; input_blocks.${n + 1}.0.out_layers.3 conv ${width} ${width} 3`,
        ),
      ),
    ),
    row(
      `WaveNet of ${width}`,
      times(10, (n) => [{ path: `dilated.${n}`, kind: "raw" as const, sizes: [width, width, 2], bias: true }]),
      lines(`out conv ${width} 256 1`),
    ),
  ]),
];
