import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";

/** Other layers where a VGG's head would be: somebody's own head on its features, in a host that is not known. */
export const headReplaced: Check = {
  code: "head-replaced",
  title: "the last layer of the published network has been replaced by others",
  needs: "headers",
  async run({ checkpoint, identity }) {
    if (identity === undefined || identity.complete || identity.host !== undefined || identity.missing.length > 0) return [];
    const others = identity.others.filter((name) => (checkpoint.tensors.get(name)?.shape.length ?? 0) > 0);
    if (others.length === 0) return [];
    return [
      {
        code: "head-replaced",
        severity: "info",
        message: `behind ${identity.through} are ${others.length} tensors of ${identity.foreign.length} other layers: ${few(others)}`,
        layers: others,
        fix: "convert carries them along into plain tensor files; for a network target --part body leaves them out",
      },
    ];
  },
};
