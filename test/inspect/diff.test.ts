import { describe, expect, test } from "vitest";
import type { Side } from "../../src/inspect/diff/side.ts";
import { diff } from "../../src/inspect/diff.ts";
import { memorySource } from "../../src/io/memory.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { convert } from "../../src/tensor/cast.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { itemsize } from "../../src/tensor/dtype.ts";
import { Random } from "../support/random.ts";
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

const weightOf = (wanted: string, change: (values: Float32Array, shape: readonly number[]) => Float32Array) =>
  network((values, { layer, part, shape }) => (layer === wanted && part === "weight" ? change(values, shape) : values));

const original = network();

test("equal networks, record by record", async () => {
  const found = await diff(original, network(), ctx);
  expect(found).toMatchObject({ schema: "vggtool/diff/1", equal: true, onlyA: [], onlyB: [], explanations: [] });
  expect(found.tensors).toHaveLength(22);
  expect(found.tensors[0]).toEqual({
    role: "conv1_1.weight",
    a: "features.0.weight",
    b: "features.0.weight",
    move: "copy",
    maxAbs: 0,
    maxRel: 0,
    meanAbs: 0,
    cosine: 1,
    differing: 0,
    equal: true,
  });
});

describe("explanations", () => {
  test("the rows of fc6 in h,w,c order", async () => {
    const other = weightOf("classifier.0", (values) =>
      values.map((_, flat) => {
        const [o, place, c] = [Math.floor(flat / 320), Math.floor((flat % 320) / 20), flat % 20];
        return values[o * 320 + c * 16 + place] ?? 0;
      }),
    );
    const found = await diff(original, other, ctx);
    expect(found.explanations).toEqual(["fc6 rows are in h,w,c order in B"]);
    expect(found.tensors.filter(({ equal }) => !equal).map(({ role }) => role)).toEqual(["fc6.weight"]);
  });

  test("channels in BGR order", async () => {
    const other = weightOf("features.0", (values, shape) => permuted(values, shape, ([o = 0, i = 0, h = 0, w = 0]) => [o, 2 - i, h, w]));
    expect((await diff(original, other, ctx)).explanations).toEqual(["channels are BGR in B"]);
  });

  test("all kernels rotated, and channels swapped", async () => {
    const other = network((values, { shape }) =>
      shape.length === 4 ? permuted(values, shape, ([o = 0, i = 0, h = 0, w = 0]) => [o, i, 2 - h, 2 - w]) : values,
    );
    const { explanations } = await diff(original, other, ctx);
    expect(explanations).toEqual(["kernels are rotated by 180° in B: conv1_1, conv2_1, conv3_1, conv3_2, conv4_1, conv4_2 and 2 more"]);
  });

  test("a transposed square fc7", async () => {
    const square = [320, 48, 48, 10];
    const a = network(undefined, square);
    const b = network(
      (values, { layer, part, shape }) =>
        layer === "classifier.3" && part === "weight" ? permuted(values, shape, ([o = 0, i = 0]) => [i, o]) : values,
      square,
    );
    expect((await diff(a, b, ctx)).explanations).toEqual(["inputs and outputs are swapped in B (transposed): fc7"]);
  });

  test("a replaced head, of the same size and of another", async () => {
    const random = new Random(5);
    const fresh = network((values, { layer }) => (layer === "classifier.6" ? values.map(() => random.next() - 0.5) : values));
    expect((await diff(original, fresh, ctx)).explanations).toEqual(["the head was replaced: fc8"]);
    const smaller = network(undefined, [320, 48, 40, 3]);
    const found = await diff(original, smaller, ctx);
    expect(found.explanations[0]).toBe("the head was replaced: fc8");
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
      convert(new Uint8Array(values.buffer), "float32", narrow, dtype, values.length);
      stored.get(`${spec.layer}.${spec.part}`)?.bytes.set(narrow);
      const wide = new Float32Array(values.length);
      convert(narrow, dtype, new Uint8Array(wide.buffer), "float32", values.length);
      return wide;
    });
    const tensors = new Map(
      [...stored].map(([name, { tensor, bytes }]) => [name, contiguous({ name, dtype, shape: tensor.shape, source: memorySource(bytes) })]),
    );
    for (const other of [side(asFloat32), side({ ...asFloat32, tensors })]) {
      const { explanations } = await diff(original, other, ctx);
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
    expect((await diff(a, b, ctx)).explanations).toContain("conv3_1 and conv3_2 are swapped in B");
  });

  test("a constant factor, and further training", async () => {
    const scaled = weightOf("features.0", (values) => values.map((value) => value * 255));
    expect((await diff(original, scaled, ctx)).explanations).toEqual(["conv1_1.weight is 255 times as large in B"]);
    const random = new Random(6);
    const tuned = weightOf("classifier.3", (values) => values.map((value) => value + (random.next() - 0.5) * 0.02));
    const [explanation] = (await diff(original, tuned, ctx)).explanations;
    expect(explanation).toMatch(/^fc7\.weight differs a little \(cosine from 0\.9\d+\), as after further training$/);
  });
});

describe("networks that are not recognised", () => {
  const plain = (values: readonly number[], name = "w"): Side => {
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    const tensor = contiguous({ name, dtype: "float32", shape: [values.length], source: memorySource(bytes) });
    return { checkpoint: { ...original.checkpoint, tensors: new Map([[name, tensor]]) } };
  };

  test("align by name", async () => {
    expect(await diff(plain([1, 2]), plain([1, 2]), ctx)).toMatchObject({
      equal: true,
      tensors: [{ role: null, a: "w", b: "w", move: "copy" }],
    });
    expect(await diff(plain([1, 2]), plain([1, 4]), ctx)).toMatchObject({ equal: false, tensors: [{ maxAbs: 2, differing: 1 }] });
  });

  test("with no name in common are refused", async () => {
    await expect(diff(plain([1]), plain([1], "v"), ctx)).rejects.toMatchObject({ code: "mismatch" });
  });
});
