import type { RemoteOptions } from "./remote/options.ts";
import type { ByteSource, OutputFile } from "./source/source.ts";

/** What one command lends to everything it calls. */
export interface Context {
  readonly signal: AbortSignal;
  /** Bytes for tiles, both buffers together. */
  readonly memory: number;
  /** Values will be read, not only listed: an inflating reader then keeps what it inflates. */
  readonly values: boolean;
  /** How addresses are read. */
  readonly remote: RemoteOptions;
  /** One of the two tile buffers, or the one for reading back, allocated once and grown when needed; the front `length` bytes of it. */
  scratch(which: 0 | 1 | 2, length: number): Uint8Array;
  /** The source itself where it is random, or its spooled copy (always the same one). */
  random(source: ByteSource): ByteSource;
  /** An empty file beside the output (not in a tmpfs); gone when the context is disposed. */
  temporary(): Promise<OutputFile>;
  /** A reader says that it is about to describe as many tensors; absent where the process is not ours to adapt. */
  readonly expect?: (tensors: number) => Promise<void>;
  /** Says that about so many bytes are to be moved from here on: where that is worth it, helper threads are started that reach the buffers. */
  readonly recruit?: (bytes: number) => Promise<void>;
  /** What begins, for who watches, and about how many bytes ticks will count of it; absent where nobody does. */
  readonly begin?: (phase: string, bytes: number) => void;
  /** After every tile: progress, a turn of the event loop, throws `interrupted` when aborted. */
  tick(bytes: number): Promise<void>;
}
