import { CheckpointError } from "../../errors.ts";
import { caffeTypes } from "../dtypes.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { specBytes, tensorPiece, textPiece } from "../pieces.ts";
import {
  type FieldPieces,
  floatField,
  intField,
  joinedPieces,
  lengthField,
  messageField,
  packedField,
  textField,
} from "../proto-pieces.ts";
import { imageSize, roleTable } from "../roles.ts";
import { caffeLayers, type WrittenCaffeLayer } from "./layers.ts";
import { slidingOf } from "./sliding.ts";

/** Protobuf messages end at 2 GiB. */
const maxBytes = 2 ** 31 - 2 ** 16;

/** A `.caffemodel` (NetParameter with `layer` messages) and the `.prototxt` of the same network, for deployment, beside it. */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const total = input.tensors.reduce((sum, tensor) => sum + specBytes(tensor), 0);
    if (total > maxBytes) throw new CheckpointError("unsupported", `${total} bytes of weights; a caffemodel holds 2 GiB at most`);
    const table = roleTable(input, "caffe");
    const { network } = table;
    const layers = caffeLayers(table);
    const shape = [1, network.inputChannels, ...imageSize(network, "caffe")];
    const fields: FieldPieces[] = [
      textField(1, network.name),
      textField(3, "data"),
      messageField(8, packedField(1, shape)),
      ...layers.map((layer) => messageField(100, ...layerFields(layer))),
    ];
    return [
      { name: `${input.name.replace(/\.caffemodel$/, "")}.prototxt`, pieces: [textPiece(prototxt(network.name, shape, layers, input))] },
      { name: input.name, pieces: joinedPieces(fields.flat()) },
    ];
  },
};

/** LayerParameter: name 1, type 2, bottom 3, top 4, blobs 7 and the parameters of its type. */
function layerFields(layer: WrittenCaffeLayer): readonly FieldPieces[] {
  return [
    textField(1, layer.name),
    textField(2, layer.type),
    textField(3, layer.bottom),
    textField(4, layer.top),
    ...layer.blobs.map((blob) => messageField(7, blobFields(blob))),
    ...parameters(layer),
  ];
}

/** BlobProto: data 5 or double_data 8, both packed, and shape 7. */
function blobFields(blob: TensorSpec): FieldPieces {
  if (!caffeTypes.has(blob.dtype)) throw new CheckpointError("unsupported", `${blob.dtype} has no place in a blob`, { tensor: blob.key });
  const shape = messageField(7, packedField(1, blob.shape));
  return [...lengthField(blob.dtype === "float64" ? 8 : 5, [tensorPiece(blob)]), ...shape];
}

function parameters({ settings }: WrittenCaffeLayer): readonly FieldPieces[] {
  switch (settings?.kind) {
    case "convolution":
      // ConvolutionParameter: num_output 1, bias_term 2, group 5.
      return [
        messageField(
          106,
          intField(1, settings.outputs),
          intField(2, settings.bias ? 1 : 0),
          ...(settings.groups === 1 ? [] : [intField(5, settings.groups)]),
          ...slidingOf(settings.windows, "convolution").map(({ number, value }) => intField(number, value)),
        ),
      ];
    case "inner-product":
      return [messageField(117, intField(1, settings.outputs), intField(2, settings.bias ? 1 : 0))];
    case "pooling":
      // PoolingParameter: pool 1 (0 is MAX, 1 AVE).
      return [
        messageField(
          121,
          intField(1, settings.average ? 1 : 0),
          ...slidingOf(settings.windows, "pooling").map(({ number, value }) => intField(number, value)),
        ),
      ];
    case "batch-norm":
      // BatchNormParameter: use_global_stats 1, eps 3.
      return [messageField(139, intField(1, 1), floatField(3, settings.epsilon))];
    case "scale":
      return [messageField(142, intField(4, 1))];
    default:
      return [];
  }
}

function prototxt(name: string, shape: readonly number[], layers: readonly WrittenCaffeLayer[], input: WriterInput): string {
  const preprocessing = input.preprocessing;
  const comment =
    preprocessing === undefined
      ? []
      : [
          `# input: ${preprocessing.channels.toUpperCase()}, 0 to ${preprocessing.range}, minus ${preprocessing.mean.join(" ")}, divided by ${preprocessing.std.join(" ")} (${preprocessing.source})`,
        ];
  const dims = shape.map((size) => `  dim: ${size}`);
  const body = layers.flatMap((layer) => ["layer {", ...block(layer).map((line) => `  ${line}`), "}"]);
  return [...comment, `name: ${JSON.stringify(name)}`, 'input: "data"', "input_shape {", ...dims, "}", ...body, ""].join("\n");
}

function block(layer: WrittenCaffeLayer): readonly string[] {
  const text = [
    `name: ${JSON.stringify(layer.name)}`,
    `type: "${layer.type}"`,
    `bottom: ${JSON.stringify(layer.bottom)}`,
    `top: ${JSON.stringify(layer.top)}`,
  ];
  const nested = (field: string, ...lines: readonly string[]): readonly string[] => [
    ...text,
    `${field} {`,
    ...lines.map((line) => `  ${line}`),
    "}",
  ];
  const { settings } = layer;
  switch (settings?.kind) {
    case "convolution": {
      const bias = settings.bias ? [] : ["bias_term: false"];
      const groups = settings.groups === 1 ? [] : [`group: ${settings.groups}`];
      return nested(
        "convolution_param",
        `num_output: ${settings.outputs}`,
        ...bias,
        ...groups,
        ...lines(slidingOf(settings.windows, "convolution")),
      );
    }
    case "inner-product":
      return nested("inner_product_param", `num_output: ${settings.outputs}`, ...(settings.bias ? [] : ["bias_term: false"]));
    case "pooling":
      return nested("pooling_param", `pool: ${settings.average ? "AVE" : "MAX"}`, ...lines(slidingOf(settings.windows, "pooling")));
    case "batch-norm":
      return nested("batch_norm_param", "use_global_stats: true", `eps: ${settings.epsilon}`);
    case "scale":
      return nested("scale_param", "bias_term: true");
    default:
      return text;
  }
}

function lines(fields: readonly { readonly name: string; readonly value: number }[]): readonly string[] {
  return fields.map(({ name, value }) => `${name}: ${value}`);
}
