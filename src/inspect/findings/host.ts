import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";

/** The VGG is a part of another network, whose own keys are known (model/hosts). */
export const host: Check = {
  code: "host",
  title: "the VGG is a part of another network",
  needs: "headers",
  async run({ identity }) {
    if (identity?.host === undefined) return [];
    const { name, key } = identity.host;
    const layers = identity.foreign.flatMap(({ tensors }) => tensors);
    const rest = layers.length === 0 ? "" : `; ${layers.length} tensors are the host's: ${few(layers)}`;
    return [
      {
        code: "host",
        severity: "info",
        message: `inside: ${name}, by ${key}; the VGG in it goes to ${identity.through}${rest}`,
        layers,
        ...(layers.length === 0
          ? {}
          : {
              fix: "convert carries the host's tensors along into plain tensor files; for a network target --part body leaves them out",
            }),
      },
    ];
  },
};
