import { compareBytes } from "../../io/bytes.ts";
import { ByteList } from "../byte-list.ts";

/*
 * Old-style groups: a local heap with the names, symbol nodes of up to 8 entries, and a version 1 B-tree over them whose
 * nodes have up to 32 children (K of 4 and 16 in the superblock). Nodes take their full size however full they are.
 */

export const leafK = 4;
export const internalK = 16;

/** A child: its name and object header; of groups also their B-tree and heap, which the entry repeats. */
export interface GroupEntry {
  readonly name: Uint8Array;
  readonly address: number;
  readonly group?: { readonly tree: number; readonly heap: number };
}

/** Puts bytes at the next free place, a multiple of 8, and returns their address. */
export type PlaceBytes = (bytes: Uint8Array) => number;

/** Writes the structures of one group; entries may come in any order. */
export function writeGroup(entries: readonly GroupEntry[], place: PlaceBytes): { readonly tree: number; readonly heap: number } {
  const sorted = [...entries].sort((a, b) => compareBytes(a.name, b.name));
  const names = new ByteList().zeros(8);
  const offsets = sorted.map(({ name }) => {
    const at = names.length;
    names.bytes(name).zeros(1).align(8);
    return at;
  });
  const data = place(names.done());
  // Free list 1: nothing is free.
  const heap = place(new ByteList().ascii("HEAP").zeros(4).u64(names.length).u64(1).u64(data).done());
  let nodes: readonly Child[] = chunks(sorted, 2 * leafK).map((part, index) => {
    const first = index * 2 * leafK;
    return { address: place(symbolNode(part, offsets.slice(first))), last: offsets[first + part.length - 1] ?? 0 };
  });
  for (let level = 0; ; level++) {
    const groups = nodes.length === 0 ? [[]] : chunks(nodes, 2 * internalK);
    const before = groups.map((_, index) => groups[index - 1]?.at(-1)?.last ?? 0);
    nodes = groups.map((part, index) => ({ address: place(treeNode(level, part, before[index] ?? 0)), last: part.at(-1)?.last ?? 0 }));
    const [root] = nodes;
    if (nodes.length === 1 && root !== undefined) return { tree: root.address, heap };
  }
}

interface Child {
  readonly address: number;
  /** Heap offset of the greatest name below it. */
  readonly last: number;
}

function symbolNode(entries: readonly GroupEntry[], offsets: readonly number[]): Uint8Array {
  const out = new ByteList().ascii("SNOD").u8(1, 0).u16(entries.length);
  for (const [index, entry] of entries.entries()) out.bytes(symbolEntry(offsets[index] ?? 0, entry.address, entry.group));
  return out.zeros(8 + 2 * leafK * 40 - out.length).done();
}

/** Name offset, header address, u32 kind (1: a group, whose tree and heap follow), u32 0, 16 bytes. */
export function symbolEntry(name: number, address: number, group: GroupEntry["group"]): Uint8Array {
  const out = new ByteList().u64(name).u64(address);
  if (group === undefined) return out.zeros(24).done();
  return out.u32(1).u32(0).u64(group.tree).u64(group.heap).done();
}

/** "TREE", u8 0, u8 level, u16 children, siblings (none are needed to find a name), key and child in turn, a closing key. */
function treeNode(level: number, children: readonly Child[], before: number): Uint8Array {
  const none = new Uint8Array(8).fill(0xff);
  const out = new ByteList().ascii("TREE").u8(0, level).u16(children.length).bytes(none).bytes(none);
  out.u64(before);
  for (const { address, last } of children) out.u64(address).u64(last);
  const full = 24 + (4 * internalK + 1) * 8;
  return out.zeros(full - out.length).done();
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
