import { knownLayers } from "../../model/layers/known-layers.ts";
import { type KnownLayer, kindTitles } from "../../model/layers/layer-kind.ts";
import { mostTensors, readLayers } from "../../model/layers/read-layers.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { type Counts, rowCounts } from "./counts.ts";
import type { LayerRow } from "./row.ts";

/** Layers as names, parts and sizes show them, without those whose tensors `placed` has; undefined of more tensors than are taken apart. */
export function knownRows(
  checkpoint: Checkpoint,
  placed: ReadonlySet<string>,
  count: (keys: readonly string[]) => Counts,
): readonly LayerRow[] | undefined {
  if (checkpoint.tensors.size > mostTensors) return undefined;
  return knownLayers(checkpoint, readLayers(checkpoint)).flatMap((layer): readonly LayerRow[] => {
    const tensors = layer.tensors.filter(({ tensor }) => !placed.has(tensor.name));
    if (tensors.length === 0) return [];
    const counts = rowCounts(count(tensors.map(({ tensor }) => tensor.name)));
    const parts = tensors.map(({ tensor, axes }) => ({ key: tensor.name, axes: axes?.text ?? null }));
    return [{ name: layer.path, type: typeText(layer), kind: layer.kind, grounds: layer.grounds, parts, ...counts }];
  });
}

/** conv 3×3 */
function typeText({ kind, tensors: [weight] }: KnownLayer): string {
  const sizes = ["d", "h", "w"].flatMap((axis) => {
    const at = weight?.axes?.groups.findIndex((group) => group.length === 1 && group[0] === axis) ?? -1;
    return at < 0 ? [] : [weight?.tensor.shape[at] ?? 1];
  });
  return sizes.length === 0 ? kindTitles[kind] : `${kindTitles[kind]} ${sizes.join("×")}`;
}
