import { CheckpointError } from "../../errors.ts";
import type { ConvLayer, FcLayer } from "../../model/network/network.ts";
import { normParts } from "../../model/role.ts";
import { leavingOut, Refusal } from "../../text/refusal.ts";
import type { TensorSpec, WriterInput } from "../layout.ts";
import type { WritableJson } from "../pieces.ts";
import { featureSize, imageSize, type RoleTable, requirePlain, roleTable } from "../roles.ts";

/** One layer of a Keras model: what its `get_config` gives, without the name, and its variables in Keras' own order. */
export interface WrittenKerasLayer {
  readonly name: string;
  /** Keras' class. */
  readonly type: string;
  readonly config: { readonly [key: string]: WritableJson };
  readonly tensors: readonly TensorSpec[];
}

const glorot: WritableJson = { class_name: "GlorotUniform", config: { seed: null } };
const zeros: WritableJson = { class_name: "Zeros", config: {} };
const ones: WritableJson = { class_name: "Ones", config: {} };

/**
 * The network as a chain of Keras layers, channels last, one input and one output. Layers have the names that their variables'
 * keys begin with (`block1_conv1/kernel`). Throws `usage` for other keys and where the size of the image is not known.
 */
export function writtenKerasLayers(input: WriterInput, format: string): readonly WrittenKerasLayer[] {
  const table = roleTable(input, format);
  const { network } = table;
  requirePlain(network, format);
  const size = imageSize(network, format);
  const layers: WrittenKerasLayer[] = [layer("input_1", "InputLayer", { batch_input_shape: [null, ...size, network.inputChannels] })];
  const first = network.layers.find((one) => one.kind === "fc");
  const last = network.layers.filter((one) => one.kind === "fc").at(-1);
  const conv = first !== undefined && table.need(`${first.name}.weight`).shape.length === 4;
  let block = 0;
  for (const one of network.layers) {
    if (one.kind === "pool") {
      if (one.ceil) requireEven(table, size, format);
      block += 1;
      layers.push(poolLayer(block, layerName(table.need("conv1_1.weight"))));
    } else if (one.kind === "adaptive-pool") {
      const [height, width] = featureSize(network, size);
      if (height !== one.size[0] || width !== one.size[1]) {
        throw new CheckpointError("unsupported", `an adaptive pool from ${height}×${width} to ${one.size.join("×")} has no Keras layer`);
      }
    } else if (one.kind === "conv") {
      layers.push(...weighted(table, one, convConfig(table, one.name, one.pad), "Conv2D", "relu"));
    } else {
      if (one === first && !conv) layers.push(layer("flatten", "Flatten", { data_format: "channels_last" }));
      if (conv)
        layers.push(...weighted(table, one, convConfig(table, one.name, [0, 0]), "Conv2D", one === last ? "linear" : activation(one)));
      else layers.push(...weighted(table, one, { units: one.outputs }, "Dense", activation(one)));
      if (one === last && conv) {
        layers.push(layer("flatten", "Flatten", { data_format: "channels_last" }));
        if (one.activation !== "none") layers.push(layer(one.activation, "Activation", { activation: one.activation }));
      }
    }
  }
  return layers;
}

function layer(name: string, type: string, config: WrittenKerasLayer["config"], tensors: readonly TensorSpec[] = []): WrittenKerasLayer {
  return { name, type, config: type === "InputLayer" ? config : { trainable: true, ...config }, tensors };
}

function activation(fc: FcLayer): string {
  return fc.activation === "none" ? "linear" : fc.activation;
}

function poolLayer(block: number, conv: string): WrittenKerasLayer {
  // Keras Applications number blocks, Caffe's names number the layer itself.
  const name = conv.startsWith("block") ? `block${block}_pool` : `pool${block}`;
  return layer(name, "MaxPooling2D", { pool_size: [2, 2], padding: "valid", strides: [2, 2], data_format: "channels_last" });
}

