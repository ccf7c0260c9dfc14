import { CheckpointError } from "../../errors.ts";
import { Recent } from "../../io/recent.ts";
import { treeRecords } from "./btree2.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";
import { checksumSize, compareChecksum, lookup3, readChecked } from "./checksum.ts";
import { has } from "./object-header.ts";

/*
 * Where groups and objects with many links or attributes keep them. "FRHP", u8 0, u16 id length, u16 filter length,
 * u8 flags (bit 1: direct blocks have checksums), u32 largest managed object, next huge id, huge B-tree, free space, free manager, four
 * managed and four huge/tiny statistics, u16 table width, starting block size, largest direct block, u16 bits of the heap's size, u16
 * start rows, root block, u16 rows of the root, [filters], checksum. Blocks double from row to row (the first two rows are alike); an
 * offset counts through all blocks, headers included. Direct blocks: "FHDB", u8 0, heap, offset, [checksum of the whole block, taken with
 * zero in its place], objects. Indirect ones: "FHIB", u8 0, heap, offset, addresses of blocks, checksum. An id: u8 kind (bits 4-5: 0
 * managed, 1 huge, 2 tiny), offset, length.
 */
export interface FractalHeap {
  /** The bytes of one object. */
  read(id: Fields): Promise<Fields>;
  readonly idLength: number;
}

/** Indirect blocks kept: one for each level on the way to an object. */
const keptBlocks = 16;

interface Heap {
  readonly layout: Hdf5Layout;
  readonly header: Fields;
  readonly idLength: number;
  readonly checksums: boolean;
  readonly hugeTree: number | undefined;
  readonly width: number;
  readonly startSize: number;
  readonly maxDirect: number;
  readonly root: number | undefined;
  /** Of the root block; 0: it is a direct block. */
  readonly rows: number;
  /** Bytes of an offset and of a length in an id. */
  readonly offsetWidth: number;
  readonly lengthWidth: number;
}

export async function openFractalHeap(layout: Hdf5Layout, address: number): Promise<FractalHeap> {
  const heap = await readHeader(layout, address);
  const { header, idLength, offsetWidth, lengthWidth } = heap;
  const find = finder(heap);
  return {
    idLength,
    async read(id) {
      const flags = id.u8();
      const kind = Math.floor(flags / 16) % 4;
      if (kind === 2) {
        const length = largestTiny(idLength) ? (flags % 16) * 256 + id.u8() + 1 : (flags % 16) + 1;
        return id.sub(length, "fractal heap object");
      }
      if (kind === 1) return readHuge(layout, id, heap.hugeTree, idLength);
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
      if (block === undefined) return header.fail(`the block of offset ${offset} is missing`);
      return readAt(layout, block + offset - start, length, "fractal heap object");
    },
  };
}

async function readHeader(layout: Hdf5Layout, address: number): Promise<Heap> {
  const { offsetSize, lengthSize } = layout;
  const fixed = 22 + 3 * offsetSize + 12 * lengthSize;
  const filterLength = (await readAt(layout, address + 7, 2, "fractal heap")).u16();
  // With filters: stored bytes of a direct root block, u32 mask, the filters as in a filter message.
  const filters = filterLength === 0 ? 0 : lengthSize + 4 + filterLength;
  const header = await readChecked(layout, address, fixed + filters + checksumSize, "fractal heap");
  header.signature("FRHP");
  if (header.u8() !== 0) header.fail("version 0 expected");
  const idLength = header.u16();
  if (header.u16() > 0) header.unsupported("compressed heaps are not read");
  const checksums = has(header.u8(), 0x02);
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
  return { layout, header, idLength, checksums, hugeTree, width, startSize, maxDirect, root, rows, offsetWidth, lengthWidth };
}

interface Block {
  readonly block: number | undefined;
  /** Where it starts in the heap. */
  readonly start: number;
  readonly size: number;
}

/** Finds the direct block that holds an offset. Every block on the way is compared with its checksum, once. */
function finder(heap: Heap): (offset: number) => Promise<Block> {
  const { layout, header, width, startSize, maxDirect, root, rows } = heap;
  const prefix = 5 + layout.offsetSize + heap.offsetWidth; // of both kinds of block: signature, version, heap, offset
  const blockSize = (row: number): number => startSize * 2 ** Math.max(0, row - 1);
  const directRows = Math.round(Math.log2(maxDirect / startSize)) + 2;
  const whole = new Set<number>();
  const indirect = new Recent<string, Fields>(keptBlocks);

  const direct = async (block: number | undefined, start: number, size: number): Promise<Block> => {
    if (block === undefined || whole.has(block)) return { block, start, size };
    const stored = await readAt(layout, block, heap.checksums ? size : prefix, "fractal heap block");
    stored.signature("FHDB");
    stored.skip(prefix - 4);
    if (heap.checksums) {
      const sum = stored.u32();
      const bytes = stored.bytes.slice();
      bytes.fill(0, prefix, prefix + checksumSize);
      compareChecksum(layout, stored, sum, lookup3(bytes));
    }
    whole.add(block);
    return { block, start, size };
  };

  /** The addresses of an indirect block. */
  const openIndirect = async (block: number, count: number): Promise<Fields> => {
    const key = `${block} ${count}`;
    const known = indirect.get(key);
    if (known !== undefined) return known;
    const fields = await readChecked(layout, block, prefix + count * width * layout.offsetSize + checksumSize, "fractal heap block");
    fields.signature("FHIB");
    indirect.put(key, fields);
    return fields;
  };

  return async (offset) => {
    if (root === undefined) return header.fail("an object in an empty heap");
    if (rows === 0) return direct(root, 0, startSize);
    let block = root;
    let start = 0;
    let count = rows;
    // Each step goes to a smaller block, so this ends.
    for (;;) {
      const [row, column, at] = position(offset - start, count, width, blockSize) ?? header.fail(`no block holds offset ${offset}`);
      const fields = await openIndirect(block, count);
      fields.position = prefix + (row * width + column) * layout.offsetSize;
      const child = fields.address();
      start += at;
      if (row < directRows) return direct(child, start, blockSize(row));
      if (child === undefined) return header.fail(`the block of offset ${offset} is missing`);
      block = child;
      count = Math.round(Math.log2(blockSize(row) / (startSize * width))) + 1;
      if (count < 1) return header.fail("impossible block sizes");
    }
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
