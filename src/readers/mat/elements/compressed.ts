import { CheckpointError } from "../../../errors.ts";
import { concatBytes } from "../../../io/bytes.ts";
import { inflate, inflateAll } from "../../../io/compression.ts";
import { decoded } from "../../../io/source/decoded.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { window } from "../../../io/source/window.ts";
import { miMatrix } from "./element.ts";
import type { MatBudget } from "./limits.ts";

/** An element of type 15: a zlib stream that holds one MATRIX element. */
export interface InflatedElement {
  /** The MATRIX element with its tag, as long as the tag says; forward, or spooled where values will be read. */
  readonly source: ByteSource;
  /** Bytes that the stream turned out to lack at its end (zeros mean them); known once all is read. */
  readonly lacking: () => number;
}

/** Bytes that a stream may lack: arrays that count 4 bytes too many (see Matrix.excess), a thousand of them. */
const maxLacking = 4096;

/** Elements this short are inflated at once: a zlib stream of its own takes a millisecond each. */
const smallStored = 1 << 16;
const smallInflated = 1 << 18;

/** Begins to inflate; `random` spools what is inflated, or gives the source back so that what is skipped is dropped. Throws `malformed`, `truncated`. */
export async function openCompressed(
  file: ByteSource,
  { offset, length }: { readonly offset: number; readonly length: number },
  bigEndian: boolean,
  budget: MatBudget,
  random: (source: ByteSource) => ByteSource,
): Promise<InflatedElement> {
  // With its tag: an inflated MATRIX element is an element of its own, and may be in the file instead.
  const decodes = { source: file, offset: offset - 8, length: length + 8 };
  const small = await openSmall(file, offset, length, bigEndian, budget);
  if (small !== undefined) return { ...small, source: { ...small.source, decodes } };
  const stored = window(file, offset, length);
  const stream = inflate(stored, "zlib")[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 8) {
    const next = await stream.next();
    if (next.done === true)
      throw new CheckpointError("truncated", `the compressed element holds ${head.length} bytes, its tag takes 8`, { file: file.name });
    head = head.length === 0 ? next.value : concatBytes([head, next.value]);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const type = view.getUint32(0, !bigEndian);
  const size = 8 + view.getUint32(4, !bigEndian);
  if (type !== miMatrix) {
    await stream.return?.(undefined);
    throw new CheckpointError("malformed", `a compressed element of type ${type}, ${miMatrix} needed`, { file: file.name });
  }
  let lacking = 0;
  let begun: AsyncIterator<Uint8Array> | undefined = stream;
  async function* start(): AsyncGenerator<Uint8Array> {
    let given = 0;
    const first = begun === undefined ? undefined : head;
    const rest = begun ?? inflate(stored, "zlib")[Symbol.asyncIterator]();
    begun = undefined;
    try {
      if (first !== undefined) {
        given += first.length;
        yield first;
      }
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
        given += next.value.length;
        yield next.value;
      }
    } finally {
      await rest.return?.(undefined);
    }
    if (given < size && size - given <= maxLacking) {
      lacking = size - given;
      yield new Uint8Array(lacking);
    }
  }
  const source = decoded(`${file.name} (inflated)`, size, start);
  return { source: random({ ...source, decodes }), lacking: () => lacking };
}

/** A short element whole in memory; undefined where it is none, or anything is wrong with it, which the stream then says. */
async function openSmall(
  file: ByteSource,
  offset: number,
  length: number,
  bigEndian: boolean,
  budget: MatBudget,
): Promise<InflatedElement | undefined> {
  const most = Math.min(smallInflated, budget.kept);
  if (length > smallStored || most === 0) return undefined;
  const bytes = tryInflate(await file.read(offset, length), most);
  if (bytes === undefined || bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, !bigEndian) !== miMatrix || 8 + view.getUint32(4, !bigEndian) !== bytes.length) return undefined;
  budget.kept -= bytes.length;
  return { source: memorySource(bytes, `${file.name} (inflated)`), lacking: () => 0 };
}

function tryInflate(bytes: Uint8Array, most: number): Uint8Array | undefined {
  try {
    return inflateAll(bytes, most);
  } catch (error) {
    // Too long, damaged or cut: all of that is distinguished by the stream that is tried next.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
