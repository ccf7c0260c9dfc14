import type { ByteSource } from "../io/source/source.ts";
import type { NumericDType } from "./dtype.ts";
import type { StoredAs } from "./stored.ts";

export type TensorKind = "parameter" | "buffer" | "optimizer" | "average" | "bookkeeping" | "constant";

export interface TensorInfo {
  /** The key as stored. */
  readonly name: string;
  /** The readable form the file gives it: structured name, full_name, layer name. */
  readonly label?: string;
  /** As the framework shows it. */
  readonly shape: readonly number[];
  /** Only where the file itself says so; names are judged in model/. */
  readonly kind?: TensorKind;
  /** How it is kept, where that is not its dtype; feeds findings, tolerances and the move `dequantise`. */
  readonly stored?: StoredAs;
}

export interface NumericTensor extends TensorInfo {
  readonly dtype: NumericDType;
  /** Where the elements lie; together the parts hold each element once. May read an index (HDF5 chunks), never values. */
  parts(): Promise<readonly Part[]>;
  /** The storage that it is a view of and its place there, where that is known before the bytes are found: on a server finding them takes a request. */
  view?(): StorageView | undefined;
}

/** Two tensors of the same storage and place are the same bytes. */
export interface StorageView {
  readonly storage: object;
  readonly place: string;
}

export interface StringTensor extends TensorInfo {
  readonly dtype: "string";
  /** Row-major. */
  elements(): AsyncIterable<Uint8Array>;
}

export type Tensor = NumericTensor | StringTensor;
/** In the order of the file. */
export type TensorMap = ReadonlyMap<string, Tensor>;

/** A strided box, as NumPy describes an array: element (i,j,…) of the box is at offset + Σ index·stride. */
export interface Part {
  /** Little-endian values of the tensor's dtype. */
  readonly source: ByteSource;
  /** Bytes; need not be aligned. */
  readonly offset: number;
  /** The box's first index in the tensor. */
  readonly start: readonly number[];
  readonly shape: readonly number[];
  /** BYTES for each axis; any order, 0 (expanded) and negative allowed. */
  readonly strides: readonly number[];
}

export function isNumeric(tensor: Tensor): tensor is NumericTensor {
  return tensor.dtype !== "string";
}

/** The same tensor under other words. A spread alone would lose what a class keeps in its prototype: `parts`. */
export function withInfo(tensor: Tensor, info: Partial<TensorInfo>): Tensor {
  if (isNumeric(tensor)) return { ...tensor, ...info, parts: () => tensor.parts(), view: () => tensor.view?.() };
  return { ...tensor, ...info, elements: () => tensor.elements() };
}
