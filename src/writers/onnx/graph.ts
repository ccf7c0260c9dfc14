import { windowsOf } from "../../model/geometry/shapes.ts";
import type { Windows } from "../../model/geometry/window.ts";
import type { ConvLayer, FcLayer, Network, NetworkLayer, PoolLayer } from "../../model/network/network.ts";
import { poolCount } from "../../model/network/sizes.ts";
import { normParts } from "../../model/role.ts";
import { Refusal } from "../../text/refusal.ts";
import type { TensorSpec, WriterInput } from "../layout.ts";
import type { FieldPieces } from "../proto-pieces.ts";
import { featureSize, imageSize, type RoleTable, roleTable } from "../roles.ts";
import { floatAttribute, intAttribute, intsAttribute, node, stringAttribute, valueInfo } from "./message.ts";

export interface ExportedGraph {
  readonly name: string;
  /** Fields 1, 11 and 12 of GraphProto. */
  readonly nodes: readonly FieldPieces[];
  readonly inputs: readonly FieldPieces[];
  readonly outputs: readonly FieldPieces[];
}

/** The chain of layers as nodes; every value is named after the node that makes it. */
class Chain {
  readonly nodes: FieldPieces[] = [];
  value = "input";

  add(operator: string, name: string, inputs: readonly string[], attributes: readonly FieldPieces[] = [], output = name): void {
    this.nodes.push(node({ operator, name, inputs: [this.value, ...inputs], output, attributes }));
    this.value = output;
  }
}

/** The network as ONNX operators in N C H W; the outputs are `logits`, and what the network makes of them: `prob`, or a ReLU. */
export function exportedGraph(input: WriterInput, dataType: (tensor: TensorSpec) => number): ExportedGraph {
  const table = roleTable(input, "onnx");
  const { network } = table;
  const size = imageSize(network, "onnx");
  const features = featureSize(network, size);
  const chain = new Chain();
  const fcs = network.layers.filter((layer): layer is FcLayer => layer.kind === "fc");
  const conv = isConvForm(table, fcs[0]);
  for (const layer of network.layers)
    addLayer(chain, layer, table, features, { conv, first: layer === fcs[0], last: layer === fcs.at(-1) });
  const type = dataType(table.need(`${network.layers.find((layer) => layer.kind === "conv")?.name ?? "conv1_1"}.weight`));
  const last = fcs.at(-1);
  const outputs: FieldPieces[] = [];
  if (last === undefined) {
    chain.add("Identity", "features", []);
    const channels = network.layers.filter((layer): layer is ConvLayer => layer.kind === "conv").at(-1)?.outputs ?? 0;
    outputs.push(valueInfo(12, "features", type, ["N", channels, ...features]));
  } else {
    if (conv) chain.add("Flatten", `${last.name}/flatten`, [], [intAttribute("axis", 1)]);
    chain.add("Identity", "logits", []);
    outputs.push(valueInfo(12, "logits", type, ["N", last.outputs]));
    // What follows the last layer is an output of its own: logits are always before it.
    if (last.activation === "softmax") chain.add("Softmax", "prob", [], [intAttribute("axis", 1)]);
    if (last.activation === "relu") chain.add("Relu", `${last.name}/relu`, []);
    if (last.activation !== "none") outputs.push(valueInfo(12, chain.value, type, ["N", last.outputs]));
  }
  return {
    name: network.name,
    nodes: chain.nodes,
    inputs: [valueInfo(11, "input", type, ["N", network.inputChannels, ...size])],
    outputs,
  };
}

function isConvForm(table: RoleTable, first: FcLayer | undefined): boolean {
  return first !== undefined && table.need(`${first.name}.weight`).shape.length === 4;
}

/** Among the fully connected layers. */
interface Place {
  readonly first: boolean;
  readonly last: boolean;
}

function addLayer(
  chain: Chain,
  layer: NetworkLayer,
  table: RoleTable,
  features: readonly [number, number],
  head: { readonly conv: boolean } & Place,
): void {
  switch (layer.kind) {
    case "conv":
      addConv(chain, layer, table);
      addNorm(chain, layer, table);
      if (layer.linear !== true) chain.add("Relu", `${layer.name}/relu`, []);
      return;
    case "pool":
      addPool(chain, layer, windowsOf(table.network, layer));
      return;
    case "adaptive-pool":
      if (layer.method === "max") chain.add("GlobalMaxPool", layer.name, []);
      else addAdaptivePool(chain, layer.size, features, table.network);
      return;
    case "fc":
      addFc(chain, layer, table, head.conv, head);
  }
}

