import { describe, expect, test } from "vitest";
import { identify } from "../../src/model/identify.ts";
import { without } from "../support/recognition/edit.ts";
import { inHosts } from "../support/recognition/in-hosts.ts";
import { body, dense } from "../support/recognition/made.ts";
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
  const how = spellings.torch;
  if (host === undefined || how === undefined) throw new Error("no such host");
  const { checkpoint } = spelled(host.layers, how);
  const head = [...checkpoint.tensors.keys()].filter((key) => key.startsWith("spatial.classifier."));
  const identity = identify(without(checkpoint, new Set(head)));
  const fc6 = identity?.bodies.map(({ roles }) => roles.get("fc6.weight"));
  expect(fc6).toMatchObject([undefined, { key: "temporal.classifier.0.weight" }]);
  expect(identity?.complete).toBe(false);
});

describe("a host without a layer of its head", () => {
  const lacking = (name: string, gone: RegExp): ReturnType<typeof identify> => {
    const host = inHosts.find((each) => each.name === name);
    const how = spellings.torch;
    if (host === undefined || how === undefined) throw new Error("no such host");
    const { checkpoint } = spelled(host.layers, how);
    return identify(without(checkpoint, new Set([...checkpoint.tensors.keys()].filter((key) => gone.test(key)))));
  };
  const missing = (identity: ReturnType<typeof identify>): readonly string[] | undefined => identity?.missing.map(({ role }) => role);

  test("SSD's own names keep fc6 where fc7 is gone", () => {
    const identity = lacking("SSD512", /^vgg\.33\./);
    expect(identity?.roles.get("fc6.weight")).toMatchObject({ key: "vgg.31.weight" });
    expect(missing(identity)).toEqual(["fc7"]);
  });

  test("classifier.3 takes what a lost layer gave", () => {
    const identity = lacking("two dense layers of its own", /^classifier\.0\./);
    expect(identity?.roles.get("fc7.weight")).toMatchObject({ key: "classifier.3.weight" });
    expect(missing(identity)).toEqual(["fc6"]);
  });

  test("a lone bias of the classifier has lost its weight", () => {
    expect(missing(lacking("global pool and one dense layer", /^classifier\.weight/))).toEqual(["fc6.weight"]);
  });

  test("a classifier without a bias, where every convolution has one, may have been made so", () => {
    const identity = lacking("global pool and one dense layer", /^classifier\.bias/);
    expect(identity?.missing).toMatchObject([{ role: "fc6.bias", likelihood: "possible" }]);
    expect(identity?.complete).toBe(false);
  });

  test("a perceptual loss names the convolution that its numbers leave a gap for", () => {
    expect(missing(lacking("perceptual loss to relu3_3", /^vgg\.features\.7\./))).toEqual(["conv2_2"]);
  });
});

test.each([
  ["a convolution", /^features\.7\./],
  ["fc7", /^classifier\.3\./],
])("the scheme is named without %s: the others have its names", (_, gone) => {
  const host = inHosts.find(({ name }) => name === "VGG-16 of torchvision");
  const how = spellings.torch;
  if (host === undefined || how === undefined) throw new Error("no such host");
  const { checkpoint } = spelled(host.layers, how);
  const identity = identify(without(checkpoint, new Set([...checkpoint.tensors.keys()].filter((key) => gone.test(key)))));
  expect([identity?.scheme, identity?.complete]).toEqual(["torchvision", false]);
});

test("units of stages, and dense layers in modules of their own", () => {
  const how = spellings.torch;
  if (how === undefined) throw new Error("no such spelling");
  const layers = [
    ...body("D", "features.stage{b}.unit{n}.conv", { norm: (path) => path.replace(/conv$/, "bn") }),
    ...dense("fc6=output.fc1.fc fc7=output.fc2.fc fc8=output.fc3", 25088, 4096, 4096, 1000),
  ];
  const identity = identify(spelled(layers, how).checkpoint);
  expect(identity?.network).toMatchObject({ name: "VGG-16 with batch norm", classes: 1000, complete: true });
  expect(identity?.roles.get("fc7.weight")).toMatchObject({ key: "output.fc2.fc.weight" });
});

describe("what is beside a weight", () => {
  const vgg = inHosts.find(({ name }) => name === "VGG-16 of torchvision");
  const how = spellings.torch;
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
