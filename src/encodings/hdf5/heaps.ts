import { CheckpointError } from "../../errors.ts";
import { Recent } from "../../io/recent.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";

/** The names of an old-style group. "HEAP", u8 0, 3 bytes, data size, free list, data address; names end with NUL. */
export async function readLocalHeap(layout: Hdf5Layout, address: number): Promise<(offset: number) => string> {
  const header = await readAt(layout, address, 8 + 2 * layout.lengthSize + layout.offsetSize, "local heap");
  header.signature("HEAP");
  header.skip(4);
  const size = header.length();
  header.length();
  const start = header.address();
  if (start === undefined) return header.fail("no data");
  const data = await readAt(layout, start, size, "local heap");
  return (offset) => {
    if (offset >= size) data.fail(`name at ${offset} of ${size}`);
    data.position = offset;
    return data.text();
  };
}

/** Objects of one collection by their index: where they are in it. */
interface Collection {
  readonly data: Fields;
  readonly objects: ReadonlyMap<number, { readonly at: number; readonly size: number }>;
}

/** Collections kept: strings of one attribute nearly always share one. */
const kept = 16;

/**
 * Variable-length data. "GCOL", u8 1, 3 bytes, size; objects: u16 index, u16 references, u32, size, data. The heads of the collection and
 * of each object, and the data, are padded to 8 bytes: sizes may have 4.
 */
export class GlobalHeap {
  readonly #layout: Hdf5Layout;
  readonly #collections = new Recent<number, Collection>(kept);

  constructor(layout: Hdf5Layout) {
    this.#layout = layout;
  }

  /** A view of one object's bytes. Throws `malformed` where there is no such object. */
  async read(address: number, index: number): Promise<Uint8Array> {
    const collection = this.#collections.get(address) ?? (await this.#open(address));
    const object = collection.objects.get(index);
    if (object === undefined) {
      throw new CheckpointError("malformed", `global heap has no object ${index}`, {
        file: this.#layout.source.name,
        offset: this.#layout.base + address,
      });
    }
    return collection.data.bytes.subarray(object.at, object.at + object.size);
  }

  async #open(address: number): Promise<Collection> {
    const prefix = padded(8 + this.#layout.lengthSize);
    const header = await readAt(this.#layout, address, prefix, "global heap");
    header.signature("GCOL");
    header.skip(4);
    const data = await readAt(this.#layout, address, header.length(), "global heap");
    data.skip(Math.min(prefix, data.remaining));
    const objects = new Map<number, { at: number; size: number }>();
    while (data.remaining >= prefix) {
      const head = data.sub(prefix, "global heap object");
      const index = head.u16();
      if (index === 0) break; // free space up to the end
      head.skip(6);
      const size = head.length();
      objects.set(index, { at: data.position, size });
      data.take(size);
      data.skip(Math.min(padded(size) - size, data.remaining));
    }
    const collection = { data, objects };
    this.#collections.put(address, collection);
    return collection;
  }
}

function padded(size: number): number {
  return Math.ceil(size / 8) * 8;
}
