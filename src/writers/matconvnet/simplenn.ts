import { Refusal } from "../../text/refusal.ts";
import { type ChainLayer, learnt } from "./chain.ts";
import { cell, logical, type MatNode, row, singles, struct, tensor, textNode } from "./mat-pieces.ts";
import { misplaced, placeOf, usualNames } from "./places.ts";

/**
 * `layers` of a simplenn network. Layers with tensors stand where the names of these say; activations and pools fill the places
 * between. A network to be like may count other layers of no effect: dropout, which does nothing at test time, is left out
 * where there is no room, and put in where a place is left over.
 */
export function simplennLayers(chain: readonly ChainLayer[]): MatNode {
  const nodes: MatNode[] = [];
  let waiting: ChainLayer[] = [];
  for (const layer of chain) {
    const number = numberOf(layer);
    if (number === undefined) {
      waiting.push(layer);
      continue;
    }
    nodes.push(...between(waiting, number - 1 - nodes.length, layer.name).map(weightless));
    waiting = [];
    nodes.push(withTensors(layer));
  }
  return cell([...nodes, ...waiting.map(weightless)]);
}

/** The number that the names of a layer's tensors give it; undefined without tensors. */
function numberOf(layer: ChainLayer): number | undefined {
  let number: number | undefined;
  for (const [k, spec] of learnt(layer).entries()) {
    if (spec === undefined) continue;
    const place = placeOf(spec);
    if (place.kind !== "simplenn" || place.slot !== k + 1 || (number !== undefined && place.layer !== number))
      throw misplaced(spec, layer.name);
    number = place.layer;
  }
  return number;
}

function between(layers: readonly ChainLayer[], room: number, before: string): readonly ChainLayer[] {
  const needed = layers.filter(({ kind }) => kind !== "dropout");
  if (room < needed.length) {
    const message = `the names leave ${Math.max(0, room)} layers before ${before}, ${needed.length} are needed`;
    throw new Refusal("unsupported", message, [usualNames]);
  }
  if (room < layers.length) return needed.concat(Array.from({ length: room - needed.length }, (_, k) => filler(before, k)));
  return [...layers, ...Array.from({ length: room - layers.length }, (_, k) => filler(before, k))];
}

function filler(before: string, k: number): ChainLayer {
  return { kind: "dropout", name: `dropout_${before}${k === 0 ? "" : `_${k + 1}`}` };
}

/** With all fields that vl_simplenn_tidy would add, so that vl_simplenn runs the file as it is. */
function layerStruct(type: string, name: string, fields: { readonly [name: string]: MatNode }): MatNode {
  return struct(new Map([["type", textNode(type)], ["name", textNode(name)], ...Object.entries(fields), ["precious", logical(false)]]));
}

function withTensors(layer: ChainLayer): MatNode {
  if (layer.kind === "conv") {
    // vl_nnconv takes an empty array for "no bias".
    const [filters, biases] = [tensor(layer.weight), layer.bias === undefined ? singles([0, 0], []) : tensor(layer.bias)];
    const place = placeOf(layer.weight);
    const old = place.kind === "simplenn" && place.form === "old";
    return layerStruct("conv", layer.name, {
      ...(old ? { filters, biases } : { weights: cell([filters, biases]) }),
      pad: row(...layer.pad),
      stride: row(1, 1),
      dilate: row(1, 1),
      opts: cell([]),
    });
  }
  if (layer.kind !== "bnorm") return weightless(layer);
  const { channels, gamma, beta, moments } = layer;
  const filled = (value: number): MatNode =>
    singles(
      [channels, 1],
      Array.from({ length: channels }, () => value),
    );
  const weights = [gamma === undefined ? filled(1) : tensor(gamma), beta === undefined ? filled(0) : tensor(beta), tensor(moments)];
  return layerStruct("bnorm", layer.name, { weights: cell(weights), epsilon: row(layer.epsilon) });
}

function weightless(layer: ChainLayer): MatNode {
  switch (layer.kind) {
    case "pool":
      return layerStruct("pool", layer.name, {
        method: textNode("max"),
        pool: row(2, 2),
        stride: row(2, 2),
        pad: row(...layer.pad),
        opts: cell([]),
      });
    case "relu":
      return layerStruct("relu", layer.name, { leak: row(0) });
    case "dropout":
      return layerStruct("dropout", layer.name, { rate: row(0.5) });
    default:
      return layerStruct(layer.kind, layer.name, {});
  }
}
