import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import { align, alignTensors } from "../../src/model/align/align.ts";
import type { Alignment, AlignSide, NumericInfo } from "../../src/model/align/pairs.ts";
import { identify } from "../../src/model/identify.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import { tinyCheckpoint } from "../support/tiny.ts";

/** Tensors of a format, by name and shape. */
function side(format: string, shapes: Readonly<Record<string, readonly number[]>>): AlignSide {
  const tensors = Object.entries(shapes).map(([name, shape]): NumericInfo => ({ name, shape, dtype: "float32" }));
  return { format, conventions: conventionsOf(format), tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

function renamed(shapes: Readonly<Record<string, readonly number[]>>, name: (key: string) => string): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(shapes).map(([key, shape]) => [name(key), shape]));
}

/** "a → b" of each pair, with what brings the one to the other. */
function pairs({ tensors }: Pick<Alignment, "tensors">): readonly string[] {
  return tensors.map(({ a, b, move }) => `${a.name} → ${b.name}: ${move?.kind ?? "does not fit"}`);
}

/** No VGG: two branches of different widths and a matrix. */
const network = {
  "stem.conv.weight": [8, 3, 5, 5],
  "stem.conv.bias": [8],
  "stem.norm.weight": [8],
  "stem.norm.bias": [8],
  "blocks.0.conv1.weight": [8, 8, 3, 3],
  "blocks.0.conv2.weight": [8, 8, 3, 3],
  "blocks.1.conv1.weight": [8, 8, 3, 3],
  "head.weight": [10, 8],
  "head.bias": [10],
};

describe("names that are equal but for what stands around them", () => {
  test.each(["module.", "model.", "state_dict.", "base_net.", "backbone.", "state_dict.module.model.", "trunk of mine/", "net_", "x:"])(
    "%s",
    (prefix) => {
      const other = side(
        "torch",
        renamed(network, (key) => prefix + key),
      );
      const expected = Object.keys(network).map((key) => `${key} → ${prefix}${key}: copy`);
      expect(pairs(align(side("torch", network), other))).toEqual(expected);
      const back = align(other, side("torch", network));
      expect(back).toMatchObject({ ambiguous: [], onlyA: [], onlyB: [] });
      expect(back.tensors).toHaveLength(expected.length);
    },
  );

  test("one prefix instead of another, another separator, and a suffix that all names have", () => {
    const a = side(
      "torch",
      renamed(network, (key) => `model.${key}`),
    );
    const b = side(
      "torch",
      renamed(network, (key) => `/net/${key.replaceAll(".", "/")}/.value`),
    );
    const found = align(a, b);
    expect(found.tensors).toHaveLength(Object.keys(network).length);
    expect(found).toMatchObject({ ambiguous: [], onlyA: [], onlyB: [] });
  });

  test("the two weights of a recurrent layer are one part twice, and distinguished by their names", () => {
    const layer = { "rnn.weight_ih_l0": [12, 4], "rnn.weight_hh_l0": [12, 4], "rnn.bias_ih_l0": [12], "rnn.bias_hh_l0": [12] };
    const found = align(
      side("torch", layer),
      side(
        "torch",
        renamed(layer, (key) => `module.${key}`),
      ),
    );
    expect(pairs(found)).toEqual(Object.keys(layer).map((key) => `${key} → module.${key}: copy`));
  });

  test("what an optimizer keeps is no layer, though it has a layer's name and shape", () => {
    const layer = { "conv/kernel": [3, 3, 3, 8] };
    const found = align(side("keras-h5", { "optimizer_weights/Adam/conv/kernel": [3, 3, 3, 8] }), side("keras-h5", layer));
    expect(found).toMatchObject({ tensors: [], onlyA: ["optimizer_weights/Adam/conv/kernel"], onlyB: ["conv/kernel"] });
  });

  test("a body in a host: what the host has besides stays its own", () => {
    const body = {
      "0.weight": [8, 3, 3, 3],
      "0.bias": [8],
      "2.weight": [16, 8, 3, 3],
      "2.bias": [16],
      "4.weight": [16, 16, 3, 3],
      "4.bias": [16],
    };
    const host = {
      ...renamed(body, (key) => `base_net.${key}`),
      "extras.0.weight": [8, 16, 1, 1],
      "extras.0.bias": [8],
      "extras.2.weight": [4, 8, 3, 3],
      "extras.2.bias": [4],
    };
    const found = align(side("safetensors", body), side("torch", host));
    expect(pairs(found)).toEqual(Object.keys(body).map((key) => `${key} → base_net.${key}: copy`));
    expect(found.onlyB).toEqual(["extras.0.weight", "extras.0.bias", "extras.2.weight", "extras.2.bias"]);
  });

  test("Caffe's blobs are numbered: 0 is the weight and 1 the bias of a layer, wherever the other side names them", () => {
    const caffe = { "conv1.0": [8, 3, 3, 3], "conv1.1": [8], "fc.0": [4, 8], "fc.1": [4] };
    const torch = { "0.weight": [8, 3, 3, 3], "0.bias": [8], "3.weight": [4, 8], "3.bias": [4] };
    expect(pairs(align(side("caffe", caffe), side("torch", torch)))).toEqual([
      "conv1.0 → 0.weight: copy",
      "conv1.1 → 0.bias: copy",
      "fc.0 → 3.weight: copy",
      "fc.1 → 3.bias: copy",
    ]);
    const norms = { "bn.0": [8], "bn.1": [8] };
    expect(align(side("caffe", norms), side("torch", { "1.weight": [8], "1.bias": [8] })).tensors).toEqual([]);
  });

  test("numbers alone are no evidence: two heads that happen to have one tensor of a shape", () => {
    const loc = { "loc.0.weight": [16, 8, 3, 3], "loc.0.bias": [16], "loc.1.weight": [24, 8, 3, 3], "loc.1.bias": [24] };
    const conf = { "conf.0.weight": [84, 8, 3, 3], "conf.0.bias": [84], "conf.1.weight": [126, 8, 3, 3], "conf.1.bias": [24] };
    expect(align(side("torch", loc), side("torch", conf)).tensors).toEqual([]);
  });

  test("a layer of another size is the same layer", () => {
    const other = side("torch", { ...renamed(network, (key) => `module.${key}`), "module.head.weight": [2, 8], "module.head.bias": [2] });
    expect(pairs(align(side("torch", network), other)).slice(-2)).toEqual([
      "head.weight → module.head.weight: does not fit",
      "head.bias → module.head.bias: does not fit",
    ]);
  });

  test("two branches of one network: refused, with all that each could be", () => {
    const branch = { "conv.weight": [8, 3, 3, 3], "conv.bias": [8] };
    const copies = { ...renamed(branch, (key) => `left.${key}`), ...renamed(branch, (key) => `right.${key}`) };
    expect(align(side("torch", branch), side("torch", copies))).toMatchObject({
      tensors: [],
      ambiguous: [
        { a: ["conv.weight"], b: ["left.conv.weight", "right.conv.weight"] },
        { a: ["conv.bias"], b: ["left.conv.bias", "right.conv.bias"] },
      ],
    });
    const back = align(side("torch", copies), side("torch", branch));
    expect(back.ambiguous).toContainEqual({ a: ["left.conv.weight", "right.conv.weight"], b: ["conv.weight"] });
    expect(back.onlyA).toHaveLength(4);
  });
});

