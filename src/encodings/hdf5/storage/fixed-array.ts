import type { Fields, Hdf5Layout } from "../bytes.ts";
import { checksumSize, readChecked } from "../checksum.ts";
import { bitSet } from "./extensible-array.ts";

/*
 * Where chunks of a dataset of fixed extents are listed (H5FA*.c). "FAHD": u8 0, u8 client, u8 element size, u8 page bits, length
 * elements, data block, checksum. "FADB": u8 0, u8 client, header address, then elements and a checksum; or, of more than 2^bits elements,
 * a bit map of the pages that were written and a checksum, then pages of elements and a checksum each, the last one as short as it is.
 */

/** Calls `add` with the number of each element that was written, in order, and its fields. Throws `malformed` where there are not `expected` elements. */
export async function readFixedArray(
  layout: Hdf5Layout,
  address: number,
  expected: number,
  add: (number: number, element: Fields) => void,
): Promise<void> {
  const header = await readChecked(layout, address, 8 + layout.lengthSize + layout.offsetSize + checksumSize, "fixed array");
  header.signature("FAHD");
  header.skip(2);
  const elementSize = header.u8();
  const pageBits = header.u8();
  const elements = header.length();
  const block = header.address();
  if (elements !== expected) header.fail(`an index of ${elements} chunks, the extents of the dataset need ${expected}`);
  if (block === undefined) return;
  const addAll = (fields: Fields, from: number, to: number): void => {
    for (let number = from; number < to; number++) add(number, fields.sub(elementSize, "fixed array entry"));
  };
  const perPage = 2 ** Math.min(pageBits, 32);
  const pages = elements <= perPage ? 0 : Math.ceil(elements / perPage);
  const prefix = 6 + layout.offsetSize;
  const content = pages === 0 ? elements * elementSize : Math.ceil(pages / 8);
  const size = prefix + content + checksumSize;
  const fields = await readChecked(layout, block, size, "fixed array block");
  fields.signature("FADB");
  fields.skip(prefix - 4);
  if (pages === 0) return addAll(fields, 0, elements);
  const written = fields.take(content);
  const pageSize = perPage * elementSize + checksumSize;
  for (let page = 0; page < pages; page++) {
    if (!bitSet(written, page)) continue;
    const from = page * perPage;
    const to = Math.min(elements, from + perPage);
    const at = block + size + page * pageSize;
    addAll(await readChecked(layout, at, (to - from) * elementSize + checksumSize, "fixed array page"), from, to);
  }
}
