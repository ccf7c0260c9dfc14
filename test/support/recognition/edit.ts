import type { Described, DescribedCheckpoint } from "../../../src/model/described.ts";
import type { Inert } from "../../../src/tensor/checkpoint.ts";

/** The same file without some of its tensors; what its graph says of them stays. */
export function without(checkpoint: DescribedCheckpoint, keys: ReadonlySet<string>): DescribedCheckpoint {
  return { ...checkpoint, tensors: new Map([...checkpoint.tensors].filter(([key]) => !keys.has(key))) };
}

/** The same file with more tensors, behind, before or amid its own. */
export function having(checkpoint: DescribedCheckpoint, added: readonly Described[], at: "end" | "start" | "middle"): DescribedCheckpoint {
  const own = [...checkpoint.tensors];
  const index = at === "end" ? own.length : at === "start" ? 0 : Math.floor(own.length / 2);
  const foreign = added.map((tensor): [string, Described] => [tensor.name, tensor]);
  return { ...checkpoint, tensors: new Map([...own.slice(0, index), ...foreign, ...own.slice(index)]) };
}

/** The same file under other keys, those in its graph too; labels, which are the file's words for people, stay. */
export function renamed(checkpoint: DescribedCheckpoint, rename: (key: string) => string): DescribedCheckpoint {
  const tensors = [...checkpoint.tensors.values()].map((tensor): [string, Described] => {
    const name = rename(tensor.name);
    return [name, { ...tensor, name }];
  });
  const layers = checkpoint.layers.map((record) => ({ ...record, tensors: record.tensors.map(rename) }));
  // safetensors notes names that it left out beside those that it kept.
  const metadata = new Map(
    [...checkpoint.metadata].map(([name, value]): [string, Inert] =>
      typeof value === "string" && checkpoint.tensors.has(value) ? [rename(name), rename(value)] : [name, value],
    ),
  );
  return { ...checkpoint, layers, metadata, tensors: new Map(tensors) };
}

/** The same file, its tensors in another order. */
export function reordered(checkpoint: DescribedCheckpoint, order: "backwards" | "sorted"): DescribedCheckpoint {
  const own = [...checkpoint.tensors];
  return { ...checkpoint, tensors: new Map(order === "backwards" ? own.reverse() : own.sort(([a], [b]) => (a < b ? -1 : 1))) };
}
