import type { Hdf5Value } from "../hdf5/hdf5-messages.ts";
import { groupAt, type Hdf5GroupNode, hdf5Group, hdf5Pieces, putDataset } from "../hdf5/hdf5-pieces.ts";
import type { FileLayout, Writer, WriterInput } from "../layout.ts";
import { jsonText } from "../pieces.ts";
import { besides, modelName } from "./keras-config.ts";
import { functionalConfig, writtenKerasLayers } from "./keras-layers.ts";
import { layersOfTensors, namedLayers, type WeightsLayer } from "./keras-tensors.ts";

/*
 * Keras' .h5 before version 3, which Keras 2 and 3 load: a whole model (model_config, weights under /model_weights), or
 * with the option kind=weights the weights alone. Texts have fixed lengths, which h5py of all ages gives as bytes: Keras
 * decodes those and takes them as they are.
 */

/** Told to Keras, which treats names and axes of older files by it. */
const version = "2.15.0";

export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const root = hdf5Group();
    if (input.options.get("kind") === "weights") {
      addWeights(root, layersOfTensors(input.tensors));
    } else {
      const layers = writtenKerasLayers(input, "keras");
      const dtype = layers.find(({ tensors }) => tensors.length > 0)?.tensors[0]?.dtype ?? "float32";
      root.attributes.set("keras_version", fixed(version));
      root.attributes.set("backend", fixed("tensorflow"));
      root.attributes.set("model_config", fixed(jsonText(functionalConfig(modelName(input), layers, dtype))));
      addWeights(groupAt(root, "model_weights"), namedLayers(layers));
    }
    const more = besides(input);
    if (more !== undefined) root.attributes.set("vggtool", fixed(more));
    return [{ name: input.name, pieces: hdf5Pieces(root) }];
  },
};

function addWeights(group: Hdf5GroupNode, layers: readonly WeightsLayer[]): void {
  const names = layers.map(({ layer }) => layer.name);
  setNames(group, "layer_names", names);
  group.attributes.set("backend", fixed("tensorflow"));
  group.attributes.set("keras_version", fixed(version));
  for (const { layer, variables } of layers) {
    const own = groupAt(group, layer.name);
    const weights = variables.map((variable) => `${layer.name}/${variable}:0`);
    setNames(own, "weight_names", weights);
    for (const [index, tensor] of layer.tensors.entries()) putDataset(own, weights[index] ?? "", { tensor });
  }
}

/** Bytes of one attribute above which Keras splits a list into name0, name1 … */
const maxList = 64_512;

function setNames(group: Hdf5GroupNode, attribute: string, names: readonly string[]): void {
  const longest = names.reduce((most, name) => Math.max(most, new TextEncoder().encode(name).length), 1);
  const perPiece = Math.max(1, Math.floor(maxList / longest));
  if (names.length <= perPiece) {
    group.attributes.set(attribute, { kind: "fixed", texts: names });
    return;
  }
  for (let piece = 0; piece * perPiece < names.length; piece++) {
    group.attributes.set(`${attribute}${piece}`, { kind: "fixed", texts: names.slice(piece * perPiece, (piece + 1) * perPiece) });
  }
}

function fixed(text: string): Hdf5Value {
  return { kind: "fixed", texts: text };
}
