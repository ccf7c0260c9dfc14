import type { WriterInput } from "../layout.ts";
import { jsonText, type WritableJson } from "../pieces.ts";
import type { WrittenKerasLayer } from "./keras-layers.ts";

/**
 * config.json of a `.keras` file that Keras 2.15 and Keras 3 both load: each names the class of a functional model after a module
 * of its own, and both know it as keras.Model, whose from_config makes a functional model of this; the form of the nodes and
 * `batch_input_shape` are those of Keras 2, which Keras 3 reads on (keras/src/models/functional.py, deserialize_node; tried on
 * 2.15 and 3.12).
 */
export function kerasFileConfig(name: string, layers: readonly WrittenKerasLayer[], dtype: string): WritableJson {
  const entries = layers.map((layer, k) => {
    const before = layers[k - 1];
    return {
      module: "keras.layers",
      class_name: layer.type,
      config: { name: layer.name, dtype, ...layer.config },
      registered_name: null,
      name: layer.name,
      inbound_nodes: before === undefined ? [] : [[[before.name, 0, 0, {}]]],
    };
  });
  const [inputs, outputs] = [layers[0], layers.at(-1)].map((layer): WritableJson => [[layer?.name ?? "", 0, 0]]);
  return {
    module: "keras",
    class_name: "Model",
    config: { name, trainable: true, layers: entries, input_layers: inputs ?? [], output_layers: outputs ?? [] },
    registered_name: null,
  };
}

/** "VGG-16 with batch norm" is vgg_16_with_batch_norm: Keras wants an identifier. */
export function modelName(input: WriterInput): string {
  return input.network?.name.toLowerCase().replace(/[^a-z0-9]+/g, "_") ?? "vgg";
}

/** What Keras cannot store: preprocessing, class names and what else is known, as JSON text; undefined where nothing is. */
export function besides(input: WriterInput): string | undefined {
  const { preprocessing, labels, metadata } = input;
  const known = new Map<string, WritableJson>();
  if (preprocessing !== undefined) {
    const { channels, range, mean, std, size, source } = preprocessing;
    known.set("preprocessing", { channels, range, mean, std, ...(size !== undefined && { size }), source });
  }
  if (labels !== undefined) known.set("classes", labels);
  if (metadata.size > 0) known.set("metadata", metadata);
  return known.size === 0 ? undefined : jsonText(known);
}
