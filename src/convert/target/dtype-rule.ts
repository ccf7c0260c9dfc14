import { CheckpointError } from "../../errors.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import { isExact } from "../../tensor/move/cast.ts";
import { excludeOptions } from "../../text/excluding.ts";

/** Types that a tensor is widened to, narrowest first. */
const ladder: readonly NumericDType[] = ["int16", "int32", "int64", "float32", "float64", "complex128"];

/**
 * The type a tensor has in the target: its own where the target holds it, else the narrowest one there that holds every value;
 * `wanted` for floating values where it is given. Throws `unsupported` where values would change without anybody having asked.
 */
export function targetDtype(
  tensor: { readonly name: string; readonly dtype: NumericDType },
  holds: (dtype: NumericDType) => boolean,
  wanted: NumericDType | undefined,
  format: string,
): NumericDType {
  const { dtype, name } = tensor;
  if (wanted !== undefined && dtypes[dtype].kind === "float") {
    if (!holds(wanted)) throw new CheckpointError("usage", `${format} cannot hold ${wanted}`, { hint: "leave --dtype out" });
    return wanted;
  }
  if (wanted !== undefined && dtypes[dtype].kind === "extended") {
    throw new CheckpointError("unsupported", `${dtype} cannot be made ${wanted}: the file does not say what its bits mean`, {
      tensor: name,
      hint: `leave it out: ${excludeOptions([name], [])}; or leave --dtype out`,
    });
  }
  const held = heldDtype(dtype, holds);
  if (held !== undefined) return held;
  const narrow = dtype === "float64" && holds("float32");
  throw new CheckpointError("unsupported", `${format} cannot hold ${dtype}, nor a type with all its values`, {
    tensor: name,
    hint: narrow ? "--dtype float32 rounds the values" : `leave it out: ${excludeOptions([name], [])}`,
  });
}

/** A type's own name where a target holds it, else the narrowest one there that holds every value; undefined where none does. */
export function heldDtype(dtype: NumericDType, holds: (dtype: NumericDType) => boolean): NumericDType | undefined {
  if (holds(dtype)) return dtype;
  return (dtype === "bool" ? (["uint8", ...ladder] as const) : ladder).find((to) => holds(to) && isExact(dtype, to));
}
