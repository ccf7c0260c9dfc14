import type { Check } from "./check.ts";

/** Outputs of the published networks: ImageNet's classes, the identities of VGG-Face and of VGGFace2. */
const published: ReadonlyMap<number, string> = new Map([
  [1000, "ImageNet"],
  [2622, "VGG-Face"],
  [8631, "VGGFace2"],
]);

/** A head of another number of classes: trained anew, so the published list of names does not fit. */
export const classesUnusual: Check = {
  code: "classes-unusual",
  title: "a number of classes that no published VGG has",
  needs: "headers",
  async run({ identity }) {
    const classes = identity?.network.classes;
    if (classes === undefined || published.has(classes)) return [];
    const known = [...published].map(([count, name]) => `${count} (${name})`).join(", ");
    const slim = classes === 1001 ? "; 1001 is ImageNet with a background class in front, as other networks of tf-slim have it" : "";
    return [
      {
        code: "classes-unusual",
        severity: "info",
        message: `the last layer has ${classes} outputs; published networks have ${known}${slim}`,
        layers: [identity?.network.layers.filter((layer) => layer.kind === "fc").at(-1)?.name ?? "fc8"],
      },
    ];
  },
};
