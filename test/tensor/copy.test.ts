import { describe, expect, test } from "vitest";
import { createArena } from "../../src/io/arena.ts";
import { copyStrided } from "../../src/tensor/move/copy.ts";
import { transposeKernel } from "../../src/tensor/move/kernels.ts";
import { transposeModule } from "../../src/tensor/wasm/transpose.ts";
import { Random } from "../support/random.ts";

/** Dense strides for axes in the order given, slowest first, with a pitch that leaves gaps. */
function stridesIn(order: readonly number[], shape: readonly number[], itemsize: number, gap: number): number[] {
  const strides = shape.map(() => 0);
  let stride = itemsize;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride = stride * (shape[axis] ?? 1) + gap;
  }
  return strides;
}

function naive(
  from: Uint8Array,
  a: readonly number[],
  to: Uint8Array,
  b: readonly number[],
  shape: readonly number[],
  itemsize: number,
): void {
  const copy = (axis: number, p: number, q: number): void => {
    if (axis === shape.length) to.set(from.subarray(p, p + itemsize), q);
    else for (let k = 0; k < (shape[axis] ?? 0); k++) copy(axis + 1, p + k * (a[axis] ?? 0), q + k * (b[axis] ?? 0));
  };
  copy(0, 0, 0);
}

const shapes = [
  [37, 18],
  [4, 8],
  [16, 16],
  [5, 7, 3],
  [33, 2, 21],
  [64, 5],
  [1, 9],
  [3, 3, 6, 10],
];

describe.each([1, 2, 4, 8, 16])("elements of %i bytes", (itemsize) => {
  test.each([
    ["plain buffers", false],
    ["an arena, by the kernels", true],
  ])("every order to every other, in %s", (_, inArena) => {
    const random = new Random(itemsize);
    const arena = createArena(1 << 16) ?? expect.unreachable("no memory");
    const [from, to] = inArena ? arena : [new Uint8Array(1 << 16), new Uint8Array(1 << 16)];
    from.set(random.bytes(1 << 14));
    from.copyWithin(1 << 14, 0, 1 << 14);
    for (const shape of shapes) {
      const axes = shape.map((_, axis) => axis);
      for (let round = 0; round < 3; round++) {
        const a = stridesIn(random.shuffle(axes), shape, itemsize, random.pick([0, itemsize * 3, 1]));
        const b = stridesIn(random.shuffle(axes), shape, itemsize, random.pick([0, itemsize * 5, 3]));
        const wanted = new Uint8Array(1 << 16);
        naive(from, a, wanted, b, shape, itemsize);
        to.fill(0);
        copyStrided({ bytes: from, origin: 0, strides: a }, { bytes: to, origin: 0, strides: b }, shape, itemsize);
        expect(Buffer.compare(to, wanted)).toBe(0);
      }
    }
  });
});

test("kernels work in arenas alone", () => {
  const [first] = createArena(100) ?? expect.unreachable("no memory");
  expect(transposeKernel(first.buffer, 4)).toBeTypeOf("function");
  expect(transposeKernel(first.buffer, 16)).toBeUndefined();
  expect(transposeKernel(new ArrayBuffer(8), 4)).toBeUndefined();
  expect(transposeModule(false).length).toBeLessThan(1700);
});
