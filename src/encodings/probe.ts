import type { ByteSource, FileSet } from "../io/source/source.ts";
import type { ZipArchive } from "./archive/zip.ts";
import type { Hdf5File } from "./hdf5/file.ts";

/** What the first and last bytes of a file say about its shell; a format lists those it can live in. */
export type ContainerKind =
  | "folder"
  | "zip"
  | "tar"
  | "gzip"
  | "hdf5"
  | "mat" // MATLAB 4, 5 and 7 (7.3 is hdf5)
  | "pickle"
  | "npy"
  | "safetensors"
  | "sstable"
  | "json"
  | "text"
  | "mxnet"
  | "binary"; // no signature: protobuf, Torch7, Darknet, LoDTensor, raw shards

/** Containers that are opened once, by whoever asks first, and then shared by `detect` and `read`. */
export interface Containers {
  readonly zip: ZipArchive;
  readonly hdf5: Hdf5File;
  /** The whole file parsed as JSON (at most 64 MiB). */
  readonly json: unknown;
}

/** What is being opened: a file and its file set, its head and tail. */
export interface Probe {
  /** The file that was named, relative to `set`; "" where a folder was named. */
  readonly entry: string;
  readonly container: ContainerKind;
  /** The named file; no bytes where a folder was named. */
  readonly source: ByteSource;
  /** The folder around the file (or the folder itself, or the members of the archive it came from). */
  readonly set: FileSet;
  /** The first and the last 4 KiB (fewer where the file is smaller). */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  /** undefined where the file is not of that kind; a damaged one throws. */
  opened<K extends keyof Containers>(kind: K): Promise<Containers[K] | undefined>;
}

/** A checkpoint format's reading side: one module in readers/. */
export interface Reader {
  /** sure: a signature or a full parse says so. maybe: it could be; a full parse in `read` decides. */
  detect(probe: Probe): Promise<"sure" | "maybe" | undefined>;
  read(probe: Probe, ctx: import("../io/context.ts").Context): Promise<import("../tensor/checkpoint.ts").ReadCheckpoint>;
}
