import type { Identity } from "../../model/identity.ts";
import { normParts, type Role, roleOf } from "../../model/role.ts";
import { type Counts, rowCounts } from "./counts.ts";
import type { LayerRow } from "./row.ts";
import { type OutputShape, planes, product } from "./shape.ts";

/** The layers of a recognised network, where the file holds tensors alone: convolutions, batch norms, pools, fully connected layers. */
export function networkRows(identity: Identity, input: OutputShape, count: (keys: readonly string[]) => Counts): readonly LayerRow[] {
  const { network, roles } = identity;
  const keysOf = (...names: readonly Role[]): readonly string[] => {
    const keys = names.flatMap((role) => {
      const slot = roles.get(role);
      return slot !== undefined && "key" in slot ? [slot.key] : [];
    });
    return [...new Set(keys)];
  };
  const rows: LayerRow[] = [];
  const push = (name: string, type: string, counts: Counts, shape: OutputShape, multiplyAdds: number): void => {
    rows.push({ name, type, ...rowCounts(counts), ...(shape && { outputShape: shape, multiplyAdds }) });
  };
  const none = count([]);
  let shape = input;
  for (const layer of network.layers) {
    const at = planes(shape);
    if (layer.kind === "pool") {
      const half = (size: number): number => (layer.ceil ? Math.ceil(size / 2) : Math.floor(size / 2));
      shape = at && [half(at.height), half(at.width), at.channels];
      push(layer.name, "max pool 2×2", none, shape, 0);
    } else if (layer.kind === "adaptive-pool") {
      shape = at && [...layer.size, at.channels];
      push(layer.name, `average pool to ${layer.size.join("×")}`, none, shape, 0);
    } else {
      const counts = count(keysOf(`${layer.name}.weight`, `${layer.name}.bias`));
      const conv = layer.kind === "conv";
      shape = conv ? at && [at.height, at.width, layer.outputs] : shape && [layer.outputs];
      const type = conv ? `conv ${layer.kernel.join("×")}` : "fully connected";
      push(layer.name, type, counts, shape, shape === undefined ? 0 : counts.weights * product(shape.slice(0, -1)));
      if (layer.batchNorm !== undefined) {
        push(`${layer.name}.bn`, "batch norm", count(keysOf(...normParts.map((part) => roleOf(layer.name, part)))), shape, 0);
      }
    }
  }
  return rows;
}
