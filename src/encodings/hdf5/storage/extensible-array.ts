import { type Fields, type Hdf5Layout, readAt } from "../bytes.ts";

/*
 * Where chunks of a dataset that grows along one axis are listed (H5EA*.c). Header "EAHD": u8 0, u8 client, u8 element
 * size, u8 bits of the largest index, u8 elements in the index block, u8 least elements of a data block, u8 least data
 * blocks of a super block, u8 page bits, six lengths of statistics, index block. "EAIB": u8 0, u8 client, header address,
 * elements, addresses of the first data blocks, addresses of super blocks. "EASB" and "EADB" the same with the block's
 * offset before their content. Super block n has 2^⌊n/2⌋ data blocks of 2^⌈n/2⌉ times the least elements; long data
 * blocks are cut into pages that each end with a checksum.
 */

/** Elements of the header that say how blocks grow. */
interface Shape {
  readonly elementSize: number;
  readonly least: number;
  readonly pageElements: number;
  /** Of a block's offset, in bytes. */
  readonly offsetWidth: number;
}

/** Calls `add` with the number of each element that a block exists for, in order, and its fields. */
export async function readExtensibleArray(
  layout: Hdf5Layout,
  address: number,
  add: (number: number, element: Fields) => void,
): Promise<void> {
  const { offsetSize, lengthSize } = layout;
  const header = await readAt(layout, address, 12 + 6 * lengthSize + offsetSize, "extensible array");
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
  const shape: Shape = { elementSize, least, pageElements: 2 ** pageBits, offsetWidth: Math.ceil(bits / 8) };
  const superBlocks = 1 + bits - Math.floor(Math.log2(least));
  const direct = Math.round(2 * Math.log2(leastBlocks)); // super blocks whose data blocks the index block lists itself
  const blocks = 2 * (leastBlocks - 1);
  const size = 6 + offsetSize + inIndex * elementSize + (blocks + Math.max(0, superBlocks - direct)) * offsetSize;
  const index = await readAt(layout, indexAddress, size, "extensible array index");
  index.signature("EAIB");
  index.skip(2 + offsetSize);
  let number = 0;
  for (; number < inIndex; number++) add(number, index.sub(elementSize, "extensible array element"));
  for (let level = 0; level < superBlocks; level++) {
    const count = 2 ** Math.floor(level / 2);
    const elements = 2 ** Math.ceil(level / 2) * least;
    if (level >= direct) {
      const block = index.address();
      if (block !== undefined) await readSuperBlock(layout, block, count, elements, shape, number, add);
      number += count * elements;
      continue;
    }
    for (let k = 0; k < count; k++) {
      const block = index.address();
      if (block !== undefined) await readDataBlock(layout, block, elements, shape, number, add);
      number += elements;
    }
  }
}

async function readSuperBlock(
  layout: Hdf5Layout,
  address: number,
  count: number,
  elements: number,
  shape: Shape,
  first: number,
  add: (number: number, element: Fields) => void,
): Promise<void> {
  const pages = elements > shape.pageElements ? elements / shape.pageElements : 0;
  const prefix = 6 + layout.offsetSize + shape.offsetWidth;
  const bitmap = Math.ceil(pages / 8);
  const fields = await readAt(layout, address, prefix + count * (bitmap + layout.offsetSize), "extensible array super block");
  fields.signature("EASB");
  fields.skip(prefix - 4);
  const written = Array.from({ length: count }, () => fields.take(bitmap));
  for (let k = 0; k < count; k++) {
    const block = fields.address();
    if (block !== undefined) await readDataBlock(layout, block, elements, shape, first + k * elements, add, written[k]);
  }
}

async function readDataBlock(
  layout: Hdf5Layout,
  address: number,
  elements: number,
  shape: Shape,
  first: number,
  add: (number: number, element: Fields) => void,
  written?: Uint8Array,
): Promise<void> {
  const { elementSize, pageElements } = shape;
  const prefix = 6 + layout.offsetSize + shape.offsetWidth;
  (await readAt(layout, address, prefix, "extensible array block")).signature("EADB");
  const read = async (at: number, from: number, count: number): Promise<void> => {
    const fields = await readAt(layout, at, count * elementSize, "extensible array block");
    for (let k = 0; k < count; k++) add(from + k, fields.sub(elementSize, "extensible array element"));
  };
  if (elements <= pageElements) return read(address + prefix, first, elements);
  for (let page = 0; page * pageElements < elements; page++) {
    const isWritten = written === undefined || Math.floor((written[Math.floor(page / 8)] ?? 0) / 2 ** (7 - (page % 8))) % 2 === 1;
    const at = address + prefix + 4 + page * (pageElements * elementSize + 4);
    if (isWritten) await read(at, first + page * pageElements, pageElements);
  }
}
