import { CheckpointError } from "../../errors.ts";
import type { FcLayer, Network, NetworkLayer } from "../../model/network/network.ts";
import { naturalOrder } from "../../text/natural-order.ts";
import { Refusal } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";
import { reducedNetwork } from "./reduced.ts";

export function fcLayers(network: Network): readonly FcLayer[] {
  return network.layers.filter((layer): layer is FcLayer => layer.kind === "fc");
}

/** The network that the output holds: --no-top, --num-classes and --fold-bn applied. Throws `usage` where they do not fit it. */
export function editNetwork(network: Network, options: ConvertOptions): Network {
  let edited = network;
  if (options.fc === "reduced") edited = reducedNetwork(edited);
  if (options.noTop === true) edited = withoutHead(edited);
  if (options.numClasses !== undefined) edited = withClasses(edited, options.numClasses);
  if (options.foldBn === true) edited = folded(edited);
  return edited;
}

function withoutHead(network: Network): Network {
  const { classes: _classes, head: _head, ...rest } = network;
  const layers = network.layers.filter((layer) => layer.kind !== "fc" && layer.kind !== "adaptive-pool");
  return {
    ...rest,
    layers,
    widths: layers.flatMap((layer) => (layer.kind === "conv" ? [layer.outputs] : [])),
    missing: network.missing.filter((name) => !name.startsWith("fc")),
  };
}

function withClasses(network: Network, classes: number): Network {
  const last = fcLayers(network).at(-1);
  if (last === undefined) {
    throw new CheckpointError("usage", "--num-classes needs a network with fully connected layers, and this one has none");
  }
  const absent = network.missing.filter((name) => name.startsWith("fc") && naturalOrder(name, last.name) > 0);
  const [name, ...others] = absent;
  if (others.length > 0) {
    throw new Refusal("usage", `--num-classes makes the last layer anew, and ${absent.join(" and ")} are missing`, [
      { options: { numClasses: undefined, noTop: true }, say: (more) => `leave --num-classes out, and the head with ${more}` },
    ]);
  }
  if (name !== undefined) return withNewLast(network, last, name, classes);
  const layers = network.layers.map((layer): NetworkLayer => (layer === last ? { ...last, outputs: classes } : layer));
  return { ...network, layers, classes, widths: [...network.widths.slice(0, -1), classes] };
}

/** A last layer where the file ends before it: fc8 behind fc7. */
function withNewLast(network: Network, before: FcLayer, name: string, classes: number): Network {
  const { batchNorm: _batchNorm, windows: _windows, ...rest } = before;
  const added: FcLayer = { ...rest, name, inputs: before.outputs, outputs: classes, bias: true, activation: "none" };
  return {
    ...network,
    layers: network.layers.flatMap((layer): readonly NetworkLayer[] =>
      layer === before ? [{ ...before, activation: "relu" }, added] : [layer],
    ),
    classes,
    widths: [...network.widths, classes],
    missing: network.missing.filter((other) => other !== name),
  };
}

/** The network with the fully connected layers at its end that it lacks and another has; as it is where they do not go on from it. */
export function withHeadOf(network: Network, other: Network): Network {
  const before = fcLayers(network).at(-1);
  const added = fcLayers(other).filter(({ name }) => before === undefined || network.missing.includes(name));
  const [first] = added;
  const goesOn = before === undefined ? network.featureShape?.[0] === other.featureShape?.[0] : first?.inputs === before.outputs;
  if (first === undefined || !goesOn) return network;
  const names = new Set(added.map(({ name }) => name));
  const last = added.at(-1) ?? first;
  return {
    ...network,
    layers: [...network.layers, ...added],
    widths: [...network.widths, ...added.map(({ outputs }) => outputs)],
    missing: network.missing.filter((name) => !names.has(name)),
    classes: last.outputs,
    ...(network.head === undefined && other.head !== undefined ? { head: other.head } : {}),
    ...(other.featureShape !== undefined && before === undefined ? { featureShape: other.featureShape } : {}),
    ...(network.inputSize === undefined && other.inputSize !== undefined ? { inputSize: other.inputSize } : {}),
  };
}

function folded(network: Network): Network {
  if (!network.batchNorm) throw new CheckpointError("usage", "--fold-bn: the network has no batch norm");
  const layers = network.layers.map((layer): NetworkLayer => {
    if ((layer.kind !== "conv" && layer.kind !== "fc") || layer.batchNorm === undefined) return layer;
    const { batchNorm: _batchNorm, ...rest } = layer;
    return { ...rest, bias: true };
  });
  return { ...network, layers, batchNorm: false, name: network.name.replace(/ with batch norm$/, "") };
}
