import { CheckpointError } from "../../errors.ts";
import type { Hdf5Dataset, Hdf5File, Hdf5Group } from "./file.ts";

/** Objects visited in one file: a checkpoint of 100,000 tensors has some 400,000. Hard links may lead to one object often. */
const maxObjects = 1_000_000;
/** Groups in groups. */
const maxDepth = 64;

export interface WalkedDataset {
  /** From the walked group, parts joined with "/". */
  readonly path: string;
  readonly dataset: Hdf5Dataset;
}

/**
 * All datasets below a group, by name; `onGroup` hears of every group on the way. A group that contains itself is entered
 * once; soft and external links are passed over.
 */
export async function* walkDatasets(
  file: Hdf5File,
  group: Hdf5Group = file.root,
  onGroup?: (path: string, group: Hdf5Group) => Promise<void>,
): AsyncGenerator<WalkedDataset> {
  let visited = 0;
  async function* visit(at: Hdf5Group, prefix: string, open: ReadonlySet<number>): AsyncGenerator<WalkedDataset> {
    if (open.size > maxDepth) throw new CheckpointError("unsafe", `groups nested deeper than ${maxDepth}`, { file: file.name });
    for (const [name, link] of await at.links()) {
      if (link.kind !== "hard" || open.has(link.address)) continue;
      visited++;
      if (visited > maxObjects) throw new CheckpointError("unsafe", `more than ${maxObjects} objects`, { file: file.name });
      const object = await file.object(link.address);
      const path = prefix + name;
      if (object.kind === "dataset") yield { path, dataset: object };
      if (object.kind !== "group") continue;
      await onGroup?.(path, object);
      yield* visit(object, `${path}/`, new Set([...open, link.address]));
    }
  }
  yield* visit(group, "", new Set([group.address]));
}
