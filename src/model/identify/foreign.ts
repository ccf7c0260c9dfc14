import type { ForeignLayer } from "../identity.ts";
import type { KnownKind, KnownLayer } from "../layers/layer-kind.ts";
import { parseName } from "../layers/parts.ts";
import type { Entries } from "./entries.ts";

/** The layers that the keys outside all bodies make. `known`: all layers of the file. */
export function foreignLayers(keys: readonly string[], known: readonly KnownLayer[], { byKey }: Entries): readonly ForeignLayer[] {
  const kinds = new Map(known.flatMap(({ kind, tensors }) => tensors.map(({ tensor }) => [tensor.name, kind] as const)));
  const groups = new Map<string, { kind: KnownKind; tensors: string[] }>();
  for (const key of keys) {
    const entry = byKey.get(key);
    const path = entry === undefined || entry.path.startsWith("sequence ") ? parseName(key).layer : entry.path;
    const group = groups.get(path) ?? { kind: kinds.get(key) ?? "other", tensors: [] };
    if (group.tensors.length === 0) groups.set(path, group);
    group.tensors.push(key);
  }
  return [...groups].map(([path, { kind, tensors }]) => ({ path, kind, tensors }));
}
