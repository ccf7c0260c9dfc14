import type { NumericDType } from "./dtype.ts";

/** How a file keeps the values of a tensor, where that is not the tensor's dtype. */
export type StoredAs =
  /** Each byte is written as a character of a text. */
  | { readonly kind: "text" }
  /** Only what is not 0 is there. */
  | { readonly kind: "sparse" }
  /** In another type that holds each of these values: MAT files keep whole numbers in fewer bytes. */
  | { readonly kind: "narrow"; readonly dtype: NumericDType }
  /** Rounded to a type of fewer bits. */
  | { readonly kind: "rounded"; readonly dtype: NumericDType }
  /** Rounded to whole numbers: value = stored · scale + min. */
  | { readonly kind: "quantised"; readonly dtype: "uint8" | "uint16"; readonly scale: number; readonly min: number }
  /** The same with a scale and a zero point, or many of them along an axis: value = (stored − zero point) · scale. */
  | { readonly kind: "scaled"; readonly dtype: NumericDType; readonly axis: number | undefined };

/** As `inspect` shows it. */
export function storedText(stored: StoredAs): string {
  switch (stored.kind) {
    case "text":
      return "latin-1 text";
    case "sparse":
      return "sparse";
    case "narrow":
    case "rounded":
      return stored.dtype;
    case "quantised":
      return `${stored.dtype} · ${stored.scale} ${stored.min < 0 ? "−" : "+"} ${Math.abs(stored.min)}`;
    case "scaled":
      return `${stored.dtype} by ${stored.axis === undefined ? "a scale" : "scales"}`;
  }
}

/** Whether the values are whole numbers in the file and are multiplied when they are read. */
export function isQuantised(stored: StoredAs | undefined): boolean {
  return stored?.kind === "quantised" || stored?.kind === "scaled";
}
