import { kindOf } from "../../model/kinds.ts";
import { dtypes } from "../../tensor/dtype.ts";
import { isNumeric } from "../../tensor/tensor.ts";
import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";

/** Weights of more than one floating type: half a conversion, or a head trained in another precision. */
export const mixedDtype: Check = {
  code: "mixed-dtype",
  title: "weights of more than one floating type",
  needs: "headers",
  async run({ checkpoint, identity }) {
    if (identity === undefined) return [];
    const byType = new Map<string, string[]>();
    for (const tensor of checkpoint.tensors.values()) {
      if (!isNumeric(tensor) || kindOf(tensor) !== "parameter" || dtypes[tensor.dtype].kind !== "float") continue;
      byType.set(tensor.dtype, [...(byType.get(tensor.dtype) ?? []), tensor.name]);
    }
    if (byType.size < 2) return [];
    const sorted = [...byType].sort(([, a], [, b]) => b.length - a.length);
    const minority = sorted.slice(1).flatMap(([, names]) => names);
    return [
      {
        code: "mixed-dtype",
        severity: "warning",
        message: `the weights are ${sorted.map(([type, names]) => `${type} (${names.length})`).join(" and ")}: ${few(minority)} ${minority.length === 1 ? "differs" : "differ"} from the rest`,
        layers: minority,
        fix: `convert with --dtype ${sorted[0]?.[0] === "float64" ? "float32" : (sorted[0]?.[0] ?? "float32")} makes them one`,
      },
    ];
  },
};