/** Keras rounds a pool's size down; Caffe's rounding up is the same where every size is even. */
function requireEven(table: RoleTable, [height, width]: readonly [number, number], format: string): void {
  const step = 2 ** table.network.layers.filter(({ kind }) => kind === "pool").length;
  if (height % step === 0 && width % step === 0) return;
  const inputSize = [upTo(height, step), upTo(width, step), table.network.inputChannels] as const;
  throw new Refusal("unsupported", `pools that round up have no place in ${format} at ${height}×${width}`, [
    { options: { inputSize }, say: (options) => `choose a size of multiples of ${step}, such as ${options}` },
  ]);
}

function upTo(size: number, step: number): number {
  return Math.ceil(size / step) * step;
}

function convConfig(table: RoleTable, name: string, pad: readonly [number, number]): WrittenKerasLayer["config"] {
  const [height = 1, width = 1, , filters = 1] = table.need(`${name}.weight`).shape;
  const same = pad[0] === (height - 1) / 2 && pad[1] === (width - 1) / 2;
  if (!same && (pad[0] !== 0 || pad[1] !== 0)) {
    throw new CheckpointError("unsupported", `${name} pads ${height}×${width} kernels by ${pad.join("×")}, which Keras layers cannot`);
  }
  return {
    filters,
    kernel_size: [height, width],
    strides: [1, 1],
    padding: same && height * width > 1 ? "same" : "valid",
    data_format: "channels_last",
    dilation_rate: [1, 1],
    groups: 1,
  };
}

/** A convolution or dense layer, its batch norm behind it where it has one, and the activation with the last of them. */
function weighted(
  table: RoleTable,
  one: ConvLayer | FcLayer,
  own: WrittenKerasLayer["config"],
  type: string,
  behind: string,
): readonly WrittenKerasLayer[] {
  const weight = table.need(`${one.name}.weight`);
  const bias = table.find(`${one.name}.bias`);
  const name = layerName(weight);
  const norm = one.batchNorm;
  const config = {
    ...own,
    activation: norm === undefined ? behind : "linear",
    use_bias: bias !== undefined,
    kernel_initializer: glorot,
    bias_initializer: zeros,
  };
  const layers = [layer(name, type, config, bias === undefined ? [weight] : [weight, bias])];
  if (norm === undefined) return layers;
  const parts = normParts.map((part) => table.need(`${one.name}.${part}`));
  const settings = {
    axis: weight.shape.length - 1,
    momentum: 0.99,
    epsilon: norm.epsilon,
    center: true,
    scale: true,
    beta_initializer: zeros,
    gamma_initializer: ones,
    moving_mean_initializer: zeros,
    moving_variance_initializer: ones,
  };
  layers.push(layer(layerName(parts[0]), "BatchNormalization", settings, parts));
  if (behind !== "linear") layers.push(layer(`${name}_${behind}`, "Activation", { activation: behind }));
  return layers;
}

function layerName(tensor: TensorSpec | undefined): string {
  const match = /^([^/]+)\/[^/]+$/.exec(tensor?.key ?? "");
  if (match?.[1] !== undefined) return match[1];
  const message = "Keras' variables are a layer's name and their own, as in block1_conv1/kernel";
  throw new Refusal("usage", message, [leavingOut("naming")], tensor === undefined ? {} : { tensor: tensor.key });
}

/** A functional model's configuration as Keras 2 saves it (TF.js reads this form alone). */
export function functionalConfig(name: string, layers: readonly WrittenKerasLayer[], dtype: string): WritableJson {
  const first = layers[0]?.name ?? "";
  const last = layers.at(-1)?.name ?? "";
  return {
    class_name: "Functional",
    config: {
      name,
      layers: layers.map((one, k) => ({
        class_name: one.type,
        config: { name: one.name, dtype, ...(one.type === "InputLayer" ? { sparse: false } : {}), ...one.config },
        name: one.name,
        inbound_nodes: k === 0 ? [] : [[[layers[k - 1]?.name ?? "", 0, 0, {}]]],
      })),
      input_layers: [[first, 0, 0]],
      output_layers: [[last, 0, 0]],
    },
  };
}
