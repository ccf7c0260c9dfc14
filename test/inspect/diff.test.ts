import { describe, expect, test } from "vitest";

import { type DiffRecord, diffCheckpoints, type DiffSide as Side } from "../../src/inspect/diff.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { identify } from "../../src/model/identify.ts";
import type { Role, RolePart } from "../../src/model/role.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { itemsize } from "../../src/tensor/dtype.ts";
import { castValues } from "../../src/tensor/move/cast.ts";
import { Random } from "../support/random.ts";
import { laidOut, tensorOf, tinyCheckpoint } from "../support/tiny.ts";
import { type SmallTensor, smallVgg, trained } from "../support/vgg.ts";

const ctx = createContext({ memory: 1 << 16 });

function side(checkpoint: Checkpoint): Side {
  const identity = identify(checkpoint);
  if (identity === undefined) throw new Error("the test's network is not recognised");
  return { checkpoint, identity };
}

/** The trained network, in which some tensors' values are replaced. */
function network(
  change: (values: Float32Array, tensor: SmallTensor) => Float32Array = (values) => values,
  heads?: readonly number[],
): Side {
  const fill = trained(new Random(21));
  return side(smallVgg((tensor) => change(fill(tensor), tensor), heads));
}

/** One tensor's values, index by index, from those of another order of axes. */
function permuted(values: Float32Array, shape: readonly number[], from: (index: number[]) => number[]): Float32Array {
  const strides = shape.map((_, k) => shape.slice(k + 1).reduce((product, size) => product * size, 1));
  return values.map((_, flat) => {
    const index = shape.map((size, k) => Math.floor(flat / (strides[k] ?? 1)) % size);
    return values[from(index).reduce((sum, at, k) => sum + at * (strides[k] ?? 1), 0)] ?? 0;
  });
}

const original = network();

test("equal networks, record by record", async () => {
  const found = await diffCheckpoints(original, network(), ctx);
  expect(found).toMatchObject({ schema: "vggtool/diff/1", equal: true, onlyA: [], onlyB: [], explanations: [] });
  expect(found.tensors).toHaveLength(22);
  expect(found.tensors[0]).toEqual({
    role: "conv1_1.weight",
    a: "features.0.weight",
    b: "features.0.weight",
    by: "role",
    move: "copy",
    maxAbs: 0,
    maxRel: 0,
    meanAbs: 0,
    cosine: 1,
    differing: 0,
    equal: true,
  });
});

/** A tiny VGG-11 of a scheme; `value` says what stands at each place of each role. */
interface Broken {
  readonly scheme?: string;
  readonly batchNorm?: boolean;
  readonly value?: typeof noise;
}

/** An independent value for each place. */
function noise(role: Role, o: number, i: number, h: number, w: number): number {
  const seed = [...role].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 65_521, 7);
  return new Random(seed * 65_536 + ((o * 16 + i) * 16 + h) * 16 + w + 1).next() - 0.5;
}

/** Variances and factors are positive, as real ones are. */
function values(role: Role, o: number, i: number, h: number, w: number): number {
  return noise(role, o, i, h, w) + (/bn\.(var|weight)$/.test(role) ? 1 : 0);
}

function built({ scheme = "torchvision", batchNorm = false, value = values }: Broken): Side {
  const { checkpoint, network } = tinyCheckpoint(scheme, { batchNorm });
  const found = side(checkpoint);
  const tensors = new Map(checkpoint.tensors);
  for (const [role, slot] of found.identity?.roles ?? []) {
    if ("constant" in slot) continue;
    const { shape, values: filled } = laidOut(role, slot.axes.text, network, value);
    tensors.set(slot.key, tensorOf(slot.key, "float32", shape, filled));
  }
  return side({ ...checkpoint, tensors });
}

/** One role's values from elsewhere. */
function moved(wanted: RegExp, from: (o: number, i: number, h: number, w: number) => readonly [number, number, number, number]) {
  return (role: Role, o: number, i: number, h: number, w: number): number =>
    values(role, ...(wanted.test(role) ? from(o, i, h, w) : ([o, i, h, w] as const)));
}

/** Place k of fc6's inputs, 6 channels of 2 × 3 places, counted as the first order says, read as the second says. */
const flattened = {
  chw: {
    count: (i: number, h: number, w: number) => (i * 2 + h) * 3 + w,
    read: (k: number) => [Math.floor(k / 6), Math.floor(k / 3) % 2, k % 3],
  },
  hwc: {
    count: (i: number, h: number, w: number) => (h * 3 + w) * 6 + i,
    read: (k: number) => [k % 6, Math.floor(k / 18), Math.floor(k / 6) % 3],
  },
  whc: {
    count: (i: number, h: number, w: number) => (w * 2 + h) * 6 + i,
    read: (k: number) => [k % 6, Math.floor(k / 6) % 2, Math.floor(k / 12)],
  },
} as const;

