import { Refusal } from "../../text/refusal.ts";
import type { TensorSpec } from "../layout.ts";
import { type ChainLayer, learnt } from "./chain.ts";
import { cell, logical, type MatNode, row, struct, structArray, tensor, textNode } from "./mat-pieces.ts";
import { misplaced, placeOf, usualNames } from "./places.ts";

/*
 * A dagnn network as the struct that DagNN.saveobj makes: parameters under names of their own, layers joined by named
 * variables. Names as fromSimpleNN gives them: <layer>f, <layer>b; of batch norm <layer>m, b, x. Facts: matlab/+dagnn of
 * vlfeat/matconvnet.
 */

const suffixes = { conv: ["f", "b"], bnorm: ["m", "b", "x"] } as const;

interface Param {
  readonly name: string;
  readonly spec: TensorSpec;
  /** Filters are decayed, nothing else is. */
  readonly decays: boolean;
}

/** The fields `vars`, `params` and `layers`. Throws `unsupported` where the numbers of the parameters leave gaps. */
export function dagnnFields(chain: readonly ChainLayer[]): ReadonlyMap<string, MatNode> {
  const params = new Map<number, Param>();
  const layers: ReadonlyMap<string, MatNode>[] = [];
  const variables = ["input"];
  for (const layer of chain) {
    const mine = paramsOf(layer);
    for (const { spec, param } of mine) place(params, spec, param, layer.name);
    const input = variables.at(-1) ?? "input";
    const output = layer.kind === "softmax" ? "prediction" : `x${variables.length}`;
    variables.push(output);
    layers.push(
      new Map([
        ["name", textNode(layer.name)],
        ["type", textNode(types[layer.kind])],
        ["inputs", cell([textNode(input)])],
        ["outputs", cell([textNode(output)])],
        ["params", cell(mine.map(({ param }) => textNode(param.name)))],
        ["block", struct(blockOf(layer))],
      ]),
    );
  }
  const ordered = Array.from({ length: params.size }, (_, k) => params.get(k + 1));
  return new Map([
    [
      "vars",
      structArray(
        variables.map(
          (name) =>
            new Map([
              ["name", textNode(name)],
              ["precious", logical(false)],
            ]),
        ),
      ),
    ],
    ["params", structArray(ordered.map(paramStruct))],
    ["layers", structArray(layers)],
  ]);
}

const types = {
  conv: "dagnn.Conv",
  bnorm: "dagnn.BatchNorm",
  pool: "dagnn.Pooling",
  relu: "dagnn.ReLU",
  dropout: "dagnn.DropOut",
  softmax: "dagnn.SoftMax",
} as const;

function paramsOf(layer: ChainLayer): readonly { readonly spec: TensorSpec; readonly param: Param }[] {
  if (layer.kind !== "conv" && layer.kind !== "bnorm") return [];
  if (layer.kind === "bnorm" && (layer.gamma === undefined || layer.beta === undefined)) {
    const message = `${layer.name} of a dagnn network needs gamma and beta, which the source has not`;
    throw new Refusal("unsupported", message, [usualNames]);
  }
  return learnt(layer).flatMap((spec, k) => {
    if (spec === undefined) return [];
    const suffix = suffixes[layer.kind][k] ?? "";
    const place = placeOf(spec);
    const named = place.kind === "dagnn" && place.param === undefined;
    return [{ spec, param: { name: named ? spec.key : `${layer.name}${suffix}`, spec, decays: suffix === "f" } }];
  });
}

function place(params: Map<number, Param>, spec: TensorSpec, param: Param, layer: string): void {
  const where = placeOf(spec);
  const number = where.kind === "dagnn" ? (where.param ?? params.size + 1) : undefined;
  if (number === undefined || params.has(number)) throw misplaced(spec, layer);
  params.set(number, param);
}

/** Parameters are numbered from 1 without gaps. */
function paramStruct(param: Param | undefined): ReadonlyMap<string, MatNode> {
  if (param === undefined) {
    throw new Refusal("unsupported", "the names leave parameters of the dagnn network empty", [usualNames]);
  }
  const { name, spec, decays } = param;
  return new Map([
    ["name", textNode(name)],
    ["value", tensor(spec)],
    ["learningRate", row(1)],
    ["weightDecay", row(decays ? 1 : 0)],
  ]);
}

function blockOf(layer: ChainLayer): ReadonlyMap<string, MatNode> {
  switch (layer.kind) {
    case "conv": {
      const size = [...layer.weight.shape, 1, 1].slice(0, 4);
      return new Map([
        ["size", row(...size)],
        ["hasBias", logical(layer.bias !== undefined)],
        ["opts", cell([textNode("cuDNN")])],
        ["pad", row(...layer.pad)],
        ["stride", row(1, 1)],
        ["dilate", row(1, 1)],
      ]);
    }
    case "bnorm":
      return new Map([
        ["numChannels", row(layer.channels)],
        ["epsilon", row(layer.epsilon)],
        ["opts", cell([textNode("NoCuDNN")])],
      ]);
    case "pool":
      return new Map([
        ["method", textNode("max")],
        ["poolSize", row(2, 2)],
        ["opts", cell([textNode("cuDNN")])],
        ["pad", row(...layer.pad)],
        ["stride", row(2, 2)],
      ]);
    case "relu":
      return new Map([
        ["useShortCircuit", logical(true)],
        ["leak", row(0)],
        ["opts", cell([])],
      ]);
    case "dropout":
      return new Map([
        ["rate", row(0.5)],
        ["frozen", logical(false)],
      ]);
    case "softmax":
      return new Map([["dim", row(3)]]);
  }
}
