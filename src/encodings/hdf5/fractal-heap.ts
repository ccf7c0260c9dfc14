import { CheckpointError } from "../../errors.ts";
import { treeRecords } from "./btree2.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";

/*
 * Where groups and objects with many links or attributes keep them. "FRHP", u8 0, u16 id length, u16 filter length,
 * u8 flags, u32 largest managed object, next huge id, huge B-tree, free space, free manager, four managed and four
 * huge/tiny statistics, u16 table width, starting block size, largest direct block, u16 bits of the heap's size, u16 start
 * rows, root block, u16 rows of the root. Blocks double from row to row (the first two rows are alike); an offset counts
 * through all blocks, headers included. An id: u8 kind (bits 4-5: 0 managed, 1 huge, 2 tiny), offset, length.
 */
export interface FractalHeap {
  /** The bytes of one object. */
  read(id: Fields): Promise<Fields>;
  readonly idLength: number;
}

export async function openFractalHeap(layout: Hdf5Layout, address: number): Promise<FractalHeap> {
  const { offsetSize, lengthSize } = layout;
  const header = await readAt(layout, address, 22 + 3 * offsetSize + 12 * lengthSize, "fractal heap");
  header.signature("FRHP");
  if (header.u8() !== 0) header.fail("version 0 expected");
  const idLength = header.u16();
  if (header.u16() > 0) header.unsupported("compressed heaps are not read");
  header.skip(1);
  const largest = header.u32();
  header.skip(lengthSize);
  const hugeTree = header.address();
  header.skip(lengthSize + offsetSize + 8 * lengthSize);
  const width = header.u16();
  const startSize = header.length();
  const maxDirect = header.length();
  const bits = header.u16();
  header.skip(2);
  const root = header.address();
  const rows = header.u16();
  if (width === 0 || startSize === 0 || maxDirect < startSize || bits > 64) header.fail("impossible block sizes");
  const offsetWidth = Math.ceil(bits / 8);
  const lengthWidth = Math.min(Math.ceil(Math.log2(maxDirect) / 8), widthOf(largest));
  const blockSize = (row: number): number => startSize * 2 ** Math.max(0, row - 1);
  const directRows = Math.round(Math.log2(maxDirect / startSize)) + 2;
  const blockHeader = 5 + offsetSize + offsetWidth; // of an indirect block: signature, version, heap, offset

  /** The direct block that holds an offset: its address and where it starts in the heap. */
  const find = async (offset: number): Promise<{ block: number; start: number; size: number }> => {
    if (root === undefined) return header.fail("an object in an empty heap");
    if (rows === 0) return { block: root, start: 0, size: startSize };
    let block = root;
    let start = 0;
    let count = rows;
    // Each step goes to a smaller block, so this ends.
    for (;;) {
      const [row, column, at] = position(offset - start, count, width, blockSize) ?? header.fail(`no block holds offset ${offset}`);
      const entry = blockHeader + (row * width + column) * offsetSize;
      const fields = await readAt(layout, block + entry, offsetSize, "fractal heap block");
      const child = fields.address();
      if (child === undefined) return header.fail(`the block of offset ${offset} is missing`);
      block = child;
      start += at;
      if (row < directRows) return { block, start, size: blockSize(row) };
      count = Math.round(Math.log2(blockSize(row) / (startSize * width))) + 1;
      if (count < 1) return header.fail("impossible block sizes");
    }
  };

  return {
    idLength,
    async read(id) {
      const flags = id.u8();
      const kind = Math.floor(flags / 16) % 4;
      if (kind === 2) {
        const length = largestTiny(idLength) ? (flags % 16) * 256 + id.u8() + 1 : (flags % 16) + 1;
        return id.sub(length, "fractal heap object");
      }
      if (kind === 1) return readHuge(layout, id, hugeTree, idLength);
      if (kind !== 0) id.fail(`object of kind ${kind}`);
      const offset = id.uint(offsetWidth);
      const length = id.uint(lengthWidth);
      const { block, start, size } = await find(offset);
      if (offset - start + length > size) {
        throw new CheckpointError("malformed", "fractal heap object reaches beyond its block", {
          file: layout.source.name,
          offset: id.offset,
        });
      }
      return readAt(layout, block + offset - start, length, "fractal heap object");
    },
  };
}

/** A huge id holds address and length where they fit, else a number by which a B-tree (address, length, number) knows them. */
async function readHuge(layout: Hdf5Layout, id: Fields, tree: number | undefined, idLength: number): Promise<Fields> {
  if (idLength > layout.offsetSize + layout.lengthSize) {
    const address = id.address();
    if (address === undefined) return id.fail("a huge object without address");
    return readAt(layout, address, id.length(), "fractal heap object");
  }
  const wanted = id.uint(Math.min(layout.lengthSize, idLength - 1));
  if (tree === undefined) return id.fail("a huge object without its B-tree");
  for await (const record of treeRecords(layout, tree, 1)) {
    const address = record.address();
    const length = record.length();
    if (record.length() === wanted && address !== undefined) return readAt(layout, address, length, "fractal heap object");
  }
  return id.fail(`no huge object ${wanted}`);
}

/** Row, column and start of the block that holds a relative offset. */
function position(
  offset: number,
  rows: number,
  width: number,
  blockSize: (row: number) => number,
): [row: number, column: number, start: number] | undefined {
  let start = 0;
  for (let row = 0; row < rows; row++) {
    const size = blockSize(row);
    if (offset < start + size * width) {
      const column = Math.floor((offset - start) / size);
      return [row, column, start + column * size];
    }
    start += size * width;
  }
  return undefined;
}

/** Ids of more than 17 bytes have a second byte of length. */
function largestTiny(idLength: number): boolean {
  return idLength - 1 > 16;
}

function widthOf(value: number): number {
  return Math.max(1, Math.ceil(Math.log2(value + 1) / 8));
}
