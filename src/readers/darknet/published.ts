/** A network that is known by its number of values alone. */
export interface PublishedCfg {
  /** For people. */
  readonly network: string;
  /** What its .cfg says. */
  readonly text: string;
}

/** Convolutions of each block (Simonyan and Zisserman, arXiv 1409.1556, table 1, configurations A, B, D and E), all 3×3. */
const networks: readonly (readonly [name: string, blocks: readonly number[]])[] = [
  ["VGG-11", [1, 1, 2, 2, 2]],
  ["VGG-13", [2, 2, 2, 2, 2]],
  ["VGG-16", [2, 2, 3, 3, 3]],
  ["VGG-19", [2, 2, 4, 4, 4]],
];
const widths: readonly number[] = [64, 128, 256, 512, 512];
/** Without a head (vgg-conv.weights), ImageNet's classes, and the people of VGG-Face. */
const heads: readonly (number | undefined)[] = [undefined, 1000, 2622];

/**
 * The published VGG, on pictures of 224×224 in three channels, whose weights and biases are exactly so many values; all counts
 * are different. undefined for any other count.
 */
export function publishedCfg(values: number): PublishedCfg | undefined {
  for (const [name, blocks] of networks) {
    for (const classes of heads) {
      if (countOf(blocks, classes) !== values) continue;
      const head = classes === undefined ? "without its head" : `with ${classes} classes`;
      return { network: `${name} ${head}`, text: textOf(blocks, classes) };
    }
  }
  return undefined;
}

function countOf(blocks: readonly number[], classes: number | undefined): number {
  let [count, inputs] = [0, 3];
  blocks.forEach((convolutions, block) => {
    const outputs = widths[block] ?? 0;
    for (let k = 0; k < convolutions; k++) {
      count += outputs * (inputs * 9 + 1);
      inputs = outputs;
    }
  });
  return classes === undefined ? count : count + 4096 * (512 * 7 * 7 + 1) + 4096 * 4097 + classes * 4097;
}

function textOf(blocks: readonly number[], classes: number | undefined): string {
  const body = blocks.flatMap((convolutions, block) => [
    ...Array.from({ length: convolutions }, () =>
      section("convolutional", [`filters=${widths[block]}`, "size=3", "pad=1", "activation=relu"]),
    ),
    section("maxpool", ["size=2", "stride=2"]),
  ]);
  const fc = (outputs: number, activation: string) => section("connected", [`output=${outputs}`, `activation=${activation}`]);
  const dropout = section("dropout", ["probability=.5"]);
  const head =
    classes === undefined ? [] : [fc(4096, "relu"), dropout, fc(4096, "relu"), dropout, fc(classes, "linear"), section("softmax", [])];
  return [section("net", ["height=224", "width=224", "channels=3"]), ...body, ...head].join("\n");
}

function section(type: string, options: readonly string[]): string {
  return [`[${type}]`, ...options, ""].join("\n");
}
