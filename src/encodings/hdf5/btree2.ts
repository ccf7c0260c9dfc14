import { CheckpointError } from "../../errors.ts";
import type { Fields, Hdf5Layout } from "./bytes.ts";
import { checksumSize, readChecked } from "./checksum.ts";

/*
 * Version 2 B-trees: header "BTHD", u8 0, u8 type, u32 node size, u16 record size, u16 depth, u8 split, u8 merge, root
 * address, u16 records in the root, records in all, checksum. Leaves "BTLF", u8 0, u8 type, records. Inner nodes "BTIN"
 * the same, then for each child: address, number of records, [records below it, from depth 2 on], as narrow as they fit. In both a
 * checksum follows the last of these, and the rest of the node is unused.
 */

/** As for version 1 trees. */
const maxNodes = 200_000;

/** Signature, version, type. */
const nodePrefix = 6;

/** Every record of the tree at an address, in order. Throws `malformed` where there are more or fewer than its header says. */
export async function* treeRecords(layout: Hdf5Layout, address: number, type: number): AsyncGenerator<Fields> {
  const header = await readChecked(layout, address, 18 + layout.offsetSize + layout.lengthSize + checksumSize, "B-tree header");
  header.signature("BTHD");
  if (header.u8() !== 0) header.fail("version 0 expected");
  if (header.u8() !== type) header.fail(`record type ${type} expected`);
  const nodeSize = header.u32();
  const recordSize = header.u16();
  const depth = header.u16();
  header.skip(2);
  const root = header.address();
  const count = header.u16();
  const all = header.length();
  if (root === undefined) return;
  if (recordSize === 0 || nodeSize < 16 || depth > 16) header.fail(`nodes of ${nodeSize} bytes, records of ${recordSize}, depth ${depth}`);
  const widths = nodeWidths(layout, nodeSize, recordSize, depth);
  const seen = new Set<number>();
  let found = 0;

  async function* visit(at: number, records: number, level: number): AsyncGenerator<Fields> {
    if (seen.has(at) || seen.size > maxNodes) {
      throw new CheckpointError("malformed", "B-tree leads back into itself or is endless", { file: layout.source.name, offset: at });
    }
    seen.add(at);
    const pointers = level === 0 ? 0 : (records + 1) * pointerSize(layout, widths, level);
    const size = nodePrefix + records * recordSize + pointers + checksumSize;
    if (size > nodeSize) header.fail(`a node of ${records} records needs ${size} bytes, nodes have ${nodeSize}`);
    const node = await readChecked(layout, at, size, "B-tree node");
    node.signature(level === 0 ? "BTLF" : "BTIN");
    if (node.u8() !== 0 || node.u8() !== type) node.fail(`version 0 and record type ${type} expected`);
    found += records;
    const own = Array.from({ length: records }, () => node.sub(recordSize, "B-tree record"));
    if (level === 0) {
      yield* own;
      return;
    }
    for (let child = 0; child <= records; child++) {
      const target = node.address();
      const below = node.uint(widths[level - 1]?.records ?? 1);
      if (level > 1) node.uint(widths[level - 1]?.total ?? 1);
      if (target === undefined) return node.fail("an entry without a child");
      yield* visit(target, below, level - 1);
      const record = own[child];
      if (record !== undefined) yield record;
    }
  }
  yield* visit(root, count, depth);
  if (found !== all) header.fail(`it has ${found} records, ${all} are needed`);
}

/** Bytes of what an inner node says of one child: address, records in it, and from level 2 on records below it. */
function pointerSize(layout: Hdf5Layout, widths: readonly Widths[], level: number): number {
  const child = widths[level - 1];
  return layout.offsetSize + (child?.records ?? 1) + (level > 1 ? (child?.total ?? 1) : 0);
}

interface Widths {
  /** Bytes of a number of records in one node of this level. */
  readonly records: number;
  /** Bytes of a number of records in and below such a node. */
  readonly total: number;
}

/** How wide counts are follows from the most records that nodes of each level can hold (H5B2hdr.c). */
function nodeWidths(layout: Hdf5Layout, nodeSize: number, recordSize: number, depth: number): readonly Widths[] {
  const overhead = nodePrefix + checksumSize;
  let most = Math.floor((nodeSize - overhead) / recordSize);
  let total = most;
  const widths: Widths[] = [{ records: bytesFor(most), total: 0 }];
  for (let level = 1; level <= depth; level++) {
    const before = widths[level - 1];
    const pointer = layout.offsetSize + (widths[0]?.records ?? 1) + (level > 1 ? (before?.total ?? 1) : 0);
    most = Math.max(0, Math.floor((nodeSize - overhead - pointer) / (recordSize + pointer)));
    total = (most + 1) * total + most;
    widths.push({ records: bytesFor(most), total: bytesFor(total) });
  }
  // A child's count is always as wide as a leaf's, which holds the most.
  return widths.map(({ total: width }) => ({ records: widths[0]?.records ?? 1, total: width }));
}

function bytesFor(value: number): number {
  let width = 1;
  while (256 ** width <= value && width < 8) width++;
  return width;
}
