import type { OpenedFiles } from "../io/opened.ts";
import type { TensorMap } from "./tensor.ts";

/** Data from a file that is kept without meaning. Maps, never plain objects: `__proto__` and "0" are ordinary keys. */
export type Inert = null | boolean | number | bigint | string | Uint8Array | readonly Inert[] | ReadonlyMap<string, Inert>;

/** Something a reader saw and that a person should know; becomes a finding in inspect/. */
export interface Note {
  /** A finding code of the command-line contract: `unsupported-tensor`, `unknown-object`, `truncated-shard`, `assumed`, … */
  readonly code: string;
  readonly message: string;
  readonly tensor?: string;
  readonly offset?: number;
  /** What to do about it. */
  readonly fix?: string;
}

/** One opened checkpoint. Readers give the framework's values; they never rename, never transpose, never drop. */
export interface Checkpoint {
  readonly format: string;
  /** For people: "pdparams, pickle protocol 4". */
  readonly variant: string;
  readonly files: readonly string[];
  /** Of all its files together. */
  readonly bytes: number;
  readonly tensors: TensorMap;
  /** The network as the file itself describes it; empty where it does not. */
  readonly layers: readonly LayerRecord[];
  readonly metadata: ReadonlyMap<string, Inert>;
  readonly notes: readonly Note[];
  /** Of files on disk: asked after the last value was read, whether all values are of one state of them. */
  readonly opened?: OpenedFiles;
  close(): Promise<void>;
}

/** model_config, ProgramDesc, prototxt, simplenn, ONNX nodes: what a reader saw, in the file's own words, judged in model/. */
export interface LayerRecord {
  readonly name: string;
  readonly type: string;
  readonly attributes: ReadonlyMap<string, Inert>;
  readonly inputs: readonly string[];
  /** Keys, in the layer's own order. */
  readonly tensors: readonly string[];
}
