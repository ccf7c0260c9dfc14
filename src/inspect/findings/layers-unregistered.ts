import type { Check } from "./check.ts";

/** The likeliest cause where a file of Paddle or PyTorch holds a head and no convolution. */
export const layersUnregistered: Check = {
  code: "layers-unregistered",
  title: "layers that the framework does not know of, and so never saved",
  needs: "headers",
  async run({ checkpoint, identity }) {
    const network = identity?.network;
    const way = checkpoint.conventions.registers;
    if (network === undefined || way === undefined) return [];
    const convs = network.missing.filter((name) => name.startsWith("conv"));
    if (convs.length === 0 || network.layers.some((layer) => layer.kind === "conv")) return [];
    return [
      {
        code: "layers-unregistered",
        severity: "warning",
        message:
          "the likely cause: the convolutions are kept in a plain Python list or made inside forward, where the framework does not see them; they are drawn anew at every load, so the features differ every time",
        layers: convs,
        fix: `keep them in ${way.container}(…) or call ${way.call} for each, then train again; \`inspect --source model.py\` names the line`,
      },
    ];
  },
};
