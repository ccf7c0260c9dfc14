import type { LayerRecord } from "../../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "../described.ts";
import { convPlace } from "../network/expand.ts";
import type { AdaptivePoolLayer, ConvLayer, FcLayer, Network, NetworkLayer, PoolLayer, Uncomputed } from "../network/network.ts";
import { layerOf, partOf, type Role } from "../role.ts";
import type { Slot } from "../scheme.ts";
import { innerActivation, type Operation, operationOf } from "./operation.ts";
import { isWeighted, kernelSize, type WeightedLayer } from "./shapes.ts";
import { halving, plainWindows, sameWindows, type Windows, windowsText } from "./window.ts";
import { type Wiring, wiringOf } from "./wiring.ts";

interface Stated {
  readonly checkpoint: DescribedCheckpoint;
  readonly network: Network;
  readonly wiring: Wiring;
  /** The record that holds each layer's weight. */
  readonly records: ReadonlyMap<string, LayerRecord>;
  /** Keys of the network's own tensors: a batch norm on the way is known. */
  readonly own: ReadonlySet<string>;
}

/**
 * The network with kernels, steps, padding, dilation, pools and activations as the file's own graph states them. What the file
 * states is never overruled; what it does not state stays VGG's own.
 */
export function withGeometry(network: Network, roles: ReadonlyMap<Role, Slot>, checkpoint: DescribedCheckpoint): Network {
  const stated = statementOf(network, roles, checkpoint);
  const weighted = network.layers.filter(isWeighted);
  if (stated === undefined) return network;
  const layers: NetworkLayer[] = [];
  const uncomputed: Uncomputed[] = [];
  let whole = true;
  weighted.forEach((layer, at) => {
    const next = weighted[at + 1];
    const way = wayBehind(stated, layer, next);
    const own = ownGeometry(stated, layer);
    whole &&= own !== undefined && way !== undefined;
    const behind = way === undefined ? undefined : behindLayer(stated, layer, way);
    whole &&= behind?.sized !== false;
    layers.push(behind === undefined ? (own ?? layer) : rectified(own ?? layer, behind.rectified, next === undefined));
    layers.push(...(behind?.layers ?? assumedBehind(network, layer)));
    // What a network's last layer gives is compared as it is: nothing behind it counts.
    if (next !== undefined) uncomputed.push(...(behind?.uncomputed ?? []).map((what) => ({ behind: layer.name, what })));
  });
  return { ...network, layers, uncomputed, geometry: whole ? "stated" : "assumed" };
}

function statementOf(network: Network, roles: ReadonlyMap<Role, Slot>, checkpoint: DescribedCheckpoint): Stated | undefined {
  const holders = new Map<string, LayerRecord>();
  for (const record of checkpoint.layers) for (const key of record.tensors) if (!holders.has(key)) holders.set(key, record);
  const records = new Map<string, LayerRecord>();
  const own = new Set<string>();
  for (const [role, slot] of roles) {
    if ("constant" in slot) continue;
    own.add(slot.key);
    if (slot.over !== undefined) own.add(slot.over);
    const holder = holders.get(slot.key);
    if (partOf(role) === "weight" && holder !== undefined) records.set(layerOf(role), holder);
  }
  return records.size === 0 ? undefined : { checkpoint, network, wiring: wiringOf(checkpoint.layers), records, own };
}

/** Pools that the network has behind a layer by convention. */
function assumedBehind(network: Network, layer: NetworkLayer): readonly NetworkLayer[] {
  const rest = network.layers.slice(network.layers.indexOf(layer) + 1);
  const end = rest.findIndex(isWeighted);
  return end < 0 ? rest : rest.slice(0, end);
}

/** Records from one layer to the next; behind the last one, up to whatever has weights of its own. */
function wayBehind(stated: Stated, layer: WeightedLayer, next: WeightedLayer | undefined): readonly LayerRecord[] | undefined {
  const from = stated.records.get(layer.name);
  if (from === undefined) return undefined;
  if (next !== undefined) {
    const to = stated.records.get(next.name);
    return to === undefined ? undefined : stated.wiring.between(from, to);
  }
  const behind = stated.wiring.behind(from);
  const foreign = behind.findIndex((record) => record.tensors.some((key) => !stated.own.has(key)));
  return foreign < 0 ? behind : behind.slice(0, foreign);
}

/** A layer as its record states it; undefined where the record states nothing. */
function ownGeometry({ network, records, checkpoint }: Stated, layer: WeightedLayer): WeightedLayer | undefined {
  const record = records.get(layer.name);
  if (record === undefined) return undefined;
  const kernel = kernelSize(network, layer);
  const operation = operationOf(record, checkpoint.conventions, kernel);
  if (layer.kind === "fc" && network.head !== "conv") return layer;
  if (operation.kind !== "conv" || operation.windows === undefined) return undefined;
  const { windows, groups } = operation;
  const grouped = groups === 1 ? {} : { groups };
  return layer.kind === "conv" ? { ...layer, ...slidingConv(layer, windows), ...grouped } : slidingFc(layer, kernel, windows);
}

function slidingConv(layer: ConvLayer, windows: Windows): Pick<ConvLayer, "pad" | "windows"> {
  const pad = evenPad(windows) ?? layer.pad;
  return sameWindows(windows, plainWindows(layer.kernel, pad)) ? { pad } : { pad, windows };
}

function slidingFc(layer: FcLayer, kernel: readonly [number, number], windows: Windows): FcLayer {
  return sameWindows(windows, plainWindows(kernel, [0, 0])) ? layer : { ...layer, windows };
}

