import { CheckpointError } from "../../errors.ts";
import { Recent } from "../../io/recent.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import type { Part } from "../../tensor/tensor.ts";
import { type Hdf5Attribute, readAttributes } from "./attributes.ts";
import type { Hdf5Layout, SharedMessages } from "./bytes.ts";
import { type DatasetFile, datasetParts, wholeBytes } from "./dataset.ts";
import { type DatasetHeader, readDatasetHeader } from "./dataset-header.ts";
import type { Hdf5Shape, Hdf5Type } from "./datatype.ts";
import { GlobalHeap } from "./heaps.ts";
import { type Hdf5Link, isGroup, readLinks } from "./links.ts";
import { type Message, readObjectHeader } from "./object-header.ts";
import { openSharedHeap, refuseCacheImage } from "./shared-heap.ts";
import { ChunkCache } from "./storage/chunk-source.ts";
import { siblingSource } from "./storage/external.ts";
import type { FindSource } from "./storage/virtual.ts";
import { readSuperblock } from "./superblock.ts";
import { decodeValues, textBytes } from "./values.ts";

interface Hdf5Common {
  /** Of its object header; two paths with one address are one object. */
  readonly address: number;
  attributes(): Promise<ReadonlyMap<string, Hdf5Attribute>>;
  /** One attribute's elements decoded, row-major; undefined where there is none of that name. */
  attribute(name: string): Promise<readonly Inert[] | undefined>;
}

export interface Hdf5Group extends Hdf5Common {
  readonly kind: "group";
  /** Sorted by name. */
  links(): Promise<ReadonlyMap<string, Hdf5Link>>;
  /** undefined where there is none, or a soft or external link leads nowhere in this file. */
  child(name: string): Promise<Hdf5Object | undefined>;
}

export interface Hdf5Dataset extends Hdf5Common {
  readonly kind: "dataset";
  readonly type: Hdf5Type;
  /** As HDF5 has it, the last dimension densest; null holds nothing. */
  readonly shape: Hdf5Shape;
  /** What of it is beyond this reader, in words; undefined: nothing. */
  readonly beyond: string | undefined;
  /** Where the elements lie, in the file's own byte order: one part, or one a chunk. */
  parts(): Promise<readonly Part[]>;
  /** All elements, row-major, as stored; at most 64 MiB. */
  bytes(): Promise<Uint8Array>;
  /** All elements decoded; for texts, references and small lists. */
  values(): Promise<readonly Inert[]>;
  /** The bytes of all texts; empty where the elements are none. */
  texts(): Promise<readonly Uint8Array[]>;
}

/** A committed datatype, or what no known message describes. */
export interface Hdf5Other extends Hdf5Common {
  readonly kind: "other";
}

export type Hdf5Object = Hdf5Group | Hdf5Dataset | Hdf5Other;

/** An HDF5 file, read by ranges: opening reads the superblock and the root group's header. */
export interface Hdf5File {
  readonly name: string;
  readonly source: ByteSource;
  /** Version of the superblock. */
  readonly version: number;
  readonly root: Hdf5Group;
  /** The object whose header is at an address, as an object reference gives it. */
  object(address: number): Promise<Hdf5Object>;
  /** By a path from the root, parts joined with "/". */
  find(path: string): Promise<Hdf5Object | undefined>;
  /** Elements decoded as inert values; object references become addresses. */
  decode(type: Hdf5Type, bytes: Uint8Array): Promise<readonly Inert[]>;
}

/** Soft links may lead to soft links; the library follows 16. */
const maxSoft = 16;
/** Soft links followed in one file: paths through links through paths multiply. */
const maxFollowed = 100_000;

/** Groups that are kept with their links and attributes: a reader comes back to those of each layer, first for its name, then for its weights. */
const keptGroups = 128;
/** Virtual datasets of virtual datasets, and sources looked up for all of them; the library has no bounds. */
const maxVirtual = 8;
const maxSought = 10_000;

/**
 * `files` are those beside it, where virtual and external data may be; `depth` counts files that virtual datasets led to. Throws
 * `malformed`, `truncated` (shorter than its superblock says) or `unsupported`.
 */
