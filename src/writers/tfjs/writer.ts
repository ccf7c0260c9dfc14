import { CheckpointError } from "../../errors.ts";
import { functionalConfig, writtenKerasLayers } from "../keras/keras-layers.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { jsonText, specBytes, tensorPiece, textPiece, type WritableJson } from "../pieces.ts";

/** Four MiB a file, as tensorflowjs writes them: browsers cache files up to that size. */
const shardBytes = 4 << 20;

const types: ReadonlySet<string> = new Set(["float32", "int32", "bool", "complex64"]);

/** A layers model for TensorFlow.js: `model.json` with topology and manifest, and the weights in `group1-shard<k>of<n>.bin`. */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const layers = writtenKerasLayers(input, "tfjs");
    // In the order of the layers, which is the order of the manifest.
    const tensors = layers.flatMap((layer) => layer.tensors);
    const total = tensors.reduce((sum, tensor) => sum + specBytes(tensor), 0);
    const count = Math.max(1, Math.ceil(total / shardBytes));
    const name = (k: number, of: number): string => `group1-shard${k + 1}of${of}.bin`;
    const folder = input.name.slice(0, input.name.lastIndexOf("/") + 1);
    const model: WritableJson = {
      format: "layers-model",
      generatedBy: "vggtool",
      convertedBy: null,
      modelTopology: {
        keras_version: "2.15.0",
        backend: "tensorflow",
        model_config: functionalConfig("vgg", layers, "float32"),
      },
      weightsManifest: [{ paths: Array.from({ length: count }, (_, k) => name(k, count)), weights: tensors.map(manifestEntry) }],
      userDefinedMetadata: new Map<string, WritableJson>(input.metadata),
    };
    return [
      {
        name: `${folder}group1.bin`,
        pieces: tensors.map((tensor) => tensorPiece(tensor)),
        shard: { bytes: shardBytes, name: (k, of) => folder + name(k, of) },
      },
      { name: input.name, pieces: [textPiece(jsonText(model))] },
    ];
  },
};

function manifestEntry(tensor: TensorSpec): WritableJson {
  if (!types.has(tensor.dtype))
    throw new CheckpointError("unsupported", `${tensor.dtype} has no place in TensorFlow.js`, { tensor: tensor.key });
  return { name: tensor.key, shape: tensor.shape, dtype: tensor.dtype };
}
