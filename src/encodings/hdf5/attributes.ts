import { CheckpointError } from "../../errors.ts";
import { treeRecords } from "./btree2.ts";
import type { Fields, Hdf5Layout } from "./bytes.ts";
import { type Hdf5Shape, type Hdf5Type, readDataspace, readDatatype } from "./datatype.ts";
import { openFractalHeap } from "./fractal-heap.ts";
import { has, type Message, messageType, sharedBody } from "./object-header.ts";

export interface Hdf5Attribute {
  readonly name: string;
  readonly type: Hdf5Type;
  readonly shape: Hdf5Shape;
  /** Elements as stored, row-major. */
  readonly bytes: Uint8Array;
}

/** Of one object; Keras splits its lists into pieces of 64 KiB long before. */
const maxAttributes = 100_000;

/** In the order of the header; those of objects with many are in a fractal heap. Throws `malformed` for two of one name. */
export async function readAttributes(layout: Hdf5Layout, messages: readonly Message[]): Promise<ReadonlyMap<string, Hdf5Attribute>> {
  const attributes = new Map<string, Hdf5Attribute>();
  const add = async (body: Fields): Promise<void> => {
    const attribute = await readAttribute(layout, body);
    if (attributes.has(attribute.name)) body.fail(`two attributes named ${attribute.name}`);
    if (attributes.size >= maxAttributes)
      throw new CheckpointError("unsafe", `more than ${maxAttributes} attributes`, { file: layout.source.name });
    attributes.set(attribute.name, attribute);
  };
  for (const { type, body } of messages) {
    body.position = 0;
    if (type === messageType.attribute) await add(body);
    if (type !== messageType.attributeInfo) continue;
    body.skip(1);
    const flags = body.u8();
    if (has(flags, 0x01)) body.skip(2);
    const heapAddress = body.address();
    const tree = body.address();
    if (heapAddress === undefined || tree === undefined) continue;
    const heap = await openFractalHeap(layout, heapAddress);
    for await (const record of treeRecords(layout, tree, 8)) await add(await heap.read(record.sub(heap.idLength, "heap id")));
  }
  return attributes;
}

/**
 * u8 version, u8 (1: 0, else flags: 1 shared type, 2 shared space), u16 sizes of name, type and space, [3: u8 charset],
 * then the three (in version 1 each padded to 8), then the elements.
 */
async function readAttribute(layout: Hdf5Layout, body: Fields): Promise<Hdf5Attribute> {
  const version = body.u8();
  const flags = body.u8();
  if (version < 1 || version > 3) body.fail(`attribute version ${version}`);
  const sizes = [body.u16(), body.u16(), body.u16()];
  if (version === 3) body.skip(1);
  const [name, type, space] = sizes.map((size) => {
    const field = body.sub(size, "HDF5 attribute");
    if (version === 1) body.skip((8 - (size % 8)) % 8);
    return field;
  });
  if (name === undefined || type === undefined || space === undefined) return body.fail("no name");
  const shared = version > 1;
  const datatype = readDatatype(shared && has(flags, 0x01) ? await sharedBody(layout, type, messageType.datatype) : type);
  const { shape } = readDataspace(shared && has(flags, 0x02) ? await sharedBody(layout, space, messageType.dataspace) : space);
  const count = shape === null ? 0 : shape.reduce((total, dim) => total * dim, 1);
  return { name: name.text(), type: datatype, shape, bytes: body.take(count * datatype.size) };
}
