import { CheckpointError } from "../../errors.ts";
import type { Hdf5Value } from "../hdf5/hdf5-messages.ts";
import { groupAt, hdf5Group, hdf5Pieces, putDataset } from "../hdf5/hdf5-pieces.ts";
import type { FileLayout, Piece, Writer, WriterInput } from "../layout.ts";
import { jsonText, textPiece, type WritableJson } from "../pieces.ts";
import { zipPieces } from "../zip-pieces.ts";
import { besides, kerasFileConfig, modelName } from "./keras-config.ts";
import { writtenKerasLayers } from "./keras-layers.ts";
import { layersOfTensors, namedLayers, type WeightsLayer } from "./keras-tensors.ts";

/*
 * Keras 3: .keras, a zip of config.json, metadata.json and model.weights.h5, all stored; with the option kind=weights the
 * weights alone. Layers are groups named after their class and counted, and a layer's own name is an attribute of `vars`.
 */

/** The version whose files these are; Keras only reports it. */
const version = "3.8.0";

export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    refuseIndex(input.name);
    if (input.options.get("kind") === "weights") return [{ name: input.name, pieces: weights(layersOfTensors(input.tensors)) }];
    const layers = writtenKerasLayers(input, "keras");
    const dtype = layers.find(({ tensors }) => tensors.length > 0)?.tensors[0]?.dtype ?? "float32";
    const more = besides(input);
    const metadata: Record<string, WritableJson> = { keras_version: version, date_saved: "1980-01-01@00:00:00" };
    if (more !== undefined) metadata.vggtool = more;
    const members = [
      { name: "metadata.json", pieces: [textPiece(jsonText(metadata))] },
      { name: "config.json", pieces: [textPiece(jsonText(kerasFileConfig(modelName(input), layers, dtype)))] },
      { name: "model.weights.h5", pieces: weights(namedLayers(layers)) },
    ];
    return [{ name: input.name, pieces: zipPieces(members) }];
  },
};

function weights(layers: readonly WeightsLayer[]): readonly Piece[] {
  const root = hdf5Group();
  groupAt(root, "vars"); // of the model itself; Keras 2.15 wants it to be there
  const counters = new Map<string, number>();
  for (const { layer } of layers) {
    const snake = snakeCase(layer.type);
    const count = counters.get(snake) ?? 0;
    counters.set(snake, count + 1);
    const group = groupAt(root, `layers/${count === 0 ? snake : `${snake}_${count}`}/vars`);
    group.attributes.set("name", text(layer.name));
    for (const [index, spec] of layer.tensors.entries()) {
      const attributes = new Map<string, Hdf5Value>(spec.dtype === "bfloat16" ? [["dtype", text("bfloat16")]] : []);
      putDataset(group, String(index), { tensor: spec, attributes });
    }
  }
  return hdf5Pieces(root);
}

/** As Keras 3 names groups after classes: Conv2D is conv2d, MaxPooling2D is max_pooling2d. */
function snakeCase(className: string): string {
  const words = className.replace(/(.)([A-Z][a-z]+)/g, "$1_$2");
  return words.replace(/([a-z])([A-Z])/g, "$1_$2").toLowerCase();
}

/** h5py gives these as str, which Keras compares with. */
function text(value: string): Hdf5Value {
  return { kind: "text", text: value };
}

/** Keras opens a `.weights.json` as the index of shards, which one file of HDF5 is not. */
function refuseIndex(name: string): void {
  if (!/\.weights\.json$/i.test(name)) return;
  throw new CheckpointError("unsupported", "this is the name of an index of shards, and Keras' weights are written as one file", {
    file: name,
    hint: "choose a name for -o that ends in .weights.h5",
  });
}
