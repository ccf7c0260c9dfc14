import { itemsize } from "../tensor/dtype.ts";
import type { Piece, TensorSpec } from "./layout.ts";

/** Bytes of all elements. */
export function specBytes(tensor: TensorSpec): number {
  return tensor.shape.reduce((product, n) => product * n, itemsize(tensor.dtype));
}

export function tensorPiece(tensor: TensorSpec, order: "row" | "column" = "row"): Piece {
  return { kind: "tensor", key: tensor.key, byteLength: specBytes(tensor), order };
}

export function bytesPiece(bytes: Uint8Array): Piece {
  return { kind: "bytes", bytes };
}

/** UTF-8. */
export function textPiece(text: string): Piece {
  return bytesPiece(new TextEncoder().encode(text));
}

/** What JSON can say; a Map keeps its order and any key, where an object would put integer-like keys first. */
export type WritableJson =
  | null
  | boolean
  | number
  | string
  | readonly WritableJson[]
  | ReadonlyMap<string, WritableJson>
  | { readonly [key: string]: WritableJson };

/** Compact, or with `indent` spaces for each level. */
export function jsonText(value: WritableJson, indent = 0, level = 0): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const items = isArray(value)
    ? value.map((item) => jsonText(item, indent, level + 1))
    : (value instanceof Map ? [...value] : Object.entries(value)).map(
        ([key, item]: [string, WritableJson]) => `${JSON.stringify(key)}:${indent > 0 ? " " : ""}${jsonText(item, indent, level + 1)}`,
      );
  const [open, close] = isArray(value) ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  if (indent === 0) return `${open}${items.join(",")}${close}`;
  const pad = "\n".padEnd(1 + indent * (level + 1));
  return `${open}${pad}${items.join(`,${pad}`)}${"\n".padEnd(1 + indent * level)}${close}`;
}

function isArray(value: WritableJson): value is readonly WritableJson[] {
  return Array.isArray(value);
}
