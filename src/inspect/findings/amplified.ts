import { amplificationText } from "../../tensor/amplified.ts";
import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";

/** Tensors of which the file holds a tiny part: whoever reads them waits for hours, whoever converts them fills a disk. */
export const amplified: Check = {
  code: "amplified",
  title: "tensors of more than 64 MiB that are over 2,000 times what the file stores of them",
  needs: "headers",
  async run({ checkpoint }) {
    const found = [...(checkpoint.amplified ?? [])];
    const [first] = found;
    if (first === undefined) return [];
    const [name, amplification] = first;
    const guarded = found.some(([, each]) => each.guarded);
    const others = found.length === 1 ? "" : `, ${few(found.slice(1).map(([other]) => other))} likewise`;
    return [
      {
        code: "amplified",
        severity: "warning",
        message: `${name}: ${amplificationText(amplification)}${others}${guarded ? "; the values are not read" : ""}`,
        layers: found.map(([each]) => each),
        ...(guarded ? { fix: "--amplified reads the values all the same, which may take hours" } : {}),
      },
    ];
  },
};
