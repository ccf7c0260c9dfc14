import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import { isExact } from "../../tensor/move/cast.ts";
import { escaped } from "../../text/excluding.ts";
import { leavingOut, Refusal, type Way } from "../../text/refusal.ts";

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
    if (!holds(wanted)) throw new Refusal("usage", `${format} cannot hold ${wanted}`, [leavingOut("dtype")]);
    return wanted;
  }
  if (wanted !== undefined && dtypes[dtype].kind === "extended") {
    const message = `${dtype} cannot be made ${wanted}: the file does not say what its bits mean`;
    throw new Refusal("unsupported", message, [without(name), leavingOut("dtype")], { tensor: name });
  }
  const held = heldDtype(dtype, holds);
  if (held !== undefined) return held;
  const narrow = dtype === "float64" && holds("float32");
  const rounded: Way = { options: { dtype: "float32" }, say: (options) => `${options} rounds the values` };
  const message = `${format} cannot hold ${dtype}, nor a type with all its values`;
  throw new Refusal("unsupported", message, [narrow ? rounded : without(name)], { tensor: name });
}

function without(name: string): Way {
  return { options: { exclude: [escaped(name)] }, say: (options) => `leave it out: ${options}` };
}

/** A type's own name where a target holds it, else the narrowest one there that holds every value; undefined where none does. */
export function heldDtype(dtype: NumericDType, holds: (dtype: NumericDType) => boolean): NumericDType | undefined {
  if (holds(dtype)) return dtype;
  return (dtype === "bool" ? (["uint8", ...ladder] as const) : ladder).find((to) => holds(to) && isExact(dtype, to));
}
