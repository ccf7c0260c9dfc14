import { describe, expect, test } from "vitest";
import type { OwnedContext } from "../../src/io/run.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { dtypes, isNumericDType, itemsize, type NumericDType } from "../../src/tensor/dtype.ts";
import { values } from "../../src/tensor/load.ts";
import { inOrder } from "../../src/tensor/move/in-order.ts";
import { memoryTarget } from "../../src/tensor/move/memory-target.ts";
import { move } from "../../src/tensor/move/move.ts";
import { distance } from "../../src/tensor/move/tiles.ts";
import { denseStrides, elementCount } from "../../src/tensor/shape.ts";
import type { NumericTensor, Part } from "../../src/tensor/tensor.ts";
import { flip, plainView, stridesFor, take, view } from "../../src/tensor/view.ts";
import { expectSame } from "../support/bytes.ts";
import { Random } from "../support/random.ts";

const allTypes = Object.keys(dtypes).filter(isNumericDType);
/** Tiles of 1 KiB on each side, so that even small tensors take many. */
const tight = (): OwnedContext => createContext({ memory: 2048 });

function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>((all, size) => all.flatMap((index) => Array.from({ length: size }, (_, k) => [...index, k])), [[]]);
}

/** A tensor cut into boxes along one axis, each lying in its own order, with gaps, reversed or repeated, at any byte. */
function scattered(random: Random, shape: readonly number[], dtype: NumericDType): { tensor: NumericTensor; bytes: Uint8Array } {
  const unit = itemsize(dtype);
  const whole = random.bytes(elementCount(shape) * unit);
  const dense = denseStrides(shape, unit);
  const axis = random.integer(0, shape.length - 1);
  const cut = random.integer(0, shape[axis] ?? 0);
  const boxes = [
    [0, cut],
    [cut, shape[axis] ?? 0],
  ].filter(([from = 0, to = 0]) => to > from);
  const parts: Part[] = boxes.map(([from = 0, to = 0]) => {
    const box = shape.with(axis, to - from);
    const order = random.shuffle(box.map((_, k) => k));
    const strides = box.map(() => 0);
    let stride = unit;
    for (const k of order) {
      stride += random.pick([0, 0, 0, 0, unit, 1, 5000]);
      strides[k] = random.pick([stride, stride, -stride]);
      stride *= box[k] ?? 1;
    }
    const low = box.reduce((sum, size, k) => sum + Math.min(0, (size - 1) * (strides[k] ?? 0)), 0);
    const offset = random.integer(0, 9) - low;
    const storage = new Uint8Array(offset + stride + unit).fill(random.integer(1, 255));
    const start = shape.map(() => 0).with(axis, from);
    for (const index of indices(box)) {
      const at = distance(
        index.map((value, k) => value + (start[k] ?? 0)),
        dense,
      );
      storage.set(whole.subarray(at, at + unit), offset + distance(index, strides));
    }
    return { source: memorySource(storage), offset, start, shape: box, strides };
  });
  return { tensor: { name: "t", dtype, shape, parts: async () => random.shuffle(parts) }, bytes: whole };
}