describe("which way round", () => {
  test("frameworks say it: a square matrix of PyTorch is turned for Paddle", () => {
    const found = align(side("torch", { "a.weight": [4, 4] }), side("paddle", { "a.weight": [4, 4] }));
    expect(pairs(found)).toEqual(["a.weight → a.weight: transpose"]);
  });

  test("plain arrays do not: the matrices beside a square do, and without them it stays open", () => {
    const square = { "a.weight": [4, 4] };
    expect(pairs(align(side("torch", square), side("safetensors", square)))).toEqual(["a.weight → a.weight: does not fit"]);
    const straight = align(side("torch", { ...square, "b.weight": [4, 7] }), side("safetensors", { ...square, "b.weight": [4, 7] }));
    expect(pairs(straight)).toEqual(["a.weight → a.weight: copy", "b.weight → b.weight: copy"]);
    const turned = align(side("torch", { ...square, "b.weight": [4, 7] }), side("npz", { ...square, "b.weight": [7, 4] }));
    expect(pairs(turned)).toEqual(["a.weight → a.weight: transpose", "b.weight → b.weight: transpose"]);
  });
});

describe("by structure, inside one parent", () => {
  test("numbered layers of one parent, in the order of their numbers, whatever the order in the file", () => {
    const a = side("safetensors", { "f.10.weight": [6, 5, 3, 3], "f.2.weight": [5, 4, 3, 3], "f.0.weight": [4, 3, 3, 3] });
    const b = side("torch", { "body.conv1.weight": [4, 3, 3, 3], "body.conv2.weight": [5, 4, 3, 3], "body.conv3.weight": [6, 5, 3, 3] });
    expect(pairs(align(a, b))).toEqual([
      "f.0.weight → body.conv1.weight: copy",
      "f.2.weight → body.conv2.weight: copy",
      "f.10.weight → body.conv3.weight: copy",
    ]);
  });

  test("parents that fit one of the other side each; those that fit several are refused", () => {
    const a = { "a.x.weight": [4, 3], "a.y.weight": [5, 4], "b.x.weight": [6, 3], "b.y.weight": [7, 6] };
    const b = { "p.k.weight": [6, 3], "p.l.weight": [7, 6], "q.m.weight": [4, 3], "q.n.weight": [5, 4] };
    expect(pairs(align(side("torch", a), side("torch", b)))).toEqual([
      "a.x.weight → q.m.weight: copy",
      "a.y.weight → q.n.weight: copy",
      "b.x.weight → p.k.weight: copy",
      "b.y.weight → p.l.weight: copy",
    ]);
    const twice = { ...b, "r.m.weight": [4, 3], "r.n.weight": [5, 4] };
    expect(align(side("torch", a), side("torch", twice)).ambiguous).toEqual([
      { a: ["a.x.weight", "a.y.weight"], b: ["q.m.weight", "q.n.weight", "r.m.weight", "r.n.weight"] },
    ]);
  });

  test("a single number, and a single vector among others of its length, say nothing", () => {
    const [a, b] = [side("npz", { w: [1] }), side("npz", { v: [1] })];
    expect(alignTensors([...numbers(a)], [...numbers(b)], a, b)).toEqual({ tensors: [], ambiguous: [] });
    expect(align(side("npz", { p: [2, 3], q: [2, 3] }), side("npz", { z: [2, 3] }))).toMatchObject({
      tensors: [],
      ambiguous: [{ a: ["p", "q"], b: ["z"] }],
    });
  });
});