export async function openHdf5(source: ByteSource, files?: FileSet, depth = 0): Promise<Hdf5File> {
  const { layout: own, root, version } = await readSuperblock(source);
  const heaps = new Map<number, Promise<SharedMessages>>();
  const shared = (type: number): Promise<SharedMessages> => {
    const heap = heaps.get(type) ?? openSharedHeap(own, type);
    heaps.set(type, heap);
    return heap;
  };
  const layout: Hdf5Layout = { ...own, files, shared };
  await refuseCacheImage(layout);
  const heap = new GlobalHeap(layout);
  const cache = new ChunkCache();
  let followed = 0;
  let virtual = depth;
  let sought = 0;
  const siblings = new Map<string, Promise<Hdf5File>>();
  const sibling = async (name: string): Promise<Hdf5File> => openHdf5(await siblingSource(layout, name), files, virtual);
  const find: FindSource = async (name, path) => {
    virtual++;
    try {
      if (virtual > maxVirtual) throw new CheckpointError("unsafe", `virtual datasets deeper than ${maxVirtual}`, { file: source.name });
      if (sought++ > maxSought)
        throw new CheckpointError("unsafe", `virtual datasets with more than ${maxSought} sources`, { file: source.name });
      const other = name === "." ? undefined : (siblings.get(name) ?? sibling(name));
      if (other !== undefined) siblings.set(name, other);
      const file = other === undefined ? opened : await other;
      const object = await file.find(path);
      if (object?.kind === "dataset") return { type: object.type, shape: object.shape, parts: () => deeper(object) };
      throw new CheckpointError("not-found", `a virtual dataset takes ${path} of ${name}, which is no dataset there`, {
        file: source.name,
      });
    } finally {
      virtual--;
    }
  };
  /** A source in the same file may be virtual again. */
  const deeper = async (dataset: Hdf5Dataset): Promise<readonly Part[]> => {
    virtual++;
    try {
      return await dataset.parts();
    } finally {
      virtual--;
    }
  };
  const parts: DatasetFile = { layout, heap, cache, find };

  const groups = new Recent<number, Hdf5Group>(keptGroups);
  const object = async (address: number): Promise<Hdf5Object> => groups.get(address) ?? readObject(address);
  const readObject = async (address: number): Promise<Hdf5Object> => {
    const messages = await readObjectHeader(layout, address);
    const header = readDatasetHeader(messages);
    if (header !== undefined) return new StoredDataset(parts, address, header);
    const common = commonOf(parts, address, messages);
    if (!isGroup(messages)) return { kind: "other", ...common };
    const group = groupOf(common, messages);
    groups.put(address, group);
    return group;
  };

  const groupOf = (common: Hdf5Common, messages: readonly Message[]): Hdf5Group => {
    let links: Promise<ReadonlyMap<string, Hdf5Link>> | undefined;
    const group: Hdf5Group = {
      kind: "group",
      ...common,
      links: () => {
        links ??= readLinks(layout, messages);
        return links;
      },
      child: async (name) => follow((await group.links()).get(name), group, maxSoft),
    };
    return group;
  };

  const follow = async (link: Hdf5Link | undefined, from: Hdf5Group, left: number): Promise<Hdf5Object | undefined> => {
    if (link === undefined || link.kind === "external") return undefined;
    if (link.kind === "hard") return object(link.address);
    if (left === 0) return undefined;
    followed++;
    if (followed > maxFollowed) throw new CheckpointError("unsafe", `more than ${maxFollowed} soft links`, { file: source.name });
    return walk(link.path, link.path.startsWith("/") ? top : from, left - 1);
  };

  const walk = async (path: string, from: Hdf5Group, left: number): Promise<Hdf5Object | undefined> => {
    let at: Hdf5Object = from;
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (at.kind !== "group") return undefined;
      const next: Hdf5Object | undefined = await follow((await at.links()).get(part), at, left);
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  };

  const first = await object(root);
  if (first.kind !== "group") throw new CheckpointError("malformed", "the root of the HDF5 file is no group", { file: source.name });
  const top: Hdf5Group = first;
  const opened: Hdf5File = {
    name: source.name,
    source,
    version,
    root: top,
    object,
    find: (path) => walk(path, top, maxSoft),
    decode: (type, bytes) => decodeValues(layout, heap, type, bytes),
  };
  return opened;
}

function commonOf({ layout, heap }: DatasetFile, address: number, messages: readonly Message[]): Hdf5Common {
  let attributes: Promise<ReadonlyMap<string, Hdf5Attribute>> | undefined;
  const all = (): Promise<ReadonlyMap<string, Hdf5Attribute>> => {
    attributes ??= readAttributes(layout, messages);
    return attributes;
  };
  return {
    address,
    attributes: all,
    attribute: async (name) => {
      const found = (await all()).get(name);
      return found && decodeValues(layout, heap, found.type, found.bytes);
    },
  };
}

/** Keeps what tells type and place; a file may have 100,000 of these. Attributes are read anew when they are asked for. */
class StoredDataset implements Hdf5Dataset {
  readonly kind = "dataset";
  readonly address: number;
  readonly #file: DatasetFile;
  readonly #header: DatasetHeader;

  constructor(file: DatasetFile, address: number, header: DatasetHeader) {
    this.#file = file;
    this.address = address;
    this.#header = header;
  }

  get type(): Hdf5Type {
    return this.#header.type;
  }
  get shape(): Hdf5Shape {
    return this.#header.shape;
  }
  get beyond(): string | undefined {
    return this.#header.beyond;
  }

  async attributes(): Promise<ReadonlyMap<string, Hdf5Attribute>> {
    return readAttributes(this.#file.layout, await readObjectHeader(this.#file.layout, this.address));
  }

  async attribute(name: string): Promise<readonly Inert[] | undefined> {
    const found = (await this.attributes()).get(name);
    return found && decodeValues(this.#file.layout, this.#file.heap, found.type, found.bytes);
  }

  parts(): Promise<readonly Part[]> {
    return datasetParts(this.#file, this.#header);
  }

  async bytes(): Promise<Uint8Array> {
    return wholeBytes(await this.parts(), this.shape, this.type.size, this.#file.layout.source.name);
  }

  async values(): Promise<readonly Inert[]> {
    return decodeValues(this.#file.layout, this.#file.heap, this.type, await this.bytes());
  }

  async texts(): Promise<readonly Uint8Array[]> {
    return textBytes(this.#file.layout, this.#file.heap, this.type, await this.bytes());
  }
}