describe("any tensor in any order", () => {
  test.each(allTypes)("%s: parts with gaps, negative strides, odd offsets come out row-major", async (dtype) => {
    const random = new Random(allTypes.indexOf(dtype) + 1);
    for (let round = 0; round < 5; round++) {
      const shape = random.shuffle([2, 3, 5, 7]).slice(0, random.integer(1, 4));
      const { tensor, bytes } = scattered(random, shape, dtype);
      expectSame(await values(tensor, tight()), bytes);
      const ordered = await inOrder(tensor, tight());
      expect(await ordered.parts()).toHaveLength(1);
      expectSame(await values(ordered, tight()), bytes);
    }
  });

  test("move by pattern: identity, inverse and composition", async () => {
    const random = new Random(7);
    const sizes = new Map([
      ["o", 13],
      ["i", 5],
      ["h", 2],
      ["w", 3],
    ]);
    const patterns = ["o i h w", "h w i o", "o (i h w)", "(h w i) o", "(i h w) o", "(h w) (i o)", "(w h) 1 (o i)", "o (h w i)"];
    const { tensor, bytes } = scattered(random, [13, 5, 2, 3], "float32");
    for (const first of patterns) {
      const direct = await inOrder(tensor, tight(), "o i h w", first);
      const back = await inOrder(direct, tight(), first, "o i h w", sizes);
      expectSame(await values(back, tight()), bytes);
      for (const second of patterns) {
        const through = await inOrder(direct, tight(), first, second, sizes);
        const straight = await inOrder(tensor, tight(), "o i h w", second);
        expectSame(await values(through, tight()), await values(straight, tight()));
        expect(through.shape).toEqual(straight.shape);
      }
    }
  });

  test("a partitioned tensor whose cuts are inside a composite axis", async () => {
    const random = new Random(8);
    const rows = 2 * 3 * 5;
    const bytes = random.bytes(rows * 7 * 4);
    const cuts = [0, 4, 11, 29, rows];
    const parts = cuts.slice(1).map((to, k): Part => {
      const from = cuts[k] ?? 0;
      return {
        source: memorySource(bytes.slice(from * 28, to * 28)),
        offset: 0,
        start: [from, 0],
        shape: [to - from, 7],
        strides: [28, 4],
      };
    });
    const tensor: NumericTensor = { name: "weights", dtype: "float32", shape: [rows, 7], parts: async () => parts };
    const whole = contiguous({ name: "weights", dtype: "float32", shape: [rows, 7], source: memorySource(bytes) });
    const known = new Map([
      ["h", 2],
      ["w", 3],
    ]);
    expectSame(await values(tensor, tight()), bytes);
    for (const axes of ["o (i h w)", "h w i o", "(w i) (o h)"]) {
      expectSame(
        await values(await inOrder(tensor, tight(), "(h w i) o", axes, known), tight()),
        await values(await inOrder(whole, tight(), "(h w i) o", axes, known), tight()),
      );
    }
  });

  test("expanded, empty and 0-d tensors", async () => {
    const source = memorySource(Uint8Array.of(1, 0, 2, 0, 3, 0));
    const expanded: NumericTensor = {
      name: "e",
      dtype: "int16",
      shape: [2, 3],
      parts: async () => [{ source, offset: 0, start: [0, 0], shape: [2, 3], strides: [0, 2] }],
    };
    expect([...(await values(expanded, tight()))]).toEqual([1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 3, 0]);
    const empty = contiguous({ name: "n", dtype: "float64", shape: [3, 0], source });
    expect(await values(empty, tight())).toHaveLength(0);
    const scalar = contiguous({ name: "s", dtype: "int16", shape: [], source, offset: 4 });
    expect([...(await values(scalar, tight()))]).toEqual([3, 0]);
  });
});

describe("moves with a map", () => {
  test("scaling along one axis in float64, rounded once; the same through every target order", async () => {
    const random = new Random(3);
    const weights = Float32Array.from({ length: 2 * 3 * 5 * 7 }, () => random.next() - 0.5);
    const tensor = contiguous({ name: "w", dtype: "float32", shape: [2, 3, 5, 7], source: memorySource(new Uint8Array(weights.buffer)) });
    const by = Float64Array.from({ length: 7 }, () => random.next() * 3);
    const source = await view(tensor, "h w i o");
    for (const axes of ["h w i o", "o i h w", "(i h) (o w)"]) {
      const out = new Float32Array(weights.length);
      const target = memoryTarget(new Uint8Array(out.buffer));
      await move(source, stridesFor(source, axes), { file: target, at: 0 }, tight(), { to: "float32", scale: { axis: "o", by } });
      const scaled = weights.map((value, k) => value * (by[k % 7] ?? 0));
      const wanted = contiguous({ name: "w", dtype: "float32", shape: [2, 3, 5, 7], source: memorySource(new Uint8Array(scaled.buffer)) });
      expect(new Uint8Array(out.buffer)).toEqual(await values(await inOrder(wanted, tight(), "h w i o", axes), tight()));
    }
  });

  test("flipped axes and one slice of a packed tensor", async () => {
    const raw = Float32Array.from({ length: 2 * 3 * 4 }, (_, k) => k);
    const tensor = contiguous({ name: "w", dtype: "float32", shape: [2, 3, 4], source: memorySource(new Uint8Array(raw.buffer)) });
    const whole = await view(tensor, "h w o");
    const flipped = flip(whole, ["h", "w"]);
    const out = new Float32Array(24);
    await move(flipped, denseStrides(flipped.shape, 4), { file: memoryTarget(new Uint8Array(out.buffer)), at: 0 }, tight());
    expect(out[0]).toBe(20);
    expect([...out.slice(0, 8)]).toEqual([20, 21, 22, 23, 16, 17, 18, 19]);
    const one = take(await plainView(tensor), "d1", 2);
    const slice = new Float32Array(8);
    await move(one, denseStrides(one.shape, 4), { file: memoryTarget(new Uint8Array(slice.buffer)), at: 0 }, tight());
    expect([...slice]).toEqual([8, 9, 10, 11, 20, 21, 22, 23]);
  });
});