function reordered(stands: keyof typeof flattened, meant: keyof typeof flattened): typeof noise {
  return moved(/^fc6\.weight$/, (o, i, h, w) => {
    const [from = 0, row = 0, column = 0] = flattened[meant].read(flattened[stands].count(i, h, w));
    return [o, from, row, column];
  });
}

/** γ ÷ √(σ² + ε) in the weights, and the rest in the biases. */
const folded: typeof noise = (role, o, i, h, w) => {
  const conv = /^(conv\d_\d)\.(weight|bias)$/.exec(role)?.[1];
  if (conv === undefined) return values(role, o, i, h, w);
  const part = (leaf: RolePart): number => values(`${conv}.${leaf}`, o, 0, 0, 0);
  const scale = part("bn.weight") / Math.sqrt(part("bn.var") + 1e-5);
  return role.endsWith("weight") ? values(role, o, i, h, w) * scale : (part("bias") - part("bn.mean")) * scale + part("bn.bias");
};

/** conv1_1 with three channels that hardly differ. */
const grey: typeof noise = (role, o, i, h, w) =>
  role === "conv1_1.weight" ? noise(role, o, 0, h, w) + 0.2 * noise(`colour ${role}`, o, i, h, w) : values(role, o, i, h, w);

/** conv2_1 (3 × 3 × 2 × 3 in TensorFlow) and fc8 (8 × 9): what lies at a place of torch's arrays is what lies there in TensorFlow's. */
const reshaped: typeof noise = (role, o, i, h, w) => {
  if (role === "fc8.weight") {
    const at = o * 8 + i;
    return values(role, at % 9, Math.floor(at / 9), 0, 0);
  }
  if (role !== "conv2_1.weight") return values(role, o, i, h, w);
  const at = ((o * 2 + i) * 3 + h) * 3 + w;
  return values(role, at % 3, Math.floor(at / 3) % 2, Math.floor(at / 18), Math.floor(at / 6) % 3);
};

const of =
  (change: (role: Role, value: number) => number): typeof noise =>
  (role, o, i, h, w) =>
    change(role, values(role, o, i, h, w));

