import { finish, type IdentifyOptions } from "./assemble.ts";
import { convNamesOf } from "./build-network.ts";
import type { DescribedCheckpoint } from "./described.ts";
import type { Grouped } from "./groups.ts";
import { type Fc, findHead } from "./head.ts";
import type { Identity } from "./identity.ts";
import { fcSlots } from "./slots.ts";

/** Inputs of fc6 of every published configuration: 512 channels of 7 × 7. */
const publishedInputs = 25088;
/** Pictures as rows, not feature maps: 28×28, 32×32 and those in colour. */
const pictureInputs = new Set([784, 1024, 2352, 3072]);
/** Names that the fully connected layers of a VGG carry. */
const headNames: readonly (readonly RegExp[])[] = [
  [/fc6$/, /fc7$/, /fc8$/],
  [/fc0?1$/, /fc0?2$/, /fc0?3$/],
  [/fc1$/, /fc2$/, /predictions$/],
  [/classifier\.0$/, /classifier\.3$/, /classifier\.6$/],
  [/classifier\.1$/, /classifier\.4$/, /classifier\.6$/],
];

/**
 * Three fully connected layers and nothing that produces what they take: with 25,088 inputs, or under a VGG's names,
 * this is the head of a VGG-16 whose convolutions are missing (decisions.md).
 */
export function headOnly(checkpoint: DescribedCheckpoint, grouped: Grouped, options: IdentifyOptions): Identity | undefined {
  if (grouped.weights.length !== 3 || grouped.recurrent.length > 0) return undefined;
  if (grouped.weights.some((layer) => layer.weight.shape.length !== 2)) return undefined;
  const { kernel, matrix, flatten } = checkpoint.conventions;
  const head = findHead({ layers: grouped.weights, convs: [], layout: kernel, matrix });
  const [first, second, third] = head.layers;
  if (first === undefined || second === undefined || third === undefined || !isVggHead(head.layers)) return undefined;
  const published = first.inputs === publishedInputs;
  const roles = new Map([...fcSlots(head.layers, grouped, flatten, undefined, new Map())]);
  const evidence = [
    `three fully connected layers of ${head.layers.map((fc) => fc.outputs).join(", ")} and no convolution`,
    published ? "fc6 takes 25,088 = 512 × 7 × 7 values" : `fc6 takes ${first.inputs} values; the names are those of a VGG's head`,
  ];
  return finish(
    checkpoint,
    {
      config: "D",
      convs: [],
      fcs: head.layers.map((fc, i) => ({ name: `fc${6 + i}`, fc, bias: roles.has(`fc${6 + i}.bias`), norm: false })),
      final: true,
      missing: convNamesOf("D"),
      replaced: false,
      pools: 5,
      sizes: published ? { feature: [7, 7], input: options.inputSize ?? [224, 224] } : {},
      epsilon: 0,
      ...(published && { channels: 512 }),
      assumed: [
        {
          of: "head",
          what: "a head without convolutions is taken for that of a VGG-16",
          grounds: published ? "fc6 has 25,088 inputs, 512 channels of 7 × 7" : "its names are those of a VGG's head",
          switch: null,
        },
      ],
    },
    roles,
    options,
    evidence,
  );
}

function isVggHead(layers: readonly Fc[]): boolean {
  const [first] = layers;
  if (first === undefined || pictureInputs.has(first.inputs)) return false;
  if (first.inputs === publishedInputs) return true;
  return first.inputs > first.outputs && headNames.some((names) => names.every((name, i) => name.test(layers[i]?.layer.name ?? "")));
}
