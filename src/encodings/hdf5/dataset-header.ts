import { type Dataspace, type Hdf5Shape, type Hdf5Type, readDataspace, readDatatype } from "./datatype.ts";
import { type Message, messageType } from "./object-header.ts";
import { libraryFilter, unknownFilter } from "./storage/filters.ts";
import { type Hdf5Filter, type Hdf5Storage, readFill, readFilters, readStorage } from "./storage/storage.ts";

/** What an object header says of a dataset. */
export interface DatasetHeader {
  readonly type: Hdf5Type;
  readonly shape: Hdf5Shape;
  readonly most: Dataspace["most"];
  readonly storage: Hdf5Storage;
  readonly filters: readonly Hdf5Filter[];
  /** undefined: zeros. */
  readonly fill: Uint8Array | undefined;
  /** What is not read, in words. */
  readonly beyond: string | undefined;
  /** Only where the chunks are for the HDF5 library to decode. */
  readonly raw: RawChunked | undefined;
  /** The message that lists other files, where the elements are in those. */
  readonly external: Uint8Array | undefined;
}

/** Messages of an object header as they are stored. */
export interface RawChunked {
  readonly datatype: Uint8Array;
  readonly filters: Uint8Array;
}

/** undefined where the object is no dataset. */
export function readDatasetHeader(messages: readonly Message[]): DatasetHeader | undefined {
  const find = (type: number): Message["body"] | undefined => {
    const body = messages.find((message) => message.type === type)?.body;
    if (body !== undefined) body.position = 0;
    return body;
  };
  const typeBody = find(messageType.datatype);
  const spaceBody = find(messageType.dataspace);
  const layoutBody = find(messageType.layout);
  if (typeBody === undefined || spaceBody === undefined || layoutBody === undefined) return undefined;
  const type = readDatatype(typeBody);
  const { shape, most } = readDataspace(spaceBody);
  const storage = readStorage(layoutBody);
  const filterBody = find(messageType.filters);
  const filters = filterBody === undefined ? [] : readFilters(filterBody);
  const fillBody = find(messageType.fill);
  const oldFillBody = find(messageType.oldFill);
  // A copy: the view would keep the whole header in memory.
  const fill = (fillBody ? readFill(fillBody, false) : oldFillBody && readFill(oldFillBody, true))?.slice();
  // A copy, as above.
  const external = find(messageType.externalFiles)?.bytes.slice();
  const raw =
    filterBody !== undefined && libraryFilter(filters) !== undefined
      ? { datatype: typeBody.bytes.slice(), filters: filterBody.bytes.slice() }
      : undefined;
  return { type, shape, most, storage, filters, fill, beyond: beyond(storage, filters), raw, external };
}

function beyond(storage: Hdf5Storage, filters: readonly Hdf5Filter[]): string | undefined {
  if (storage.kind === "other") return storage.what;
  return storage.kind === "chunked" ? unknownFilter(filters) : undefined;
}
