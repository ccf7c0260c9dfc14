import { CheckpointError } from "../../errors.ts";
import { type Fields, type Hdf5Layout, maxStructure, readAt, type SharedMessages } from "./bytes.ts";
import { checksumSize, readChecked } from "./checksum.ts";

/*
 * Object headers. Version 1: u8 1, u8 0, u16 messages, u32 references, u32 size, 4 bytes padding; messages are u16 type,
 * u16 size, u8 flags, 3 bytes, body. Version 2: "OHDR", u8 2, u8 flags, [16 bytes times], [4 bytes phase], size of 1 to 8
 * bytes; messages are u8 type, u16 size, u8 flags, [u16 order], body; u32 checksum. Both go on elsewhere (type 0x10), in version 2
 * in blocks of "OCHK", messages, u32 checksum.
 */

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Fields;
}

export const messageType = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFill: 0x04,
  fill: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  groupInfo: 0x0a,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
  sharedTable: 0x0f,
  cacheImage: 0x18,
} as const;

/** All messages of the header at an address, continuation blocks included, in order; shared ones are resolved. */
export async function readObjectHeader(layout: Hdf5Layout, address: number): Promise<readonly Message[]> {
  const messages = await readStored(layout, address);
  return Promise.all(messages.map((message) => resolveShared(layout, message, address)));
}

/** The same, but shared messages are still references to where they are kept. */
async function readStored(layout: Hdf5Layout, address: number): Promise<readonly Message[]> {
  const start = await readAt(layout, address, 16, "object header").catch(shortHeader(layout, address));
  const reading = start.bytes[0] === 0x4f ? await openVersion2(layout, address, start) : await openVersion1(layout, address, start);
  const messages: Message[] = [];
  const seen = new Set<number>([address]);
  let total = reading.first.bytes.length;
  const blocks = [reading.first];
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    for (const message of messagesOf(block, reading.version, reading.order)) {
      if (message.type !== messageType.continuation) {
        messages.push(message);
        continue;
      }
      const body: Fields = message.body;
      const target = body.address();
      const length = body.length();
      if (target === undefined || seen.has(target)) body.fail("continues at a block that was read already");
      seen.add(target);
      total += length;
      if (total > maxStructure) body.fail(`more than ${maxStructure} bytes of header`);
      blocks.push(await continuation(layout, target, length, reading.version));
    }
  }
  return messages;
}

/** A version 2 header can be shorter than the 16 bytes that version 1 has at least. */
function shortHeader(layout: Hdf5Layout, address: number): (error: unknown) => Promise<Fields> {
  return (error) => {
    const left = layout.source.size - layout.base - address;
    if (left < 8) throw error;
    return readAt(layout, address, left, "object header");
  };
}

interface Reading {
  readonly version: 1 | 2;
  readonly first: Fields;
  /** Messages carry their order of creation. */
  readonly order: boolean;
}

async function openVersion1(layout: Hdf5Layout, address: number, start: Fields): Promise<Reading> {
  const version = start.u8();
  if (version !== 1) start.fail(`version ${version}, 1 or OHDR expected`);
  start.skip(7);
  const size = start.u32();
  return { version: 1, order: false, first: await readAt(layout, address + 16, size, "object header") };
}

async function openVersion2(layout: Hdf5Layout, address: number, start: Fields): Promise<Reading> {
  start.signature("OHDR");
  if (start.u8() !== 2) start.fail("version 2 expected");
  const flags = start.u8();
  const prefix = 6 + (has(flags, 0x20) ? 16 : 0) + (has(flags, 0x10) ? 4 : 0);
  const width = 2 ** (flags % 4);
  const size = (await readAt(layout, address + prefix, width, "object header")).uint(width);
  const first = await readChecked(layout, address, prefix + width + size + checksumSize, "object header");
  first.skip(prefix + width);
  return { version: 2, order: has(flags, 0x04), first };
}

async function continuation(layout: Hdf5Layout, address: number, length: number, version: 1 | 2): Promise<Fields> {
  if (version === 1) return readAt(layout, address, length, "object header continuation");
  const block = await readChecked(layout, address, length, "object header continuation");
  block.signature("OCHK");
  return block;
}

function* messagesOf(block: Fields, version: 1 | 2, order: boolean): Generator<Message> {
  const prefix = version === 1 ? 8 : order ? 6 : 4;
  while (block.remaining >= prefix) {
    const type = version === 1 ? block.u16() : block.u8();
    const size = block.u16();
    const flags = block.u8();
    block.skip(version === 1 ? 3 : order ? 2 : 0);
    const body = block.sub(size, `HDF5 message ${type}`);
    if (type !== 0) yield { type, flags, body };
  }
}

/** A message that is kept elsewhere (flag 2): a committed datatype. Its body is the address of the header that holds it. */
async function resolveShared(layout: Hdf5Layout, message: Message, from: number): Promise<Message> {
  if (!has(message.flags, 0x02)) return message;
  const body = await sharedBody(layout, message.body, message.type, from);
  return { type: message.type, flags: 0, body };
}

/** What a shared reference (version, kind, address or heap id) leads to: the message of the same type in another header, or in a heap of the file. */
export async function sharedBody(layout: Hdf5Layout, reference: Fields, type: number, from?: number): Promise<Fields> {
  const version = reference.u8();
  const kind = reference.u8();
  if (version === 1) reference.skip(6);
  if (version === 3 && kind === 1) return (await sharedHeap(layout, reference, type)).read(reference);
  const address = reference.address();
  if (address === undefined || address === from) reference.fail("a shared message leads nowhere");
  for (const message of await readStored(layout, address)) {
    if (message.type === type && !has(message.flags, 0x02)) return message.body;
  }
  throw new CheckpointError("malformed", `no message of type ${type} at address ${address}`, { file: layout.source.name });
}

/** Throws `unsupported` where nobody looks for one. */
function sharedHeap(layout: Hdf5Layout, reference: Fields, type: number): Promise<SharedMessages> {
  return layout.shared === undefined ? reference.unsupported("messages in a shared heap are not read here") : layout.shared(type);
}

export function has(flags: number, bit: number): boolean {
  return Math.floor(flags / bit) % 2 === 1;
}
