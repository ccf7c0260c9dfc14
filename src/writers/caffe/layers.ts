import { windowsOf } from "../../model/geometry/shapes.ts";
import type { Windows } from "../../model/geometry/window.ts";
import type { ConvLayer, FcLayer } from "../../model/network/network.ts";
import { leavingOut, Refusal } from "../../text/refusal.ts";
import type { TensorSpec } from "../layout.ts";
import type { RoleTable } from "../roles.ts";

export type CaffeSettings =
  | {
      readonly kind: "convolution";
      readonly outputs: number;
      readonly bias: boolean;
      readonly windows: Windows;
      readonly groups: number;
    }
  | { readonly kind: "inner-product"; readonly outputs: number; readonly bias: boolean }
  | { readonly kind: "pooling"; readonly windows: Windows; readonly average: boolean }
  | { readonly kind: "batch-norm"; readonly epsilon: number }
  | { readonly kind: "scale" };

export interface WrittenCaffeLayer {
  readonly name: string;
  /** Caffe's own name of the type. */
  readonly type: string;
  readonly bottom: string;
  readonly top: string;
  readonly blobs: readonly TensorSpec[];
  readonly settings?: CaffeSettings;
}

/** The network as Caffe's layers in forward order; ReLU, dropout, batch norm and scale work in place. */
export function caffeLayers(table: RoleTable): readonly WrittenCaffeLayer[] {
  const layers: WrittenCaffeLayer[] = [];
  let bottom = "data";
  const add = (name: string, type: string, blobs: readonly TensorSpec[], settings?: CaffeSettings, inPlace = false): void => {
    const top = inPlace ? bottom : name;
    layers.push({ name, type, bottom, top, blobs, ...(settings === undefined ? {} : { settings }) });
    bottom = top;
  };
  const addNorm = (layer: ConvLayer | FcLayer): void => {
    if (layer.batchNorm === undefined) return;
    const norm = (["mean", "var"] as const).map((part) => table.need(`${layer.name}.bn.${part}`));
    const name = layerName(norm[0], `${layer.name}/bn`);
    const factor = table.need(`${layer.name}.bn.factor`);
    add(name, "BatchNorm", [...norm, factor], { kind: "batch-norm", epsilon: layer.batchNorm.epsilon }, true);
    const scale = (["weight", "bias"] as const).map((part) => table.need(`${layer.name}.bn.${part}`));
    add(layerName(scale[0], `${layer.name}/scale`), "Scale", scale, { kind: "scale" }, true);
  };
  const last = table.network.layers.filter((layer) => layer.kind === "fc").at(-1);
  for (const layer of table.network.layers) {
    if (layer.kind === "pool") {
      const windows = windowsOf(table.network, layer);
      add(layer.name, "Pooling", [], { kind: "pooling", windows, average: layer.method === "average" });
    }
    if (layer.kind !== "conv" && layer.kind !== "fc") continue;
    const { blobs, weight, bias } = ownBlobs(table, layer.name);
    const [outputs = 0, , height = 1, width = 1] = weight.shape;
    if (layer.kind === "conv" || weight.shape.length === 4) {
      add(layerName(weight, layer.name), "Convolution", blobs, {
        kind: "convolution",
        outputs,
        bias,
        windows: windowsOf(table.network, layer, [0, height, width]),
        groups: layer.kind === "conv" ? (layer.groups ?? 1) : 1,
      });
    } else add(layerName(weight, layer.name), "InnerProduct", blobs, { kind: "inner-product", outputs, bias });
    addNorm(layer);
    const suffix = layer.name.replace(/^(conv|fc)/, "");
    if (layer.kind === "conv" ? layer.linear !== true : layer.activation === "relu") add(`relu${suffix}`, "ReLU", [], undefined, true);
    if (layer.kind === "fc" && layer !== last) add(`drop${suffix}`, "Dropout", [], undefined, true);
    if (layer.kind === "fc" && layer.activation === "softmax") add("prob", "Softmax", []);
  }
  return layers;
}

function ownBlobs(
  table: RoleTable,
  layer: string,
): { readonly blobs: readonly TensorSpec[]; readonly weight: TensorSpec; readonly bias: boolean } {
  const weight = table.need(`${layer}.weight`);
  const bias = table.find(`${layer}.bias`);
  return { blobs: bias === undefined ? [weight] : [weight, bias], weight, bias: bias !== undefined };
}

/** Blobs have no names of their own: a key is its layer's name and the blob's number. */
function layerName(blob: TensorSpec | undefined, fallback: string): string {
  if (blob === undefined) return fallback;
  const match = /^(.*)\.\d+$/s.exec(blob.key);
  if (match?.[1] === undefined) {
    const message = "Caffe's blobs have the names of their layer and a number, as in conv1_1.0";
    throw new Refusal("usage", message, [leavingOut("naming")], { tensor: blob.key });
  }
  return match[1];
}