/** Padding that is the same on both sides; undefined where it is not. */
function evenPad([height, width]: Windows): readonly [number, number] | undefined {
  const of = ({ pad, kernel, dilation }: Windows[0]): number | undefined => {
    if (pad === "same") return kernel % 2 === 1 ? ((kernel - 1) * dilation) / 2 : undefined;
    return pad[0] === pad[1] ? pad[0] : undefined;
  };
  const [down, across] = [of(height), of(width)];
  return down === undefined || across === undefined ? undefined : [down, across];
}

interface Behind {
  readonly layers: readonly NetworkLayer[];
  readonly rectified: boolean;
  /** Every pool says how it slides or what it gives. */
  readonly sized: boolean;
  readonly uncomputed: readonly string[];
}

function behindLayer(
  { checkpoint: { conventions }, records, own, network }: Stated,
  layer: WeightedLayer,
  way: readonly LayerRecord[],
): Behind {
  const layers: NetworkLayer[] = [];
  const uncomputed: string[] = [];
  let sized = true;
  const record = records.get(layer.name);
  const inner = record === undefined ? undefined : innerActivation(record);
  let functions = inner === undefined || inner === "linear" ? [] : [inner];
  for (const step of way) {
    const operation = operationOf(step, conventions);
    if (operation.kind === "activation") functions = [...functions, operation.name];
    else if (operation.kind === "pool" || operation.kind === "global-pool" || operation.kind === "adaptive-pool") {
      sized &&= !unsized(operation);
      const known = operation.kind === "adaptive-pool" && operation.size === undefined ? assumedPool(network) : undefined;
      const pool = known ?? poolLayer(operation, layer, layers.filter(({ kind }) => kind === "pool").length);
      if (typeof pool === "string") uncomputed.push(`${step.name} (${pool})`);
      else if (pool !== undefined) layers.push(pool);
    } else if (!isHarmless(operation, step, own)) uncomputed.push(`${step.name} (${step.type})`);
  }
  const others = functions.filter((name) => !["relu", "softmax", "linear"].includes(name));
  return {
    layers,
    rectified: functions.includes("relu"),
    sized,
    uncomputed: [...others, ...uncomputed],
  };
}

function unsized(operation: Operation): boolean {
  return (
    (operation.kind === "pool" && operation.windows === undefined) || (operation.kind === "adaptive-pool" && operation.size === undefined)
  );
}

/** The adaptive pool that the convention has before its head: TorchScript keeps no sizes. */
function assumedPool(network: Network): NetworkLayer | undefined {
  return network.layers.find((layer) => layer.kind === "adaptive-pool");
}

/** What changes no value at inference, or is the network's own. */
function isHarmless({ kind }: Operation, { tensors }: LayerRecord, own: ReadonlySet<string>): boolean {
  if (kind === "norm") return tensors.length > 0 && tensors.every((key) => own.has(key) || !/gamma|scale|weight/.test(key));
  return ["flatten", "dropout", "softmax", "same", "input", "dense", "conv"].includes(kind);
}

/** A text: why it cannot be computed. undefined: it changes nothing. */
function poolLayer(operation: Operation, layer: WeightedLayer, before: number): NetworkLayer | string | undefined {
  if (operation.kind === "global-pool") return adaptive([1, 1], operation.method);
  if (operation.kind === "adaptive-pool") {
    // At the published size it changes nothing.
    return operation.size === undefined ? undefined : adaptive(operation.size, operation.method);
  }
  if (operation.kind !== "pool") return undefined;
  const { windows, method } = operation;
  const block = layer.kind === "conv" ? convPlace(layer.name)[0] : layer.name;
  const name = `pool${block}${before === 0 ? "" : `_${before + 1}`}`;
  if (windows === undefined) return { kind: "pool", name, ceil: false };
  if (windows.every(({ kernel, stride }) => kernel === 1 && stride === 1)) return undefined;
  const padded = method === "average" && windows.some(({ pad, ceil }) => pad === "same" || pad[0] + pad[1] > 0 || ceil);
  if (padded) return `an average pool, ${windowsText(windows)}, whose borders frameworks count in different ways`;
  const ceil = sameWindows(windows, halving(true));
  const usual = ceil || sameWindows(windows, halving(false));
  const pool: PoolLayer = { kind: "pool", name, ceil: ceil || windows[0].ceil };
  return { ...pool, ...(usual ? {} : { windows }), ...(method === "average" && { method }) };
}

function adaptive(size: readonly [number, number], method: "max" | "average"): AdaptivePoolLayer | string {
  if (method === "max" && (size[0] !== 1 || size[1] !== 1)) return `an adaptive pool of the largest values to ${size.join("×")}`;
  return { kind: "adaptive-pool", name: "avgpool", size, ...(method === "max" && { method }) };
}

/** With ReLU behind it or not, as the file has it; the classes keep what they have. */
function rectified(layer: WeightedLayer, relu: boolean, last: boolean): WeightedLayer {
  if (layer.kind === "conv") return relu ? layer : { ...layer, linear: true };
  if (last || layer.activation === "softmax") return layer;
  return { ...layer, activation: relu ? "relu" : "none" };
}

/** What of a network is not as in a plain VGG, one text for each layer: for writers that know only those. */
export function unusualLayers(network: Network): readonly string[] {
  return network.layers.flatMap((layer) => {
    const parts: string[] = [];
    if (layer.kind !== "adaptive-pool" && layer.windows !== undefined) parts.push(windowsText(layer.windows));
    if (layer.kind === "conv" && layer.groups !== undefined) parts.push(`${layer.groups} groups`);
    if (layer.kind === "conv" && layer.linear === true) parts.push("no ReLU behind it");
    if (layer.kind === "pool" && layer.method === "average") parts.push("an average");
    return parts.length === 0 ? [] : [`${layer.name} (${parts.join(", ")})`];
  });
}
