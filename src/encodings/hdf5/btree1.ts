import { CheckpointError } from "../../errors.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";

/*
 * Version 1 B-trees: "TREE", u8 type (0 group, 1 chunks), u8 level, u16 entries, left and right sibling, then key and
 * child in turn, and a closing key. A child's level is one less, so that a tree cannot lead back into itself.
 */

/** Nodes of one tree; a tree of a million chunks has some 20,000. */
const maxNodes = 200_000;

/** Calls `leaf` with key and child of every entry at level 0, in order; `keySize` in bytes. */
export async function walkBtree(
  layout: Hdf5Layout,
  root: number,
  type: 0 | 1,
  keySize: number,
  leaf: (key: Fields, child: number) => Promise<void> | void,
): Promise<void> {
  let nodes = 0;
  const visit = async (address: number, expected: number | undefined): Promise<void> => {
    nodes++;
    if (nodes > maxNodes) throw new CheckpointError("unsafe", `B-tree of more than ${maxNodes} nodes`, { file: layout.source.name });
    const prefix = await readAt(layout, address, 8, "B-tree");
    prefix.signature("TREE");
    if (prefix.u8() !== type) prefix.fail(`node type ${type} expected`);
    const level = prefix.u8();
    if (expected !== undefined && level !== expected) prefix.fail(`level ${level}, ${expected} expected`);
    const count = prefix.u16();
    const node = await readAt(layout, address + 8, 2 * layout.offsetSize + count * (keySize + layout.offsetSize), "B-tree");
    node.skip(2 * layout.offsetSize);
    for (let index = 0; index < count; index++) {
      const key = node.sub(keySize, "B-tree key");
      const child = node.address();
      if (child === undefined) return node.fail("an entry without a child");
      if (level > 0) await visit(child, level - 1);
      else await leaf(key, child);
    }
  };
  await visit(root, undefined);
}
