import type { ContainerKind, Reader } from "./encodings/probe.ts";
import type { Conventions } from "./tensor/checkpoint.ts";
import type { DType } from "./tensor/dtype.ts";
import type { Writer } from "./writers/layout.ts";

/** A checkpoint format: one row of formats.ts, one file in readers/ and, where it is written, one in writers/. */
export interface Format {
  readonly id: string;
  readonly title: string;
  /** The shells it can be in: only a row with a matching one is imported and asked. */
  readonly containers: readonly ContainerKind[];
  /** network: the file holds the network itself, so that a writer needs a recognised one and every slot filled. */
  readonly carries: "tensors" | "network";
  /** What its framework takes for granted; formats of plain arrays name the commonest and say so. */
  readonly conventions: Conventions;
  /** Where it is read and not written: the format that holds the same names and that its framework reads too. */
  readonly writtenAs?: string;
  /** The writer puts what is known of the network (preprocessing, class names) into the file, where the reader finds it. */
  readonly describes?: true;
  /** A file of the folder, which the writer leaves alone, names its latest checkpoint: the framework's call that reads it, and the one that sets it. */
  readonly latest?: { readonly finds: string; readonly sets: string };
  /** Its checkpoints are one file each, whatever is beside it. */
  readonly alone?: true;
  /** Entries of its metadata that nobody but its framework reads: listed in JSON alone. */
  readonly bookkeeping?: readonly string[];
  /** Endings that no other kind of file has: a file so named in which there is no checkpoint is a damaged one. */
  readonly endings?: readonly string[];
  /** A command that reads or writes it, for `vggtool formats`. */
  readonly example: string;
  /** dtypes the writer can store; absent where nothing is written. */
  readonly dtypes?: ReadonlySet<DType>;
  read?(): Promise<Reader>;
  write?(): Promise<Writer>;
}
