import { CheckpointError } from "../../errors.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";

/*
 * Version 2 B-trees: header "BTHD", u8 0, u8 type, u32 node size, u16 record size, u16 depth, u8 split, u8 merge, root
 * address, u16 records in the root, records in all, checksum. Leaves "BTLF", u8 0, u8 type, records. Inner nodes "BTIN"
 * the same, then for each child: address, number of records, [records below it, from depth 2 on], as narrow as they fit.
 */

/** As for version 1 trees. */
const maxNodes = 200_000;

/** Every record of the tree at an address, in order. */
export async function* treeRecords(layout: Hdf5Layout, address: number, type: number): AsyncGenerator<Fields> {
  const header = await readAt(layout, address, 16 + layout.offsetSize + 2 + layout.lengthSize, "B-tree header");
  header.signature("BTHD");
  if (header.u8() !== 0) header.fail("version 0 expected");
  if (header.u8() !== type) header.fail(`record type ${type} expected`);
  const nodeSize = header.u32();
  const recordSize = header.u16();
  const depth = header.u16();
  header.skip(2);
  const root = header.address();
  const count = header.u16();
  if (root === undefined) return;
  if (recordSize === 0 || nodeSize < 16 || depth > 16) header.fail(`nodes of ${nodeSize} bytes, records of ${recordSize}, depth ${depth}`);
  const widths = nodeWidths(layout, nodeSize, recordSize, depth);
  const seen = new Set<number>();

  async function* visit(at: number, records: number, level: number): AsyncGenerator<Fields> {
    if (seen.has(at) || seen.size > maxNodes) {
      throw new CheckpointError("malformed", "B-tree leads back into itself or is endless", { file: layout.source.name, offset: at });
    }
    seen.add(at);
    const node = await readAt(layout, at, nodeSize, "B-tree node");
    node.signature(level === 0 ? "BTLF" : "BTIN");
    node.skip(2);
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
}

interface Widths {
  /** Bytes of a number of records in one node of this level. */
  readonly records: number;
  /** Bytes of a number of records in and below such a node. */
  readonly total: number;
}

/** How wide counts are follows from the most records that nodes of each level can hold (H5B2hdr.c). */
function nodeWidths(layout: Hdf5Layout, nodeSize: number, recordSize: number, depth: number): readonly Widths[] {
  const overhead = 10; // signature, version, type, checksum
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
