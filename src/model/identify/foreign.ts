import type { ForeignKind, ForeignLayer } from "../identity.ts";
import { type Layers, normTensors } from "../layers/layer.ts";
import { parseName } from "../layers/parts.ts";
import type { Entries, Entry } from "./entries.ts";

/** The layers that the keys outside all bodies make. */
export function foreignLayers(keys: readonly string[], { recurrent }: Layers, { byKey }: Entries): readonly ForeignLayer[] {
  const groups = new Map<string, { kind: ForeignKind; tensors: string[] }>();
  const loops = new Set(recurrent.map(({ name }) => name));
  for (const key of keys) {
    const entry = byKey.get(key);
    const path = entry === undefined || entry.path.startsWith("sequence ") ? parseName(key).layer : entry.path;
    const group = groups.get(path) ?? { kind: loops.has(key) ? "recurrent" : kindOf(entry), tensors: [] };
    if (group.tensors.length === 0) groups.set(path, group);
    group.tensors.push(key);
  }
  return [...groups].map(([path, { kind, tensors }]) => ({ path, kind, tensors }));
}

function kindOf(entry: Entry | undefined): ForeignKind {
  if (entry?.layer !== undefined) return entry.layer.weight.shape.length === 2 ? "dense" : entry.conv === undefined ? "other" : "conv";
  if (entry?.norm !== undefined) return normTensors(entry.norm).length > 1 ? "norm" : "scale";
  return entry?.lone === undefined ? "other" : "scale";
}
