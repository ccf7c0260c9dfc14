import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import type { DescribedCheckpoint } from "../../src/model/described.ts";
import { identify } from "../../src/model/identify.ts";
import type { Identity } from "../../src/model/identity.ts";
import { isRole } from "../../src/model/role.ts";
import type { Slot } from "../../src/model/scheme.ts";
import type { LayerRecord } from "../../src/tensor/checkpoint.ts";
import { type ExpectedCase, expectedCases } from "../support/expected.ts";
import { golden } from "../support/paths.ts";

/** A tensor of two names was stored once; the file's metadata has the name that was left out. */
const metadataOf = new Map([
  [
    "vgg16-64x96/safetensors-tied",
    new Map([
      ["classifier.3.bias", "alias.bias"],
      ["classifier.3.weight", "alias.weight"],
    ]),
  ],
]);

function described(expected: ExpectedCase, layers: readonly LayerRecord[] = []): DescribedCheckpoint {
  const metadata = metadataOf.get(expected.name) ?? new Map();
  return { format: expected.format, conventions: conventionsOf(expected.format), tensors: expected.tensors, layers, metadata };
}

const layer = (name: string, type: string, format: string): LayerRecord => ({
  name,
  type,
  attributes: new Map([["data_format", format]]),
  inputs: [],
  tensors: [],
});

/** Of this one only the configuration says that Flatten does not move the channels; tensors alone cannot. */
const flattenLayers = new Map([
  [
    "vgg16-64x96/keras2-channels-first-plain",
    [layer("block1_conv1", "Conv2D", "channels_first"), layer("flatten", "Flatten", "channels_last")],
  ],
]);

function slotOf(identity: Identity, role: string): Slot | undefined {
  return isRole(role) ? identity.roles.get(role) : undefined;
}

/** A role's slot in the notation of expected.json. */
function spell(identity: Identity, role: string): readonly [key: string, axes: string] | undefined {
  const moments = role.endsWith(".bn.moments");
  const slot = slotOf(identity, moments ? role.replace("moments", "mean") : role);
  if (slot === undefined || "constant" in slot) return undefined;
  if (moments) return [slot.key, slot.axes.text === "o s" ? "o mean|sigma" : slot.axes.text];
  return [slot.key, slot.over === undefined ? slot.axes.text : `${slot.axes} * 1024`];
}

function wrongRoles(expected: ExpectedCase): readonly string[] {
  const identity = identify(described(expected, flattenLayers.get(expected.name)));
  if (identity === undefined) return ["not recognised"];
  const wrong: string[] = [];
  for (const [role, [key, axes]] of expected.roles) {
    const found = spell(identity, role);
    const flip = slotOf(identity, role);
    const flipped = flip !== undefined && "flip" in flip && flip.flip !== undefined;
    if (found?.[0] !== key || found[1] !== axes) wrong.push(`${role}: ${found?.join(" ")} for ${key} ${axes}`);
    if (flipped !== expected.flipped.has(role)) wrong.push(`${role}: flipped ${flipped}`);
  }
  return wrong;
}

describe.skipIf(golden === undefined)("identify on the golden checkpoints", () => {
  const cases = golden === undefined ? [] : expectedCases(golden);
  const networks = cases.filter((expected) => expected.roles.size > 3);

  test.each(networks.map((expected): [string, ExpectedCase] => [expected.name, expected]))("%s: every role", (_, expected) => {
    expect(wrongRoles(expected)).toEqual([]);
  });
});
