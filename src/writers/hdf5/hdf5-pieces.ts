import { CheckpointError } from "../../errors.ts";
import { ByteList } from "../byte-list.ts";
import type { Piece, TensorSpec } from "../layout.ts";
import { bytesPiece, specBytes, tensorPiece } from "../pieces.ts";
import { type GroupEntry, internalK, leafK, type PlaceBytes, symbolEntry, writeGroup } from "./hdf5-groups.ts";
import {
  attributeMessage,
  contiguousLayout,
  dataspace,
  datatype,
  fillValue,
  type Hdf5Message,
  type Hdf5Value,
  objectHeader,
} from "./hdf5-messages.ts";

/** A group on its way out; names must not hold "/". */
export interface Hdf5GroupNode {
  readonly attributes: Map<string, Hdf5Value>;
  readonly children: Map<string, Hdf5Node>;
}

export interface Hdf5DatasetNode {
  readonly tensor: TensorSpec;
  readonly attributes?: ReadonlyMap<string, Hdf5Value>;
}

export type Hdf5Node = Hdf5GroupNode | Hdf5DatasetNode;

export function hdf5Group(): Hdf5GroupNode {
  return { attributes: new Map(), children: new Map() };
}

/** The group at a path of names joined with "/", made where it is missing. Throws `mismatch` where a tensor is in the way. */
export function groupAt(root: Hdf5GroupNode, path: string): Hdf5GroupNode {
  let at = root;
  for (const name of path.split("/")) {
    if (name === "") continue;
    const next = at.children.get(name) ?? hdf5Group();
    if ("tensor" in next) throw new CheckpointError("mismatch", `${path} would be a tensor and a group in HDF5`, { tensor: path });
    at.children.set(name, next);
    at = next;
  }
  return at;
}

/** Puts a tensor at a path. Throws `mismatch` where there is something already. */
export function putDataset(root: Hdf5GroupNode, path: string, node: Hdf5DatasetNode): void {
  const slash = path.lastIndexOf("/");
  const parent = groupAt(root, path.slice(0, Math.max(0, slash)));
  const name = path.slice(slash + 1);
  if (name === "" || parent.children.has(name))
    throw new CheckpointError("mismatch", `two things in HDF5 would be ${path}`, { tensor: path });
  parent.children.set(name, node);
}

/** Signature to root entry. */
const superblockSize = 96;
/** Data start at a multiple of this, as a typed array over a mapped file wants it. */
const dataAlign = 64;
/** A collection of the global heap has at least this many bytes. */
const minHeap = 4096;

/**
 * A file that every HDF5 library reads: superblock 0, groups with symbol tables, contiguous datasets. All structures come
 * first, then the tensors in the order of the tree; sizes do not depend on addresses, so a first pass with wrong ones tells
 * where the tensors start.
 */
export function hdf5Pieces(root: Hdf5GroupNode): readonly Piece[] {
  const { metadata: draft } = build(root, 0);
  const { metadata, tensors } = build(root, Math.ceil(draft.length / dataAlign) * dataAlign);
  const pieces: Piece[] = [bytesPiece(metadata)];
  let at = metadata.length;
  for (const { address, spec } of tensors) {
    if (address > at) pieces.push(bytesPiece(new Uint8Array(address - at)));
    pieces.push(tensorPiece(spec));
    at = address + specBytes(spec);
  }
  return pieces;
}

interface Built {
  readonly metadata: Uint8Array;
  readonly tensors: readonly { readonly address: number; readonly spec: TensorSpec }[];
}

