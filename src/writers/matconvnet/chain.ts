import { CheckpointError } from "../../errors.ts";
import type { ConvLayer, FcLayer, Network, NetworkLayer } from "../../model/network/network.ts";
import { Refusal } from "../../text/refusal.ts";
import type { TensorSpec } from "../layout.ts";
import { type RoleTable, requirePlain } from "../roles.ts";
import { usualNames } from "./places.ts";

/** A layer as MatConvNet counts them: activations and dropout are layers of their own. */
export type ChainLayer =
  | {
      readonly kind: "conv";
      readonly name: string;
      /** Top, bottom, left, right. */
      readonly pad: readonly number[];
      readonly weight: TensorSpec;
      readonly bias: TensorSpec | undefined;
    }
  | {
      readonly kind: "bnorm";
      readonly name: string;
      readonly epsilon: number;
      readonly channels: number;
      readonly gamma: TensorSpec | undefined;
      readonly beta: TensorSpec | undefined;
      /** C×2: mean and sqrt(var + epsilon). */
      readonly moments: TensorSpec;
    }
  | { readonly kind: "pool"; readonly name: string; readonly pad: readonly number[] }
  | { readonly kind: "relu" | "dropout" | "softmax"; readonly name: string };

/** The network as a chain of MatConvNet's layers, with the tensors that fill them. Throws `mismatch`, `unsupported`. */
export function chainOf(table: RoleTable): readonly ChainLayer[] {
  const { network } = table;
  requirePlain(network, "MatConvNet");
  const last = network.layers.findLast((layer) => layer.kind === "fc");
  return network.layers.flatMap((layer) => chainLayers(layer, table, layer === last));
}

function chainLayers(layer: NetworkLayer, table: RoleTable, last: boolean): readonly ChainLayer[] {
  switch (layer.kind) {
    case "conv": {
      const number = layer.name.replace(/^conv/, "");
      const [y, x] = layer.pad;
      return [...convolution(layer, [y, y, x, x], `bn${number}`, table), { kind: "relu", name: `relu${number}` }];
    }
    case "pool":
      // Rounding up, as Caffe does: one more row and column of padding at the end, which is what the Caffe importer writes.
      return [{ kind: "pool", name: layer.name, pad: layer.ceil ? [0, 1, 0, 1] : [0, 0, 0, 0] }];
    case "adaptive-pool":
      refuseAdaptive(layer.size, table.network);
      return [];
    case "fc": {
      const number = layer.name.replace(/^fc/, "");
      const behind: ChainLayer[] = [];
      if (!last || layer.activation === "relu") behind.push({ kind: "relu", name: `relu${number}` });
      if (!last) behind.push({ kind: "dropout", name: `dropout${number}` });
      if (last && layer.activation === "softmax") behind.push({ kind: "softmax", name: "prob" });
      return [...convolution(layer, [0, 0, 0, 0], `bn${number}`, table), ...behind];
    }
  }
}

function convolution(layer: ConvLayer | FcLayer, pad: readonly number[], normName: string, table: RoleTable): readonly ChainLayer[] {
  const weight = table.need(`${layer.name}.weight`);
  if (weight.shape.length < 2 || weight.shape.length > 4) {
    throw new CheckpointError("unsupported", `MatConvNet's filters have 4 dimensions, ${weight.key} has ${weight.shape.length}`, {
      tensor: weight.key,
    });
  }
  const conv: ChainLayer = { kind: "conv", name: layer.name, pad, weight, bias: table.find(`${layer.name}.bias`) };
  if (layer.batchNorm === undefined) return [conv];
  const { name } = layer;
  const moments = table.find(`${name}.bn.mean`) ?? table.need(`${name}.bn.var`);
  const [channels = 0, columns] = moments.shape;
  if (moments.shape.length !== 2 || columns !== 2) {
    const message = `MatConvNet keeps mean and deviation in one array of two columns, ${moments.key} is ${moments.shape.join("x")}`;
    throw new Refusal("unsupported", message, [usualNames], { tensor: moments.key });
  }
  const { epsilon } = layer.batchNorm;
  const [gamma, beta] = [table.find(`${name}.bn.weight`), table.find(`${name}.bn.bias`)];
  return [conv, { kind: "bnorm", name: normName, epsilon, channels, gamma, beta, moments }];
}

function refuseAdaptive(size: readonly [number, number], { featureShape }: Network): void {
  const [, height = size[0], width = size[1]] = featureShape ?? [];
  if (height === size[0] && width === size[1]) return;
  throw new CheckpointError(
    "unsupported",
    `the network pools ${height}x${width} features to ${size.join("x")} by itself, which MatConvNet cannot`,
  );
}

/** The tensors of a layer in MatConvNet's order: filters, biases; or gamma, beta, moments. */
export function learnt(layer: ChainLayer): readonly (TensorSpec | undefined)[] {
  if (layer.kind === "conv") return [layer.weight, layer.bias];
  return layer.kind === "bnorm" ? [layer.gamma, layer.beta, layer.moments] : [];
}
