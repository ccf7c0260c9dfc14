import type { NumericDType } from "../../../tensor/dtype.ts";
import type { StoredAs } from "../../../tensor/stored.ts";
import type { Part } from "../../../tensor/tensor.ts";

/*
 * What a MAT-file of any version holds, as inert structure: texts and small arrays with their values, all other arrays as places
 * where the values are. Dimensions are MATLAB's, in elements; elements, cells and struct elements are in column-major order.
 */

export interface NumericArray {
  readonly kind: "numeric";
  readonly dims: readonly number[];
  /** Of the class that MATLAB shows, whatever the file keeps. */
  readonly dtype: NumericDType;
  /** How the file keeps the values, where that is not the dtype: "uint8", "sparse, 3 of 15". */
  readonly stored?: StoredAs;
  parts(): Promise<readonly Part[]>;
  /** The values themselves, little-endian and column-major, where they are few or were asked for. */
  readonly kept?: Uint8Array;
}

export interface CharArray {
  readonly kind: "char";
  readonly dims: readonly number[];
  /** One string a row; undefined where the text was too long to keep. */
  readonly rows: readonly string[] | undefined;
}

export interface CellArray {
  readonly kind: "cell";
  readonly dims: readonly number[];
  readonly items: readonly MatValue[];
}

export interface StructArray {
  readonly kind: "struct";
  readonly dims: readonly number[];
  readonly fields: readonly string[];
  /** Field f of element e is at e · fields.length + f. */
  readonly values: readonly MatValue[];
}

/** What is no plain array and is named but not read: objects of old and new classes, function handles, damaged values. */
export interface OpaqueValue {
  readonly kind: "object" | "function" | "unreadable";
  /** The class of an object, the text of a handle, the reason. */
  readonly name: string;
  /** Byte offset in the file, where it is known. */
  readonly offset?: number;
}

export type MatValue = NumericArray | CharArray | CellArray | StructArray | OpaqueValue;

export interface MatVariable {
  readonly name: string;
  readonly value: MatValue;
}

export interface MatFile {
  /** "4", "5" (and 6), "7" (level 5, compressed), "7.3" (HDF5). */
  readonly version: "4" | "5" | "7" | "7.3";
  readonly bigEndian: boolean;
  /** The descriptive text at the start; empty at level 4. */
  readonly header: string;
  readonly variables: readonly MatVariable[];
  /** Sentences about what a reader made good: miscounted bytes of a known writer. */
  readonly remarks: readonly { readonly message: string; readonly offset: number }[];
}

/** Which arrays' values are kept besides the small ones: by the name of the field or variable that holds them. */
export type KeepRule = (key: string) => boolean;

/** The value of a field of a 1×1 struct (or of element `element`); undefined where there is none. */
export function field(value: StructArray, name: string, element = 0): MatValue | undefined {
  const index = value.fields.indexOf(name);
  return index < 0 ? undefined : value.values[element * value.fields.length + index];
}

/** Elements of an array with these dimensions; Infinity beyond 2^53. */
export function countOf(dims: readonly number[]): number {
  if (dims.includes(0)) return 0;
  let count = 1;
  for (const n of dims) count *= n;
  return Number.isSafeInteger(count) ? count : Number.POSITIVE_INFINITY;
}

/** The one text of a char array; undefined for several rows or another kind. */
export function textOf(value: MatValue | undefined): string | undefined {
  if (value?.kind !== "char" || value.rows === undefined || value.rows.length > 1) return undefined;
  return value.rows[0] ?? "";
}
