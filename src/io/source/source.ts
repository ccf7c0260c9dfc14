/** Bytes that stay where they are: a file, memory, an HTTP resource, a stored zip member, a decoding of another source. */
export interface ByteSource {
  readonly name: string;
  /** In bytes; known before the first read. */
  readonly size: number;
  /** random: every offset costs the same. forward: a read that goes back starts the decoding again. */
  readonly access: "random" | "forward";
  /** The bytes of a file on disk, from its first to its last. */
  readonly whole?: true;
  /** Of a file that is open: its number, by which other threads of this process read it. */
  readonly descriptor?: number | undefined;
  /** Of windows: the source whose bytes these are, and where they begin in it. Absent where bytes are owned or made. */
  readonly within?: { readonly source: ByteSource; readonly offset: number };
  /** Of bytes that are compared with a checksum on the way: the source that they come from, and where they begin in it. */
  readonly checks?: { readonly source: ByteSource; readonly offset: number };
  /** Of the same: the bytes before they are compared, for whoever awaits `verified` before anything that came of them counts. */
  readonly late?: LateBytes | undefined;
  /** Of a whole element that was inflated: the range of another source that it may be in place of. */
  readonly decodes?: { readonly source: ByteSource; readonly offset: number; readonly length: number };
  /** Of bytes that are decoded, mapped or made: the stored ones that they come from. Absent: the bytes are owned, or are others' (`within`). */
  readonly stored?: readonly StoredRange[] | undefined;
  /**
   * Exactly `length` bytes at `offset`, or a throw (`truncated`). With `into` (at least `length` long) the bytes go to
   * its front and the returned array is that front, so that loops reuse one buffer; without it the array is the caller's own.
   */
  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Many short reads in one: run k goes to the place k · `pitch` of a buffer. Where there is none, `read` does as well, run by run. */
  readonly readRuns?: ((runs: Runs, into: Uint8Array) => Promise<void>) | undefined;
  /** By whoever opened it; windows and decodings own nothing and close nothing. */
  close(): Promise<void>;
}

/** Some bytes of a source. */
export interface StoredRange {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** `count` runs of `length` bytes at `offset` + k · `stride`; all in bytes. */
export interface Runs {
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
  readonly length: number;
  readonly pitch: number;
}

export interface LateBytes {
  readonly source: ByteSource;
  /** Compares in the pauses of whatever else is done. Throws `malformed`. */
  readonly verified: () => Promise<void>;
}

/** Writes from so many bytes on may be made while their caller does other things: below, a request to the thread pool costs more than the write. */
export const LONG_WRITE = 256 << 10;

/** A file being written, or a temporary one. Positional both ways: lengths are patched, checksums are read back. */
export interface OutputFile extends ByteSource {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Whether what is moved here is to be proven element by element, and every write read back. */
  readonly proves?: boolean;
}

/** Files that belong together: a folder, a zip, a tar, an HTTP folder. */
export interface FileSet {
  readonly name: string;
  /** undefined: there is none. A name that leads outside throws `unsafe`. Names use "/" between folders. */
  open(name: string): Promise<ByteSource | undefined>;
  /** All files below, sorted; undefined where it cannot be known (HTTP). */
  list(): Promise<readonly string[] | undefined>;
  /** Whether a list that was taken already is without this name: what a checkpoint may do without is not asked of a server then. */
  lacks?(name: string): Promise<boolean>;
}

/** Files that appear together: written beside, then renamed in the order created, `entry` last. */
export interface OutputSet {
  /** `name` is relative to the set's folder. */
  create(name: string): Promise<OutputFile>;
  commit(entry: string): Promise<void>;
  /** Removes everything that was written; safe to call after a failed commit, and twice. */
  abort(): Promise<void>;
}