function addConv(chain: Chain, layer: ConvLayer | FcLayer, table: RoleTable): void {
  const { name } = layer;
  const weight = table.need(`${name}.weight`);
  const bias = table.find(`${name}.bias`);
  chain.add(
    "Conv",
    name,
    [weight.key, ...(bias === undefined ? [] : [bias.key])],
    [
      intsAttribute("kernel_shape", weight.shape.slice(2)),
      ...sliding(windowsOf(table.network, layer, [0, ...weight.shape.slice(2)])),
      ...(layer.kind === "conv" && layer.groups !== undefined ? [intAttribute("group", layer.groups)] : []),
    ],
  );
}

function addPool(chain: Chain, layer: PoolLayer, windows: Windows): void {
  const [down, across] = windows;
  const attributes = [intsAttribute("kernel_shape", [down.kernel, across.kernel]), ...sliding(windows)];
  const type = layer.method === "average" ? "AveragePool" : "MaxPool";
  chain.add(type, layer.name, [], [...attributes, intAttribute("ceil_mode", down.ceil ? 1 : 0)]);
}

/** Padding, steps and dilation; what is the operator's default is left out. */
function sliding([down, across]: Windows): readonly FieldPieces[] {
  if (down.pad === "same" || across.pad === "same")
    return [stringAttribute("auto_pad", "SAME_UPPER"), intsAttribute("strides", [down.stride, across.stride])];
  const pads = [down.pad[0], across.pad[0], down.pad[1], across.pad[1]];
  return [
    intsAttribute("pads", pads),
    intsAttribute("strides", [down.stride, across.stride]),
    ...(down.dilation === 1 && across.dilation === 1 ? [] : [intsAttribute("dilations", [down.dilation, across.dilation])]),
  ];
}

function addNorm(chain: Chain, layer: ConvLayer | FcLayer, table: RoleTable): void {
  if (layer.batchNorm === undefined) return;
  const roles = normParts.map((part) => table.need(`${layer.name}.${part}`).key);
  chain.add("BatchNormalization", `${layer.name}/bn`, roles, [floatAttribute("epsilon", layer.batchNorm.epsilon)]);
}

function addFc(chain: Chain, layer: FcLayer, table: RoleTable, conv: boolean, { first, last }: Place): void {
  if (conv) addConv(chain, layer, table);
  else {
    if (first) chain.add("Flatten", "flatten", [], [intAttribute("axis", 1)]);
    const weight = table.need(`${layer.name}.weight`);
    const bias = table.find(`${layer.name}.bias`);
    chain.add("Gemm", layer.name, [weight.key, ...(bias === undefined ? [] : [bias.key])], [intAttribute("transB", 1)]);
  }
  addNorm(chain, layer, table);
  if (layer.activation === "relu" && !last) chain.add("Relu", `${layer.name}/relu`, []);
}

/** ONNX has no adaptive pool: for an image of fixed size it is the identity, or an average over equal windows. */
function addAdaptivePool(chain: Chain, size: readonly [number, number], features: readonly [number, number], network: Network): void {
  const [height, width] = [features[0] / size[0], features[1] / size[1]];
  if (height === 1 && width === 1) return;
  if (!Number.isInteger(height) || !Number.isInteger(width)) {
    const scale = 2 ** poolCount(network);
    const inputSize = [scale * size[0], scale * size[1], network.inputChannels] as const;
    throw new Refusal("unsupported", `an adaptive pool from ${features.join("×")} to ${size.join("×")} has no ONNX operator`, [
      { options: { inputSize }, say: (options) => `choose a size of multiples of ${inputSize.slice(0, 2).join("x")}, such as ${options}` },
    ]);
  }
  chain.add("AveragePool", "avgpool", [], [intsAttribute("kernel_shape", [height, width]), intsAttribute("strides", [height, width])]);
}
