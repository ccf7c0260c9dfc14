import { CheckpointError } from "../../errors.ts";
import { walkBtree } from "./btree1.ts";
import { treeRecords } from "./btree2.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";
import { openFractalHeap } from "./fractal-heap.ts";
import { readLocalHeap } from "./heaps.ts";
import { has, type Message, messageType } from "./object-header.ts";

/** hard: an object of this file. soft: a path in this file. external: another file, which is not followed. */
export type Hdf5Link =
  | { readonly kind: "hard"; readonly address: number }
  | { readonly kind: "soft"; readonly path: string }
  | { readonly kind: "external"; readonly target: string };

/** A group's children by name; far more than a checkpoint of 100,000 tensors has. */
const maxLinks = 1_000_000;

export function isGroup(messages: readonly Message[]): boolean {
  return messages.some(
    ({ type }) =>
      type === messageType.symbolTable || type === messageType.linkInfo || type === messageType.link || type === messageType.groupInfo,
  );
}

/** The links of a group, sorted by name as the library lists them. Throws `malformed` where a name occurs twice. */
export async function readLinks(layout: Hdf5Layout, messages: readonly Message[]): Promise<ReadonlyMap<string, Hdf5Link>> {
  const found: [string, Hdf5Link][] = [];
  const add = (name: string, link: Hdf5Link, fields: Fields): void => {
    if (found.length >= maxLinks)
      throw new CheckpointError("unsafe", `group of more than ${maxLinks} links`, { file: layout.source.name, offset: fields.offset });
    found.push([name, link]);
  };
  for (const { type, body } of messages) {
    body.position = 0;
    if (type === messageType.symbolTable) await symbolTable(layout, body, add);
    else if (type === messageType.link) add(...linkMessage(body), body);
    else if (type === messageType.linkInfo) await denseLinks(layout, body, add);
  }
  found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const links = new Map(found);
  if (links.size === found.length) return links;
  throw new CheckpointError("malformed", "a group holds two links of one name", { file: layout.source.name });
}

type Add = (name: string, link: Hdf5Link, fields: Fields) => void;

/** B-tree of symbol nodes: "SNOD", u8 1, u8 0, u16 entries; entry: name offset (as wide as a length), header address, u32 kind, u32, 16 bytes. */
async function symbolTable(layout: Hdf5Layout, body: Fields, add: Add): Promise<void> {
  const tree = body.address();
  const heap = body.address();
  if (tree === undefined || heap === undefined) return;
  const name = await readLocalHeap(layout, heap);
  const entrySize = layout.lengthSize + layout.offsetSize + 24;
  const seen = new Set<number>();
  await walkBtree(layout, tree, 0, layout.lengthSize, async (_, node) => {
    const prefix = await readAt(layout, node, 8, "symbol node");
    prefix.signature("SNOD");
    if (seen.has(node)) prefix.fail("listed twice");
    seen.add(node);
    prefix.skip(2);
    const entries = await readAt(layout, node + 8, prefix.u16() * entrySize, "symbol node");
    while (entries.remaining > 0) {
      const key = name(entries.length());
      const address = entries.address();
      const kind = entries.u32();
      entries.skip(4);
      const scratch = entries.sub(16, "symbol node");
      if (kind === 2) add(key, { kind: "soft", path: name(scratch.u32()) }, entries);
      else if (address !== undefined) add(key, { kind: "hard", address }, entries);
    }
  });
}

/** u8 1, u8 flags, [u8 kind], [u64 order], [u8 charset], name length of 1 to 8 bytes, name, target. */
function linkMessage(body: Fields): [string, Hdf5Link] {
  if (body.u8() !== 1) body.fail("link version 1 expected");
  const flags = body.u8();
  const kind = has(flags, 0x08) ? body.u8() : 0;
  if (has(flags, 0x04)) body.skip(8);
  if (has(flags, 0x10)) body.skip(1);
  const name = text(body.take(body.uint(2 ** (flags % 4))));
  if (kind === 0) {
    const address = body.address();
    if (address === undefined) return body.fail("a link leads nowhere");
    return [name, { kind: "hard", address }];
  }
  const target = text(body.take(body.u16()));
  return [name, kind === 1 ? { kind: "soft", path: target } : { kind: "external", target }];
}

/** u8 0, u8 flags, [i64 highest order], fractal heap, name B-tree (records: u32 hash, heap id). */
async function denseLinks(layout: Hdf5Layout, body: Fields, add: Add): Promise<void> {
  if (body.u8() !== 0) body.fail("link info version 0 expected");
  if (has(body.u8(), 0x01)) body.skip(8);
  const heapAddress = body.address();
  const tree = body.address();
  if (heapAddress === undefined || tree === undefined) return;
  const heap = await openFractalHeap(layout, heapAddress);
  for await (const record of treeRecords(layout, tree, 5)) {
    record.skip(4);
    const message = await heap.read(record);
    add(...linkMessage(message), message);
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