describe("what sets two networks apart, in words", () => {
  test.each<readonly [title: string, a: Broken, b: Broken, explanations: readonly (string | RegExp)[]]>([
    ["fc6 rows in another order", {}, { value: reordered("chw", "hwc") }, ["fc6 rows are in h,w,c order in B"]],
    [
      "the same, seen from the other scheme",
      { scheme: "tfslim-dense" },
      { value: reordered("chw", "hwc") },
      ["fc6 rows are in h,w,c order in B"],
    ],
    [
      "width before height",
      { scheme: "tfslim" },
      { scheme: "tfslim-dense", value: reordered("hwc", "whc") },
      ["fc6 rows are in w,h,c order in B"],
    ],
    [
      "both heads in conv form",
      { scheme: "tfslim" },
      { scheme: "tfslim", value: reordered("hwc", "chw") },
      ["fc6 rows are in c,h,w order in B"],
    ],
    ["one head in conv form", {}, { scheme: "tfslim", value: reordered("hwc", "chw") }, ["fc6 rows are in c,h,w order in B"]],
    [
      "BGR of filters that look alike in all colours, as trained ones do",
      { value: grey },
      { value: (role, o, i, h, w) => grey(role, o, role === "conv1_1.weight" ? 2 - i : i, h, w) },
      ["channels are BGR in B"],
    ],
    ["BGR", {}, { value: moved(/^conv1_1\.weight$/, (o, i, h, w) => [o, 2 - i, h, w]) }, ["channels are BGR in B"]],
    [
      "rotated kernels",
      {},
      { value: moved(/^conv.*\.weight$/, (o, i, h, w) => [o, i, 2 - h, 2 - w]) },
      ["kernels are rotated by 180° in B: conv1_1, conv2_1, conv3_1, conv3_2, conv4_1, conv4_2 and 2 more"],
    ],
    [
      "rows and columns of a kernel",
      {},
      { value: moved(/^conv2_1\.weight$/, (o, i, h, w) => [o, i, w, h]) },
      ["kernel rows and columns are swapped in B (transposed): conv2_1"],
    ],
    [
      "arrays reshaped where they should have been transposed",
      { scheme: "tfslim-dense" },
      { value: reshaped },
      ["values are in A's order under B's shape (reshaped, not transposed): conv2_1, fc8"],
    ],
    [
      "folded batch norm",
      { batchNorm: true },
      { value: folded },
      [/^batch norm is folded into the 8 convolutions in B \(weights and biases agree within \S+ of the largest\)$/],
    ],
    [
      "folded, but for one bias",
      { batchNorm: true },
      { value: (role, o, i, h, w) => (role === "conv2_1.bias" ? noise("other.bias", o, i, h, w) : folded(role, o, i, h, w)) },
      [/^batch norm is folded into the 8 convolutions in B \(weights and 7 of the biases/, /^conv2_1\.bias differs: cosine/],
    ],
    [
      "a head trained anew",
      {},
      { value: (role, o, i, h, w) => (/^fc8/.test(role) ? noise(`new ${role}`, o, i, h, w) : values(role, o, i, h, w)) },
      [/^the head was replaced: fc8 \(cosine 0\.\d\d at most\); the weights of the other 10 layers are equal$/],
    ],
    [
      "another network",
      {},
      { value: (role, o, i, h, w) => noise(`new ${role}`, o, i, h, w) },
      [/^values have nothing in common in conv1_1, conv2_1, .* \(cosine 0\.\d\d at most\)$/],
    ],
    [
      "a factor",
      {},
      { value: of((role, value) => (role === "conv1_1.weight" ? 255 * value : value)) },
      ["conv1_1.weight is 255 times as large in B"],
    ],
    [
      "two biases in each other's place",
      {},
      { value: (role, ...at) => values(role === "conv3_1.bias" ? "conv3_2.bias" : role === "conv3_2.bias" ? "conv3_1.bias" : role, ...at) },
      ["conv3_1.bias and conv3_2.bias are swapped in B (equal)"],
    ],
    [
      "small changes, of which nothing tells the cause",
      {},
      {
        value: (role, o, i, h, w) =>
          values(role, o, i, h, w) + (/^fc[67]\.weight$/.test(role) ? 0.02 * noise(`more ${role}`, o, i, h, w) : 0),
      },
      [
        /^fc6\.weight, fc7\.weight differ: cosine 0\.999\d( to 0\.999\d)?, largest difference [12](\.\d)? %( to 2(\.\d)? %)? of the largest value; no rounding, factor or order of axes that was tried gives one from the other$/,
      ],
    ],
  ])("%s", async (_title, a, b, explanations) => {
    const found = await diffCheckpoints(built(a), built(b), ctx);
    expect(found.equal).toBe(false);
    expect(found.explanations).toEqual(explanations.map((text) => (typeof text === "string" ? text : expect.stringMatching(text))));
  });
});

describe("explanations", () => {
  test("a transposed square fc7", async () => {
    const square = [320, 48, 48, 10];
    const a = network(undefined, square);
    const b = network(
      (values, { layer, part, shape }) =>
        layer === "classifier.3" && part === "weight" ? permuted(values, shape, ([o = 0, i = 0]) => [i, o]) : values,
      square,
    );
    expect((await diffCheckpoints(a, b, ctx)).explanations).toEqual(["inputs and outputs are swapped in B (transposed): fc7"]);
  });

  test("a replaced head, of the same size and of another", async () => {
    const random = new Random(5);
    const fresh = network((values, { layer }) => (layer === "classifier.6" ? values.map(() => random.next() - 0.5) : values));
    expect((await diffCheckpoints(original, fresh, ctx)).explanations).toEqual([
      expect.stringMatching(/^the head was replaced: fc8 \(cosine/),
    ]);
    const smaller = network(undefined, [320, 48, 40, 3]);
    const found = await diffCheckpoints(original, smaller, ctx);
    expect(found.explanations[0]).toBe("the head was replaced: fc8; the weights of the other 10 layers are equal");
    expect(found.explanations[1]).toBe("fc8.weight has shape [10, 40] in A and [3, 40] in B");
    expect(found.tensors.find(({ role }) => role === "fc8.weight")).toMatchObject({ maxAbs: null, cosine: null, equal: false });
  });

  test.each<NumericDType>(["float16", "bfloat16"])("values rounded to %s, though stored as float32 or not", async (dtype) => {
    const stored = new Map(
      [...original.checkpoint.tensors].map(([name, tensor]) => {
        const bytes = new Uint8Array(tensor.shape.reduce((product, size) => product * size, itemsize(dtype)));
        return [name, { tensor, bytes }] as const;
      }),
    );
    const fill = trained(new Random(21));
    const asFloat32 = smallVgg((spec) => {
      const values = fill(spec);
      const narrow = new Uint8Array(values.length * 2);
      castValues({ bytes: new Uint8Array(values.buffer), dtype: "float32" }, { bytes: narrow, dtype }, values.length);
      stored.get(`${spec.layer}.${spec.part}`)?.bytes.set(narrow);
      const wide = new Float32Array(values.length);
      castValues({ bytes: narrow, dtype }, { bytes: new Uint8Array(wide.buffer), dtype: "float32" }, values.length);
      return wide;
    });
    const tensors = new Map(
      [...stored].map(([name, { tensor, bytes }]) => [name, contiguous({ name, dtype, shape: tensor.shape, source: memorySource(bytes) })]),
    );
    for (const other of [side(asFloat32), side({ ...asFloat32, tensors })]) {
      const { explanations } = await diffCheckpoints(original, other, ctx);
      expect(explanations).toHaveLength(1);
      expect(explanations[0]).toContain(`are rounded to ${dtype} in B`);
    }
  });

  test("two layers that stand in each other's place", async () => {
    const widths = [6, 8, 8, 8, 8, 8, 8, 20];
    const swap = new Map([
      ["features.6", "features.8"],
      ["features.8", "features.6"],
    ]);
    const values = new Map<string, Float32Array>();
    const fill = trained(new Random(22));
    const a = side(
      smallVgg(
        (tensor) => {
          const made = fill(tensor);
          values.set(`${tensor.layer}.${tensor.part}`, made);
          return made;
        },
        undefined,
        widths,
      ),
    );
    const b = side(
      smallVgg(({ layer, part }) => values.get(`${swap.get(layer) ?? layer}.${part}`) ?? new Float32Array(), undefined, widths),
    );
    expect((await diffCheckpoints(a, b, ctx)).explanations).toContain("conv3_1 and conv3_2 are swapped in B (equal)");
  });
});

describe("networks that are not recognised", () => {
  const plain = (values: readonly number[], name = "w"): Side => {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    const tensor = contiguous({ name, dtype: "float32", shape: [values.length], source: memorySource(bytes) });
    return { checkpoint: { ...original.checkpoint, tensors: new Map([[name, tensor]]) } };
  };

  test("align by name", async () => {
    expect(await diffCheckpoints(plain([1, 2]), plain([1, 2]), ctx)).toMatchObject({
      equal: true,
      tensors: [{ role: null, a: "w", b: "w", move: "copy" }],
    });
    expect(await diffCheckpoints(plain([1, 2]), plain([1, 4]), ctx)).toMatchObject({
      equal: false,
      tensors: [{ maxAbs: 2, differing: 1 }],
    });
  });

  test("with no name in common are refused", async () => {
    await expect(diffCheckpoints(plain([1]), plain([1], "v"), ctx)).rejects.toMatchObject({ code: "mismatch" });
  });
});

describe("what is compared", () => {
  const wrong = network((values, { layer }) => (layer === "classifier.6" ? values.map((value) => value * 1.001) : values));
  const roles = ({ tensors }: DiffRecord): readonly (string | null)[] => tensors.map(({ role, a }) => role ?? a);

  test("--filter takes keys and roles of either side", async () => {
    expect(roles(await diffCheckpoints(original, wrong, ctx, { filter: ["fc6"] }))).toEqual(["fc6.weight", "fc6.bias"]);
    expect(roles(await diffCheckpoints(original, wrong, ctx, { filter: ["classifier.*.bias"] }))).toEqual([
      "fc6.bias",
      "fc7.bias",
      "fc8.bias",
    ]);
    expect(await diffCheckpoints(original, wrong, ctx, { filter: ["conv*", "fc7"] })).toMatchObject({ equal: true, explanations: [] });
    await expect(diffCheckpoints(original, wrong, ctx, { filter: ["nothing*"] })).rejects.toMatchObject({
      code: "usage",
      message: "--filter 'nothing*' matches no tensor",
    });
  });

  test("--rtol says how far apart equal values may be, over the largest of B", async () => {
    expect((await diffCheckpoints(original, wrong, ctx, { rtol: 1e-4 })).equal).toBe(false);
    expect(await diffCheckpoints(original, wrong, ctx, { rtol: 1e-2 })).toMatchObject({ equal: true, explanations: [] });
  });

  test("--map says which tensor is which, and along which axes", async () => {
    const weights = { ...plainSide("w", [2, 3], [1, 2, 3, 4, 5, 6]) };
    const turned = plainSide("v", [3, 2], [1, 4, 2, 5, 3, 6]);
    const map = { v: { from: "w", axes: "o i -> i o" } };
    expect(await diffCheckpoints(weights, turned, ctx, { map })).toMatchObject({
      equal: true,
      tensors: [{ role: null, a: "w", b: "v", by: "hand", move: "transpose", equal: true }],
    });
    await expect(diffCheckpoints(weights, turned, ctx, { map: { u: { from: "w" } } })).rejects.toMatchObject({
      code: "usage",
      message: "--map: B has no u",
    });
    const other = await diffCheckpoints(weights, turned, ctx, { map: { v: { from: "w" } } });
    expect(other).toMatchObject({ equal: false, tensors: [{ maxAbs: null }], explanations: ["w has shape [2, 3] in A and [3, 2] in B"] });
  });
});

/** One tensor of a file that nothing else is known of. */
function plainSide(name: string, shape: readonly number[], values: readonly number[]): Side {
  const tensor = tensorOf(name, "float32", [...shape], Float64Array.from(values));
  return { checkpoint: { ...original.checkpoint, tensors: new Map([[name, tensor]]) } };
}

test("a layer that one lacks is the only difference, whatever roles the others got", async () => {
  const tensors = new Map([...original.checkpoint.tensors].filter(([key]) => !key.startsWith("classifier.3.")));
  const found = await diffCheckpoints(original, side({ ...original.checkpoint, tensors }), ctx);
  expect(found).toMatchObject({ equal: false, onlyA: ["classifier.3.weight", "classifier.3.bias"], onlyB: [], explanations: [] });
  expect(found.tensors.every(({ equal, a, b }) => equal && a === b)).toBe(true);
});

test("layers whose names say nothing are compared for their place, and that is said", async () => {
  const chain = (names: readonly string[]): Side => {
    const [first, second] = names.map((name, k) =>
      tensorOf(
        name,
        "float32",
        [3 + k, 2],
        Float64Array.from({ length: 6 + 2 * k }, (_, at) => at),
      ),
    );
    if (first === undefined || second === undefined) throw new Error("two names are needed");
    return { checkpoint: { ...original.checkpoint, tensors: new Map([first, second].map((tensor) => [tensor.name, tensor])) } };
  };
  expect(await diffCheckpoints(chain(["body.one.weight", "body.two.weight"]), chain(["net.a.weight", "net.b.weight"]), ctx)).toMatchObject({
    equal: true,
    tensors: [{ by: "structure" }, { by: "structure" }],
    explanations: [
      "compared for their shapes and their order in one module, as their names differ: body.one.weight with net.a.weight, body.two.weight with net.b.weight",
    ],
  });
});

test("two tensors that could each be the other's are not compared, and the sentence names all of them", async () => {
  const shapes = { "left.conv.weight": [1, 2, 3, 4], "right.conv.weight": [5, 6, 7, 8] };
  const tensors = Object.entries(shapes).map(([key, values]) => tensorOf(key, "float32", [2, 2], Float64Array.from(values)));
  const twins = { checkpoint: { ...original.checkpoint, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) } };
  await expect(diffCheckpoints(plainSide("conv.weight", [2, 2], [1, 2, 3, 4]), twins, ctx)).rejects.toMatchObject({
    code: "mismatch",
    message: expect.stringContaining("it could be several: conv.weight in A, left.conv.weight, right.conv.weight in B"),
  });
  const both = {
    checkpoint: {
      ...original.checkpoint,
      tensors: new Map([...twins.checkpoint.tensors, ...plainSide("x.y", [3], [1, 2, 3]).checkpoint.tensors]),
    },
  };
  const one = plainSide("conv.weight", [2, 2], [1, 2, 3, 4]);
  const more = {
    checkpoint: {
      ...one.checkpoint,
      tensors: new Map([...one.checkpoint.tensors, ...plainSide("x.y", [3], [1, 2, 3]).checkpoint.tensors]),
    },
  };
  expect(await diffCheckpoints(more, both, ctx)).toMatchObject({
    equal: false,
    onlyA: ["conv.weight"],
    onlyB: ["left.conv.weight", "right.conv.weight"],
    explanations: [
      "not compared, for it could be several: conv.weight in A, left.conv.weight, right.conv.weight in B (--map FILE.json says which)",
    ],
  });
});
