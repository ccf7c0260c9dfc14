import { CheckpointError } from "../../../errors.ts";
import { inflateAll } from "../../../io/compression.ts";
import type { Hdf5Filter } from "./storage.ts";

/** Filters that this reader undoes: 1 deflate, 2 shuffle, 3 Fletcher-32, 32000 LZF (h5py). */
const known: ReadonlySet<number> = new Set([1, 2, 3, 32000]);

const names: ReadonlyMap<number, string> = new Map([
  [4, "szip"],
  [5, "nbit"],
  [6, "scale-offset"],
  [32001, "blosc"],
  [32004, "LZ4"],
  [32015, "Zstandard"],
]);

/** Filters that the HDF5 library itself brings along: szip, n-bit, scale-offset. */
const inLibrary: ReadonlySet<number> = new Set([4, 5, 6]);

/** The first filter that the HDF5 library is needed for, in words. */
export function libraryFilter(filters: readonly Hdf5Filter[]): string | undefined {
  const filter = filters.find(({ id }) => inLibrary.has(id));
  return filter && words(filter);
}

/** How many of the filters are for the library: those up to the last one that it is needed for. What was applied after is undone here. */
export function libraryFilters(filters: readonly Hdf5Filter[]): number {
  return filters.findLastIndex(({ id }) => inLibrary.has(id)) + 1;
}

/** The first filter that neither this reader nor the library undoes, in words. */
export function unknownFilter(filters: readonly Hdf5Filter[]): string | undefined {
  const filter = filters.find(({ id }) => !known.has(id) && !inLibrary.has(id));
  return filter && words(filter);
}

function words({ id }: Hdf5Filter): string {
  return `filter ${id}${names.has(id) ? ` (${names.get(id)})` : ""}`;
}

/**
 * One chunk decoded: filters undone in reverse order, those whose bit is set in `mask` skipped. The result has exactly
 * `size` bytes. Throws `malformed` for damaged chunks.
 */
export function undoFilters(stored: Uint8Array, filters: readonly Hdf5Filter[], mask: number, size: number, file: string): Uint8Array {
  const bytes = undoBehind(stored, filters, mask, { from: 0, most: size, file });
  if (bytes.length !== size) throw new CheckpointError("malformed", `chunk of ${bytes.length} bytes, ${size} expected`, { file });
  return bytes;
}

/** The same for the filters from number `from` on; there may be at most `most` bytes at every step. */
export function undoBehind(
  stored: Uint8Array,
  filters: readonly Hdf5Filter[],
  mask: number,
  { from, most: size, file }: { readonly from: number; readonly most: number; readonly file: string },
): Uint8Array {
  let bytes = stored;
  for (const [index, filter] of [...filters.entries()].reverse()) {
    if (index < from) break;
    if (Math.floor(mask / 2 ** index) % 2 === 1) continue;
    if (filter.id === 1) bytes = inflate(bytes, size, file);
    else if (filter.id === 2) bytes = unshuffle(bytes, filter.values[0] ?? 1);
    else if (filter.id === 3) bytes = unchecked(bytes, file);
    else if (filter.id === 32000) bytes = unLzf(bytes, size, file);
    else throw new CheckpointError("unsupported", `HDF5 ${words(filter)} is not read`, { file });
  }
  return bytes;
}

function inflate(bytes: Uint8Array, size: number, file: string): Uint8Array {
  try {
    // 4 bytes more for a checksum that was added before compressing.
    return inflateAll(bytes, size + 4);
  } catch (cause) {
    throw new CheckpointError("malformed", "a compressed chunk is damaged", { file, cause });
  }
}

/** Shuffled: all first bytes of the elements, then all second ones …; what is left over stays at the end. */
function unshuffle(bytes: Uint8Array, width: number): Uint8Array {
  if (width <= 1 || width > bytes.length) return bytes;
  const out = new Uint8Array(bytes.length);
  const count = Math.floor(bytes.length / width);
  for (let plane = 0; plane < width; plane++) {
    const from = plane * count;
    for (let element = 0; element < count; element++) out[element * width + plane] = bytes[from + element] ?? 0;
  }
  out.set(bytes.subarray(count * width), count * width);
  return out;
}

/** The last four bytes are a Fletcher-32 sum, little-endian, over big-endian 16-bit words (H5_checksum_fletcher32). */
function unchecked(bytes: Uint8Array, file: string): Uint8Array {
  const data = bytes.subarray(0, Math.max(0, bytes.length - 4));
  let first = 0;
  let second = 0;
  for (let at = 0; at < data.length; at += 2) {
    const low = at + 1 < data.length ? (data[at + 1] ?? 0) : 0;
    first = (first + (data[at] ?? 0) * 256 + low) % 65535;
    second = (second + first) % 65535;
  }
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(data.length);
  // 0 and 65535 are one number to this sum.
  const same = (stored: number, sum: number): boolean => stored % 65535 === sum;
  if (!same(a + b * 256, first) || !same(c + d * 256, second)) {
    throw new CheckpointError("malformed", "the checksum of a chunk is wrong", { file });
  }
  return data;
}

/** LZF (liblzf): a byte below 32 starts that many literals plus one; others a copy of length (3 bits + 2) from a distance of 13 bits. */
function unLzf(bytes: Uint8Array, size: number, file: string): Uint8Array {
  const out = new Uint8Array(size);
  let to = 0;
  for (let at = 0; at < bytes.length; ) {
    const control = bytes[at++] ?? 0;
    if (control < 32) {
      const length = control + 1;
      if (at + length > bytes.length || to + length > size) throw new CheckpointError("malformed", "an LZF chunk is damaged", { file });
      out.set(bytes.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    let length = Math.floor(control / 32);
    if (length === 7) length += bytes[at++] ?? 0;
    let from = to - (control % 32) * 256 - (bytes[at++] ?? 0) - 1;
    length += 2;
    if (from < 0 || to + length > size) throw new CheckpointError("malformed", "an LZF chunk is damaged", { file });
    while (length-- > 0) out[to++] = out[from++] ?? 0;
  }
  return out.subarray(0, to);
}