function build(root: Hdf5GroupNode, dataStart: number): Built {
  const out = new ByteList().zeros(superblockSize);
  const tensors: { address: number; spec: TensorSpec }[] = [];
  let next = dataStart;
  const place: PlaceBytes = (bytes) => {
    out.align(8);
    const address = out.length;
    out.bytes(bytes);
    return address;
  };
  const heap = new TextHeap(textsOf(root), place);

  const messagesOf = (attributes: ReadonlyMap<string, Hdf5Value> | undefined): readonly Hdf5Message[] =>
    [...(attributes ?? [])].map(([name, value]) => ({ type: 0x0c, body: attributeMessage(name, value, (text) => heap.reference(text)) }));

  const writeDataset = ({ tensor, attributes }: Hdf5DatasetNode): number => {
    const size = specBytes(tensor);
    const address = size === 0 ? undefined : next;
    if (address !== undefined) {
      tensors.push({ address, spec: tensor });
      next = Math.ceil((address + size) / dataAlign) * dataAlign;
    }
    const own = [
      { type: 0x01, body: dataspace(tensor.shape) },
      { type: 0x03, body: datatype(tensor.dtype) },
      { type: 0x05, body: fillValue() },
      { type: 0x08, body: contiguousLayout(address, size) },
    ];
    return place(objectHeader([...own, ...messagesOf(attributes)]));
  };

  const writeTree = ({ attributes, children }: Hdf5GroupNode): Omit<GroupEntry, "name"> => {
    const entries = [...children].map(([name, node]): GroupEntry => {
      const bytes = new TextEncoder().encode(name);
      return "tensor" in node ? { name: bytes, address: writeDataset(node) } : { name: bytes, ...writeTree(node) };
    });
    const group = writeGroup(entries, place);
    const table = new ByteList().u64(group.tree).u64(group.heap).done();
    return { address: place(objectHeader([{ type: 0x11, body: table }, ...messagesOf(attributes)])), group };
  };

  const top = writeTree(root);
  const metadata = out.done();
  const last = tensors.at(-1);
  metadata.set(superblock(top, last === undefined ? metadata.length : last.address + specBytes(last.spec)));
  return { metadata, tensors };
}

/** Version 0: signature, versions and sizes, K of groups, base, free space, end of file, driver, entry of the root. */
function superblock(root: Omit<GroupEntry, "name">, end: number): Uint8Array {
  const none = new Uint8Array(8).fill(0xff);
  const out = new ByteList().bytes(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a));
  out.u8(0, 0, 0, 0, 0, 8, 8, 0).u16(leafK).u16(internalK).u32(0);
  return out
    .u64(0)
    .bytes(none)
    .u64(end)
    .bytes(none)
    .bytes(symbolEntry(0, root.address, root.group))
    .done();
}

function textsOf(node: Hdf5Node): readonly string[] {
  const own = [...(node.attributes ?? [])].flatMap(([, value]) => (value.kind === "text" ? [value.text] : []));
  return "tensor" in node ? own : [...own, ...[...node.children.values()].flatMap(textsOf)];
}

/** Texts of variable length, each once, in collections of up to 65,535 objects. */
class TextHeap {
  readonly #places = new Map<string, { readonly address: number; readonly index: number; readonly length: number }>();

  constructor(texts: readonly string[], place: PlaceBytes) {
    const all = [...new Set(texts)];
    for (let from = 0; from < all.length; from += 0xffff) {
      const encoded = all.slice(from, from + 0xffff).map((text) => ({ text, bytes: new TextEncoder().encode(text) }));
      const body = new ByteList();
      for (const [index, { bytes }] of encoded.entries())
        body
          .u16(index + 1)
          .u16(1)
          .u32(0)
          .u64(bytes.length)
          .bytes(bytes)
          .align(8);
      const used = 16 + body.length;
      const size = Math.max(minHeap, used + 16);
      // The rest is free: object 0, whose size counts its own 16 bytes.
      body.zeros(8).u64(size - used);
      const address = place(
        new ByteList()
          .ascii("GCOL")
          .u8(1)
          .zeros(3)
          .u64(size)
          .bytes(body.done())
          .zeros(size - 16 - body.length)
          .done(),
      );
      for (const [index, { text, bytes }] of encoded.entries()) this.#places.set(text, { address, index: index + 1, length: bytes.length });
    }
  }

  /** u32 length, address, u32 index. */
  reference(text: string): Uint8Array {
    const found = this.#places.get(text);
    if (found === undefined) throw new Error(`text ${text} is not in the heap`);
    return new ByteList().u32(found.length).u64(found.address).u32(found.index).done();
  }
}
