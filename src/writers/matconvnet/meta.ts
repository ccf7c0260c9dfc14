import type { Preprocessing } from "../../model/scheme.ts";
import type { WriterInput } from "../layout.ts";
import { cell, logical, type MatNode, row, singles, struct, textNode } from "./mat-pieces.ts";

/** `meta`: how images are prepared, and the names of the classes. */
export function metaOf(input: WriterInput): MatNode {
  return struct(new Map([["normalization", normalization(input)], ...classes(input.labels)]));
}

function normalization({ network, preprocessing }: WriterInput): MatNode {
  const fields = new Map<string, MatNode>();
  const size = preprocessing?.size ?? network?.inputSize;
  if (size !== undefined) fields.set("imageSize", row(size[0], size[1], network?.inputChannels ?? 3));
  if (preprocessing !== undefined) {
    const { channels, scale } = averages(preprocessing);
    fields.set("averageImage", singles([1, 1, channels.length], channels));
    // MatConvNet only subtracts; a network that also wants a division says by what.
    if (scale.some((value) => value !== 1)) fields.set("divideBy", singles([1, 1, scale.length], scale));
    if (preprocessing.channels === "bgr") fields.set("channelOrder", textNode("bgr"));
  }
  fields.set("interpolation", textNode("bicubic"));
  fields.set("keepAspect", logical(true));
  fields.set("border", row(0, 0));
  return struct(fields);
}

/** Mean and deviation on the scale of 0 to 255, which MatConvNet's images have. */
function averages({ mean, std, range }: Preprocessing): { readonly channels: readonly number[]; readonly scale: readonly number[] } {
  const factor = 255 / range;
  return { channels: mean.map((value) => value * factor), scale: std.map((value) => value * factor) };
}

function classes(labels: readonly string[] | undefined): readonly [string, MatNode][] {
  if (labels === undefined) return [];
  const names = labels.map((label) => textNode(label));
  return [
    [
      "classes",
      struct(
        new Map([
          ["name", cell(names)],
          ["description", cell(names)],
        ]),
      ),
    ],
  ];
}
