import type { ByteSource } from "../../io/source/source.ts";
import type { NumericDType } from "../../tensor/dtype.ts";

/** What torch.save of Torch7 (Lua) wrote, inert. Objects may lead to each other in circles: they are one and the same here. */
export type T7Value = null | boolean | number | string | T7Table | T7Object | T7Tensor | T7Storage | T7Function;

/** Lua's only collection: lists have the keys 1 to n; keys may be tables themselves. */
export interface T7Table {
  readonly kind: "table";
  readonly entries: (readonly [T7Value, T7Value])[];
}

/** An object of a class: its payload is a table of fields, nil for some. */
export interface T7Object {
  readonly kind: "object";
  /** "nn.SpatialConvolution" */
  readonly className: string;
  payload: T7Value;
}

export interface T7Storage {
  readonly kind: "storage";
  /** "torch.FloatStorage" */
  readonly className: string;
  readonly dtype: NumericDType;
  /** Elements. */
  readonly count: number;
  /** Little-endian values, from `offset` on; undefined where there are none. */
  readonly source: ByteSource;
  readonly offset: number;
}

export interface T7Tensor {
  readonly kind: "tensor";
  readonly className: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  /** Of the first element in the storage, from 0. */
  readonly start: number;
  /** undefined: an empty tensor. */
  storage: T7Storage | undefined;
  /** Byte offset of the record in the file. */
  readonly offset: number;
}

export interface T7Function {
  readonly kind: "function";
  /** Bytes of Lua byte code, which is not looked at. */
  readonly size: number;
  upvalues: T7Value;
}
