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

/**
 * How a format's own framework keeps and computes what its files do not spell out: a row of formats.ts, carried along. It decides where
 * shapes allow two readings; what the file itself says goes first.
 */
export interface Conventions {
  /** Axes of a convolution's kernel. */
  readonly kernel: "o i h w" | "h w i o";
  /** Axes of a dense layer's matrix. */
  readonly matrix: "o i" | "i o";
  /** Order in which a feature map becomes the inputs of the first dense layer: channels first or last. */
  readonly flatten: "i h w" | "h w i";
  /** Batch norm's default. */
  readonly epsilon: number;
  /** Arrays of anybody: the orders are the commonest ones, and say nothing about a square matrix. */
  readonly plain?: true;
  /** Kernels may be kept as matrices, `o (i h w)`. */
  readonly flatKernels?: true;
  /** Trailing axes of one are not stored. */
  readonly dropsOnes?: true;
  /** Pools round their output size up unless the file says otherwise. */
  readonly ceilPools?: true;
  /** Files of Theano are among them, whose convolution turns kernels by 180°. */
  readonly rotates?: true;
  /** What batch norm does with its variance, where it is not 1 ÷ √(var + ε). */
  readonly variance?: "darknet";
  /** Two names can be the same bytes of a file, and finding that out costs no reading. */
  readonly shares?: true;
  /** Its layers are the single operations of a program: what adds a bias is one of its own. */
  readonly operations?: true;
  /** What is saved are the layers that were registered and nothing else: the container that registers its items, and the call for one. */
  readonly registers?: { readonly container: string; readonly call: string };
}

/** The bytes of a tensor's elements, and how many stored ones they come from. */
export interface Amplification {
  readonly bytes: number;
  readonly stored: number;
  /** Its values throw `unsafe` when they are read. */
  readonly guarded: boolean;
}

/** One opened checkpoint. Readers give the framework's values; they never rename, never transpose, never drop. */
export interface Checkpoint {
  readonly format: string;
  readonly conventions: Conventions;
  /** For people: "pdparams, pickle protocol 4". */
  readonly variant: string;
  readonly files: readonly string[];
  /** Of all its files together. */
  readonly bytes: number;
  readonly tensors: TensorMap;
  /** What the file keeps its tensors in, where that is more than one flat table: `state_dict`, the class of a whole module. */
  readonly nesting?: readonly string[];
  /**
   * Where tensors are of quantised types that are no plain numbers to their framework (torch.qint8), which are not listed: the tensors with the
   * real numbers of those among them, and what is said of the file then. See `withRealNumbers`.
   */
  readonly dequantised?: { readonly tensors: TensorMap; readonly notes: readonly Note[] };
  /** The network as the file itself describes it; empty where it does not. */
  readonly layers: readonly LayerRecord[];
  readonly metadata: ReadonlyMap<string, Inert>;
  readonly notes: readonly Note[];
  /** Tensors of which the file holds a tiny part, by name: `guardAmplified`. */
  readonly amplified?: ReadonlyMap<string, Amplification>;
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
  /** Names of the values it gives, where they are not its own name: Caffe's tops (in place: its bottom), ONNX' outputs. */
  readonly outputs?: readonly string[];
  /** Keys, in the layer's own order. */
  readonly tensors: readonly string[];
}

/** What a reader gives: the table of formats adds the conventions. */
export type ReadCheckpoint = Omit<Checkpoint, "conventions">;