function* numbers({ tensors }: AlignSide): Generator<NumericInfo> {
  for (const tensor of tensors.values()) if (tensor.dtype !== "string") yield { ...tensor, dtype: tensor.dtype };
}

describe("roles", () => {
  const known = (scheme: string): AlignSide => {
    const { checkpoint } = tinyCheckpoint(scheme);
    return { ...checkpoint, identity: identify(checkpoint) };
  };

  test("go first: two conventions of one network have no name in common", () => {
    const found = align(known("torchvision"), known("tfslim"));
    expect(found.roles.map(({ role }) => role)).toContain("fc6.weight");
    expect(found).toMatchObject({ tensors: [], ambiguous: [], onlyA: [], onlyB: [] });
    expect(found.roles).toHaveLength(22);
  });

  test("a key that both have is one thing, though a layer that one lacks moved the roles behind it", () => {
    const a = known("torchvision");
    const tensors = new Map([...a.tensors].filter(([key]) => !key.startsWith("classifier.3.")));
    const moved = new Map(a.identity?.roles);
    for (const part of ["weight", "bias"] as const) {
      moved.set(`fc7.${part}`, { key: `classifier.6.${part}`, axes: parseAxes(part === "weight" ? "o i" : "o") });
      moved.delete(`fc8.${part}`);
    }
    const identity = a.identity === undefined ? undefined : { ...a.identity, roles: moved };
    const found = align(a, { ...a, tensors, identity });
    expect(found.roles.map(({ role }) => role)).not.toContain("fc7.weight");
    expect(pairs(found)).toEqual(["classifier.6.weight → classifier.6.weight: copy", "classifier.6.bias → classifier.6.bias: copy"]);
    expect(found.onlyA).toEqual(["classifier.3.weight", "classifier.3.bias"]);
    expect(found.onlyB).toEqual([]);
  });

  test("two networks in one file: the same prefix says which is which, names do, or nothing does", () => {
    const one = tinyCheckpoint("torchvision").checkpoint;
    const both = (first: string, second: string): AlignSide => {
      const tensors = [first, second].flatMap((prefix) =>
        [...one.tensors.values()].map((tensor) => ({ name: prefix + tensor.name, dtype: tensor.dtype, shape: tensor.shape })),
      );
      const file = { ...one, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
      return { ...file, identity: identify(file) };
    };
    const found = align(both("left.", "right."), both("right.", "left."));
    expect(found.onlyA).toEqual([]);
    expect(found.roles.every(({ a, b }) => "key" in a && "key" in b && a.key === b.key)).toBe(true);
    expect(found.tensors.every(({ a, b }) => a.name === b.name)).toBe(true);
    const other = align(both("left.", "right."), known("tfslim"));
    expect(other).toMatchObject({ roles: [], tensors: [] });
    expect(other.ambiguous).toHaveLength(1);
    expect(other.ambiguous[0]?.a).toContain("left.features.0.weight");
    expect(other.ambiguous[0]?.a).toContain("right.features.0.weight");
  });
});
