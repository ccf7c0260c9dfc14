import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { Identity } from "../../model/identity.ts";
import { roleOf } from "../../model/role.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import { few } from "../../text/few.ts";
import { isRectified } from "../runnable.ts";
import { type Expected, expectedValues } from "./expected.ts";

/** One file of a folder of dumped activations. */
export interface DumpedFile {
  /** Without folders. */
  readonly name: string;
  readonly file: Checkpoint;
}

/**
 * A folder of what a framework gave, layer by layer: an .npy a layer, or several in an .npz or safetensors. An array is a layer's by the
 * layer's name (conv1_1, logits) or by that of the module that keeps its weights (features.0, block1_conv1). Values from before a ReLU are
 * known by their signs, and rectified; what is no layer's is named in a note. Throws `mismatch` where nothing is a layer's.
 */
export function expectedFolder(files: readonly DumpedFile[], folder: string, identity: Identity, ctx: Context): Expected {
  const { network } = identity;
  const layerOf = layerNames(identity);
  const found = new Map<string, { readonly tensor: NumericTensor; readonly file: string }>();
  const others: string[] = [];
  for (const { name, file } of files) {
    for (const tensor of file.tensors.values()) {
      const given = file.tensors.size === 1 && /\.npy$/i.test(name) ? name.replace(/\.npy$/i, "") : tensor.name;
      const layer = layerOf.get(given);
      if (layer === undefined || !isNumeric(tensor)) others.push(given);
      else if (found.has(layer))
        throw new CheckpointError("mismatch", `${layer} is expected twice: in ${found.get(layer)?.file ?? ""} and in ${name}`, {
          file: folder,
        });
      else found.set(layer, { tensor, file: name });
    }
  }
  if (found.size === 0) {
    const wanted = few([...layerOf.keys()]);
    throw new CheckpointError("mismatch", `none of ${others.length} arrays in the folder is a layer's, needed names as ${wanted}`, {
      file: folder,
    });
  }
  const notes: string[] = [];
  if (others.length > 0) notes.push(`${folder}: no layer's, and not compared: ${few(others)}`);
  return {
    name: folder,
    layers: [...found.keys()],
    perLayer: true,
    notes,
    async values(layer, shape) {
      const entry = found.get(layer);
      if (entry === undefined) throw new CheckpointError("not-found", `nothing expected of ${layer}`, { file: folder });
      const values = await expectedValues(entry.tensor, layer, shape, `${folder}/${entry.file}`, ctx);
      const own = network.layers.find(({ name }) => name === layer);
      if (own === undefined || !isRectified(network, own) || values.every((value) => !(value < 0))) return values;
      notes.push(`the expected values of ${layer} are from before its ReLU: they are compared behind it`);
      return values.map((value) => Math.max(value, 0));
    },
  };
}

/** Layers by the names that arrays may have. */
function layerNames({ network, roles }: Identity): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name } of network.layers) {
    const slot = roles.get(roleOf(name, "weight"));
    if (slot !== undefined && "key" in slot) {
      // features.0.weight is features.0's, block1_conv1/block1_conv1/kernel:0 is block1_conv1's.
      const module = slot.key.replace(/[./][^./]+$/, "");
      const last = module.split("/").at(-1) ?? module;
      names.set(module, name);
      if (!/^\d*$/.test(last)) names.set(last, name);
    }
  }
  for (const { name } of network.layers) names.set(name, name);
  const output = network.layers.at(-1)?.name;
  if (output !== undefined) names.set("logits", output);
  return names;
}
