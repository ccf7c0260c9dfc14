import { describe, expect, test } from "vitest";
import { identify } from "../../src/model/identify.ts";
import { without } from "../support/recognition/edit.ts";
import { inHosts } from "../support/recognition/in-hosts.ts";
import { madeFaults } from "../support/recognition/made-faults.ts";
import { isDecided, noVgg } from "../support/recognition/no-vgg.ts";
import { spelled, spellings } from "../support/recognition/spell.ts";

/* Networks by the names and shapes of their publications; `npm run collections -- recognition --property made` tries each in every spelling. */

const all = Object.entries(spellings);

describe("networks that are no VGG", () => {
  test("there are some two hundred", () => expect(new Set(noVgg.map(({ name }) => name)).size).toBeGreaterThanOrEqual(200));

  // Each network in one spelling, every spelling in turn.
  test.each(all.map(([spelling, how], i) => [spelling, how, i] as const))("none is called one: %s", (spelling, how, i) => {
    const mine = noVgg.filter(({ name }, n) => n % all.length === i && !isDecided(name, spelling));
    const claimed = mine.filter(({ layers }) => identify(spelled(layers, how).checkpoint) !== undefined);
    expect(claimed.map(({ name }) => name)).toEqual([]);
  });
});

describe("networks with a VGG in them", () => {
  test.each(inHosts.map((host) => [host.name, host] as const))("%s", (_, host) => {
    const faults = ["torch", "keras", "layers, counted"].flatMap((spelling) =>
      madeFaults(host, spelling).map((fault) => `${spelling}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });
});

test("a body that has lost its head does not take another's", () => {
  const host = inHosts.find(({ name }) => name === "two streams");
  const how = spellings["torch"];
  if (host === undefined || how === undefined) throw new Error("no such host");
  const { checkpoint } = spelled(host.layers, how);
  const head = [...checkpoint.tensors.keys()].filter((key) => key.startsWith("spatial.classifier."));
  const identity = identify(without(checkpoint, new Set(head)));
  const fc6 = identity?.bodies.map(({ roles }) => roles.get("fc6.weight"));
  expect(fc6).toMatchObject([undefined, { key: "temporal.classifier.0.weight" }]);
  expect(identity?.complete).toBe(false);
});

describe("what is beside a weight", () => {
  const vgg = inHosts.find(({ name }) => name === "VGG-16 of torchvision");
  const how = spellings["torch"];
  if (vgg === undefined || how === undefined) throw new Error("no such host");
  const plain = spelled(vgg.layers, how).checkpoint;
  /** Each kernel under other names. */
  const kept = (parts: (key: string, shape: readonly number[]) => readonly (readonly [string, readonly number[]])[]): typeof plain => ({
    ...plain,
    tensors: new Map(
      [...plain.tensors.values()].flatMap((tensor) => {
        const made =
          tensor.shape.length === 4 ? parts(tensor.name.replace(/\.weight$/, ""), tensor.shape) : [[tensor.name, tensor.shape] as const];
        return made.map(([name, shape]) => [name, { ...tensor, name, shape }] as const);
      }),
    ),
  });

  test.each<[name: string, suffixes: readonly string[]]>([
    ["weight norm", ["weight_g", "weight_v"]],
    ["torch's parametrizations", ["parametrizations.weight.original0", "parametrizations.weight.original1"]],
    ["pruning", ["weight_orig", "weight_mask"]],
  ])("%s keeps no weight that could be taken as it is", (_, suffixes) => {
    expect(identify(kept((key, shape) => suffixes.map((suffix) => [`${key}.${suffix}`, shape])))).toBeUndefined();
  });

  test("adapters and slopes leave the network incomplete", () => {
    const adapted = kept((key, shape) => [
      [`${key}.weight`, shape],
      [`${key}.lora_A`, [8, 27]],
    ]);
    expect(identify(adapted)).toMatchObject({ complete: false, unread: expect.arrayContaining(["features.0.lora_A"]) });
    const slope = {
      ...plain,
      tensors: new Map([
        ...plain.tensors,
        ["features.1.weight", { name: "features.1.weight", dtype: "float32", shape: [64], parts: async () => [] }],
      ]),
    } as const;
    expect(identify(slope)?.complete).toBe(false);
  });
});
