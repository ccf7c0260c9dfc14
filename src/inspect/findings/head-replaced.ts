import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";

/** Layers behind fc7 that are not VGG's fc8: somebody's own head on a VGG's features. */
export const headReplaced: Check = {
  code: "head-replaced",
  title: "the last layer of the published network has been replaced by others",
  needs: "headers",
  async run({ checkpoint, identity }) {
    if (identity === undefined || identity.network.complete || identity.network.missing.length > 0) return [];
    const others = identity.others.filter((name) => (checkpoint.tensors.get(name)?.shape.length ?? 0) > 0);
    const last = identity.network.layers.filter((layer) => layer.kind === "fc").at(-1)?.name ?? "the features";
    return [
      {
        code: "head-replaced",
        severity: "info",
        message: `behind ${last} stand ${others.length} tensors of other layers: ${few(others)}`,
        layers: others,
        fix: "convert carries them along into plain tensor files; for a network target leave them out with --exclude",
      },
    ];
  },
};
