import { CheckpointError } from "../../../errors.ts";
import type { Fields, Hdf5Layout } from "../bytes.ts";
import { checksumSize, readChecked } from "../checksum.ts";

/*
 * Where chunks of a dataset that grows along one axis are listed (H5EA*.c). Header "EAHD": u8 0, u8 client, u8 element
 * size, u8 bits of the largest index, u8 elements in the index block, u8 least elements of a data block, u8 least data
 * blocks of a super block, u8 page bits, six lengths of statistics, index block. "EAIB": u8 0, u8 client, header address,
 * elements, addresses of the first data blocks, addresses of super blocks. "EASB" and "EADB" the same with the block's
 * offset before their content. Super block n has 2^⌊n/2⌋ data blocks of 2^⌈n/2⌉ times the least elements; long data
 * blocks are cut into pages. Each of these, a page too, ends with a checksum.
 */

/** Elements looked at in one array: far more than a dataset has chunks that are read. */
const maxElements = 4_000_000;

/** What the blocks of one array are read with. */
interface Reading {
  readonly layout: Hdf5Layout;
  readonly elementSize: number;
  readonly pageElements: number;
  /** Bytes of every block before its content: signature, version, client, header address, offset in the array. */
  readonly prefix: number;
  /** Gives the next `count` elements of `fields`, numbered from `from` on. */
  add(fields: Fields, from: number, count: number): void;
}

/** Calls `add` with the number of each element that a block exists for, in order, and its fields. */
export async function readExtensibleArray(
  layout: Hdf5Layout,
  address: number,
  add: (number: number, element: Fields) => void,
): Promise<void> {
  const { offsetSize, lengthSize } = layout;
  const header = await readChecked(layout, address, 12 + 6 * lengthSize + offsetSize + checksumSize, "extensible array");
  header.signature("EAHD");
  header.skip(2);
  const elementSize = header.u8();
  const bits = header.u8();
  const inIndex = header.u8();
  const least = header.u8();
  const leastBlocks = header.u8();
  const pageBits = header.u8();
  header.skip(6 * lengthSize);
  const indexAddress = header.address();
  if (indexAddress === undefined) return;
  if (elementSize === 0 || least === 0 || leastBlocks < 2 || bits > 64 || pageBits > 32) header.fail("impossible block sizes");
  let looked = 0;
  const reading: Reading = {
    layout,
    elementSize,
    pageElements: 2 ** pageBits,
    prefix: 6 + offsetSize + Math.ceil(bits / 8),
    add: (fields, from, count) => {
      looked += count;
      if (looked > maxElements)
        throw new CheckpointError("unsafe", `an array of more than ${maxElements} chunks`, { file: layout.source.name });
      for (let k = 0; k < count; k++) add(from + k, fields.sub(elementSize, "extensible array element"));
    },
  };
  const superBlocks = 1 + bits - Math.floor(Math.log2(least));
  const direct = Math.round(2 * Math.log2(leastBlocks)); // super blocks whose data blocks the index block lists itself
  const blocks = 2 * (leastBlocks - 1);
  const size = 6 + offsetSize + inIndex * elementSize + (blocks + Math.max(0, superBlocks - direct)) * offsetSize + checksumSize;
  const index = await readChecked(layout, indexAddress, size, "extensible array index");
  index.signature("EAIB");
  index.skip(2 + offsetSize);
  reading.add(index, 0, inIndex);
  let first = inIndex;
  for (let level = 0; level < superBlocks; level++) {
    const count = 2 ** Math.floor(level / 2);
    const elements = 2 ** Math.ceil(level / 2) * least;
    if (level >= direct) {
      const block = index.address();
      if (block !== undefined) await readSuperBlock(reading, block, { count, elements, first });
      first += count * elements;
      continue;
    }
    for (let k = 0; k < count; k++) {
      const block = index.address();
      if (block !== undefined) await readDataBlock(reading, block, { elements, first });
      first += elements;
    }
  }
}

interface SuperBlock extends DataBlock {
  /** Data blocks in it. */
  readonly count: number;
}

interface DataBlock {
  /** In each data block. */
  readonly elements: number;
  /** Number of the first element. */
  readonly first: number;
  /** Whether a page was written; undefined: all of them. */
  readonly written?: (page: number) => boolean;
}

async function readSuperBlock(reading: Reading, address: number, { count, elements, first }: SuperBlock): Promise<void> {
  const { layout, pageElements, prefix } = reading;
  const pages = elements > pageElements ? elements / pageElements : 0;
  // Room for whole bytes of each data block, but the bits of all of them follow each other without a gap.
  const bitmap = count * Math.ceil(pages / 8);
  const size = prefix + bitmap + count * layout.offsetSize + checksumSize;
  const fields = await readChecked(layout, address, size, "extensible array super block");
  fields.signature("EASB");
  fields.skip(prefix - 4);
  const map = fields.take(bitmap);
  for (let k = 0; k < count; k++) {
    const block = fields.address();
    if (block !== undefined)
      await readDataBlock(reading, block, { elements, first: first + k * elements, written: (page) => bitSet(map, k * pages + page) });
  }
}

async function readDataBlock(reading: Reading, address: number, { elements, first, written }: DataBlock): Promise<void> {
  const { layout, elementSize, pageElements, prefix } = reading;
  const isPaged = elements > pageElements;
  const size = prefix + (isPaged ? 0 : elements * elementSize) + checksumSize;
  const block = await readChecked(layout, address, size, "extensible array block");
  block.signature("EADB");
  block.skip(prefix - 4);
  if (!isPaged) return reading.add(block, first, elements);
  const pageSize = pageElements * elementSize + checksumSize;
  for (let page = 0; page * pageElements < elements; page++) {
    if (written?.(page) === false) continue;
    const at = address + prefix + checksumSize + page * pageSize;
    reading.add(await readChecked(layout, at, pageSize, "extensible array page"), first + page * pageElements, pageElements);
  }
}

/** Of a map of pages: the highest bit of the first byte is page 0. */
export function bitSet(map: Uint8Array, bit: number): boolean {
  return Math.floor((map[Math.floor(bit / 8)] ?? 0) / 2 ** (7 - (bit % 8))) % 2 === 1;
}
