import { CheckpointError } from "../../errors.ts";
import type { Hdf5Layout } from "./bytes.ts";
import { checksumSize, readChecked } from "./checksum.ts";
import { type FractalHeap, openFractalHeap } from "./fractal-heap.ts";
import { messageType, readObjectHeader } from "./object-header.ts";

/*
 * Messages that many objects share, kept once for the whole file (H5Pset_shared_mesg_index). The superblock's extension holds a message
 * 0x0f: u8 0, address of the table, u8 indexes. The table: "SMTB", for each index u8 0, u8 kind, u16 flags of the message types in it (bit
 * n: type n), u32 smallest message, two u16 bounds, u16 messages, address of the index, address of a fractal heap; checksum. A message
 * that is kept there is 8 bytes: its id in that heap.
 */

/**
 * Throws `unsupported` where the structures of the file are in an image of the library's cache (H5Pset_mdc_image_config), and what is at
 * their addresses is older. Message 0x18 of the superblock's extension: u8 0, address, length.
 */
export async function refuseCacheImage(layout: Hdf5Layout): Promise<void> {
  if (layout.extension === undefined) return;
  const image = (await readObjectHeader(layout, layout.extension)).find((message) => message.type === messageType.cacheImage)?.body;
  if (image === undefined) return;
  image.position = 1;
  if (image.address() === undefined) return;
  image.unsupported("an image of the library's cache is not read; h5repack IN OUT writes the same file without one");
}

/** The heap that holds shared messages of one type. Throws `malformed` where the file has none. */
export async function openSharedHeap(layout: Hdf5Layout, type: number): Promise<FractalHeap> {
  const { extension, offsetSize, source } = layout;
  const where = { file: source.name };
  if (extension === undefined) throw new CheckpointError("malformed", "a message is in a shared heap, and the file has none", where);
  const pointer = (await readObjectHeader(layout, extension)).find((message) => message.type === messageType.sharedTable)?.body;
  if (pointer === undefined) throw new CheckpointError("malformed", "a message is in a shared heap, and the file has none", where);
  pointer.position = 1;
  const address = pointer.address();
  const count = pointer.u8();
  if (address === undefined) return pointer.fail("no table of shared messages");
  const table = await readChecked(layout, address, 4 + count * (14 + 2 * offsetSize) + checksumSize, "shared message table");
  table.signature("SMTB");
  for (let index = 0; index < count; index++) {
    table.skip(2);
    const types = table.u16();
    table.skip(10);
    table.address();
    const heap = table.address();
    if (Math.floor(types / 2 ** type) % 2 === 1 && heap !== undefined) return openFractalHeap(layout, heap);
  }
  return table.fail(`no heap for messages of type ${type}`);
}
