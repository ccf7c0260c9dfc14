import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";
import { groupedDigits } from "./numbers.ts";

export const notFinite: Check = {
  code: "not-finite",
  title: "tensors that hold NaN or infinities",
  needs: "statistics",
  async run({ statistics }) {
    const found = [...(statistics ?? [])].filter(([, { nan, inf }]) => nan + inf > 0);
    if (found.length === 0) return [];
    const parts = found.map(([name, { nan, inf, count }]) => {
      const parts = [nan > 0 ? `${groupedDigits(nan)} NaN` : "", inf > 0 ? `${groupedDigits(inf)} infinite` : ""];
      return `${name} (${parts.filter((part) => part !== "").join(", ")} of ${groupedDigits(count)})`;
    });
    return [
      {
        code: "not-finite",
        severity: "error",
        message: `${found.length === 1 ? "1 tensor holds" : `${found.length} tensors hold`} values that are no numbers: ${few(parts)}`,
        layers: found.map(([name]) => name),
        fix: "take a checkpoint from before the training diverged, or lower the learning rate",
      },
    ];
  },
};
