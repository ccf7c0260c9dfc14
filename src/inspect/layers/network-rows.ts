import { isCheckpointError } from "../../errors.ts";
import { layerShapes, windowsOf } from "../../model/geometry/shapes.ts";
import { changesNothing, halving, sameWindows, windowsText } from "../../model/geometry/window.ts";
import type { Identity } from "../../model/identity.ts";
import type { NetworkLayer } from "../../model/network/network.ts";
import { normParts, type Role, roleOf } from "../../model/role.ts";
import { type Counts, rowCounts } from "./counts.ts";
import type { SizedRow } from "./row.ts";
import { type OutputShape, product } from "./shape.ts";

/** The layers of a recognised network, where the file holds tensors alone: convolutions, batch norms, pools, fully connected layers. */
export function networkRows(identity: Identity, input: OutputShape, count: (keys: readonly string[]) => Counts): readonly SizedRow[] {
  const { network, roles } = identity;
  const keysOf = (...names: readonly Role[]): readonly string[] => {
    const keys = names.flatMap((role) => {
      const slot = roles.get(role);
      return slot !== undefined && "key" in slot ? [slot.key] : [];
    });
    return [...new Set(keys)];
  };
  const rows: SizedRow[] = [];
  const shapes = shapesOf(identity, input);
  for (const layer of network.layers) {
    const found = shapes.get(layer.name);
    const shape = found?.output;
    const none = count([]);
    const push = (name: string, type: string, counts: Counts, multiplyAdds: number, keeps: boolean): void => {
      rows.push({ name, type, ...rowCounts(counts), ...(shape && { outputShape: shape, keeps, multiplyAdds }) });
    };
    if (layer.kind === "pool" || layer.kind === "adaptive-pool") {
      const keeps = layer.kind === "pool" ? !changesNothing(windowsOf(network, layer)) : found?.input.join() !== shape?.join();
      push(layer.name, poolText(identity, layer), none, 0, keeps);
      continue;
    }
    const counts = count(keysOf(roleOf(layer.name, "weight"), roleOf(layer.name, "bias")));
    const type = layer.kind === "conv" ? convText(identity, layer) : "fully connected";
    push(layer.name, type, counts, shape === undefined ? 0 : counts.weights * product(shape.slice(0, -1)), true);
    if (layer.batchNorm === undefined) continue;
    push(`${layer.name}.bn`, "batch norm", count(keysOf(...normParts.map((part) => roleOf(layer.name, part)))), 0, false);
  }
  return rows;
}

function convText({ network }: Identity, layer: Extract<NetworkLayer, { kind: "conv" }>): string {
  return layer.windows === undefined ? `conv ${layer.kernel.join("×")}` : `conv ${windowsText(windowsOf(network, layer))}`;
}

function poolText({ network }: Identity, layer: Extract<NetworkLayer, { kind: "pool" | "adaptive-pool" }>): string {
  if (layer.kind === "adaptive-pool") return `${layer.method === "max" ? "max" : "average"} pool to ${layer.size.join("×")}`;
  const windows = windowsOf(network, layer);
  const usual = sameWindows(windows, halving(false)) || sameWindows(windows, halving(true));
  return `${layer.method ?? "max"} pool ${usual ? "2×2" : windowsText(windows)}`;
}

interface Shapes {
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Heights, widths and channels of each layer; empty where the picture's size is not known or does not fit the network. */
function shapesOf({ network }: Identity, input: OutputShape): ReadonlyMap<string, Shapes> {
  const [height, width] = input?.slice(-3) ?? [];
  if (height === undefined || width === undefined) return new Map();
  const last = ([channels, ...places]: readonly number[]): readonly number[] => [...places, channels ?? 0];
  try {
    const rows = layerShapes(network, [1, network.inputChannels, height, width]);
    return new Map(rows.map(({ layer, input: taken, output }) => [layer.name, { input: last(taken), output: last(output) }]));
  } catch (error) {
    // A picture that this network does not take: the table then has no shapes, and verify says why.
    if (!isCheckpointError(error)) throw error;
    return new Map();
  }
}
