import type { KerasLayer } from "./keras-layers.ts";
import type { WriterInput } from "./layout.ts";
import { type Json, jsonText } from "./pieces.ts";

/**
 * config.json of Keras 3 (keras/src/saving/serialization_lib.py): classes with their modules, and as inputs the symbolic
 * tensors that the layers before give, with their shapes.
 */
export function currentConfig(name: string, layers: readonly KerasLayer[], dtype: string): Json {
  const entries: Json[] = [];
  let before: { readonly name: string; readonly shape: Shape } | undefined;
  for (const layer of layers) {
    const shape = outputShape(layer, before?.shape ?? []);
    const tensor: Json = before === undefined ? null : { shape: before.shape, dtype, keras_history: [before.name, 0, 0] };
    entries.push({
      module: "keras.layers",
      class_name: layer.type,
      config: before === undefined ? { name: layer.name, dtype, batch_shape: shape } : { name: layer.name, dtype, ...layer.config },
      registered_name: null,
      name: layer.name,
      inbound_nodes: before === undefined ? [] : [{ args: [{ class_name: "__keras_tensor__", config: tensor }], kwargs: {} }],
    });
    before = { name: layer.name, shape };
  }
  const ends = [layers[0], layers.at(-1)].map((layer): Json => [[layer?.name ?? "", 0, 0]]);
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: { name, trainable: true, layers: entries, input_layers: ends[0] ?? [], output_layers: ends[1] ?? [] },
    registered_name: "Functional",
  };
}

/** Batch (null), then height, width and channels, or features. */
type Shape = readonly (number | null)[];

/** Of the layers that the network is made of; all others keep the shape. */
function outputShape({ type, config }: KerasLayer, shape: Shape): Shape {
  const [batch = null, height = null, width = null, channels = null] = shape;
  switch (type) {
    case "InputLayer":
      return [null, ...numbers(config.batch_input_shape).slice(1)];
    case "Conv2D": {
      const valid = config.padding === "valid";
      const [kh = 1, kw = 1] = numbers(config.kernel_size);
      const size = (extent: number | null, kernel: number | null): number | null =>
        extent === null || !valid ? extent : extent - (kernel ?? 1) + 1;
      return [batch, size(height, kh), size(width, kw), ...numbers([config.filters ?? null])];
    }
    case "MaxPooling2D":
      return [batch, height === null ? null : Math.floor(height / 2), width === null ? null : Math.floor(width / 2), channels];
    case "Flatten":
      return [
        batch,
        shape.slice(1).reduce<number | null>((product, extent) => (product === null || extent === null ? null : product * extent), 1),
      ];
    case "Dense":
      return [batch, ...numbers([config.units ?? null])];
    default:
      return shape;
  }
}

function numbers(value: Json | undefined): Shape {
  return Array.isArray(value) ? value.map((item: Json) => (typeof item === "number" ? item : null)) : [];
}

/** "VGG-16 with batch norm" is vgg_16_with_batch_norm: Keras wants an identifier. */
export function modelName(input: WriterInput): string {
  return input.network?.name.toLowerCase().replace(/[^a-z0-9]+/g, "_") ?? "vgg";
}

/** What Keras has no place for: preprocessing, class names and what else is known, as JSON text; undefined where nothing is. */
export function besides(input: WriterInput): string | undefined {
  const { preprocessing, labels, metadata } = input;
  const known = new Map<string, Json>();
  if (preprocessing !== undefined) {
    const { channels, range, mean, std, size, source } = preprocessing;
    known.set("preprocessing", { channels, range, mean, std, ...(size !== undefined && { size }), source });
  }
  if (labels !== undefined) known.set("classes", labels);
  if (metadata.size > 0) known.set("metadata", metadata);
  return known.size === 0 ? undefined : jsonText(known);
}
