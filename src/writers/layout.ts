import type { ByteSource } from "../io/source/source.ts";
import type { Network } from "../model/network/network.ts";
import type { Role } from "../model/role.ts";
import type { Preprocessing } from "../model/scheme.ts";
import type { Inert } from "../tensor/checkpoint.ts";
import type { NumericDType } from "../tensor/dtype.ts";

/** A file on its way out, as a list of pieces, made by a pure function and written by one executor. */
export type Piece =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Bytes that are made as they are written, the same each time. */
  | { readonly kind: "made"; readonly byteLength: number; make(): Iterable<Uint8Array> }
  /** Row-major, one behind the other. */
  | { readonly kind: "tensors"; readonly tensors: readonly TensorSpec[]; readonly byteLength: number }
  | { readonly kind: "tensor"; readonly key: string; readonly byteLength: number; readonly order: "row" | "column" }
  /** Bytes taken over from another file. */
  | { readonly kind: "source"; readonly source: ByteSource; readonly offset: number; readonly byteLength: number }
  | Group
  | LatePiece;

/** Made when all else is written, from offsets, lengths and checksums. Without byteLength: last of its file. */
export interface LatePiece {
  readonly kind: "late";
  readonly byteLength?: number;
  make(written: (group: Group) => Written): Uint8Array;
}

export interface Group {
  readonly kind: "group";
  readonly pieces: readonly Piece[];
  readonly checksum?: "crc32" | "crc32c";
  readonly encode?: "deflate" | "deflate-raw" | "latin1-utf8";
}

export interface Written {
  readonly offset: number;
  readonly length: number;
  readonly rawLength: number;
  readonly checksum: number;
}

export interface FileLayout {
  /** Relative to the output's folder. */
  readonly name: string;
  readonly pieces: readonly Piece[];
  /** Cut into files (TF.js). */
  readonly shard?: { readonly bytes: number; name(k: number, of: number): string };
}

/** One target tensor as a writer needs to know it. */
export interface TensorSpec {
  readonly key: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  readonly role?: Role;
}

export interface WriterInput {
  /** Base name that the user chose: "vgg.safetensors", "model.ckpt"; a writer derives its file names from it. */
  readonly name: string;
  readonly tensors: readonly TensorSpec[];
  readonly network?: Network;
  readonly preprocessing?: Preprocessing;
  /** Class names, where known. */
  readonly labels?: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly attributes?: ReadonlyMap<string, Inert>;
  readonly options: ReadonlyMap<string, string>;
}

export interface Writer {
  /** Pure; the last file is the entry. */
  layout(input: WriterInput): readonly FileLayout[];
}
