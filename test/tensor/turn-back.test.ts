import { describe, expect, test } from "vitest";
import { createArena } from "../../src/io/arena.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { copyStrided } from "../../src/tensor/move/copy.ts";
import type { Strided } from "../../src/tensor/move/divide-box.ts";
import { move } from "../../src/tensor/move/move.ts";
import { turnsBack } from "../../src/tensor/move/turn-back.ts";
import { stridesFor, view } from "../../src/tensor/view.ts";

const shape = [5, 3, 34, 2];
/** Order of the target's axes, slowest first. */
const orders = [
  [3, 2, 1, 0],
  [1, 0, 3, 2],
  [2, 3, 0, 1],
  [0, 1, 2, 3],
];

function dense(order: readonly number[], unit: number): number[] {
  const strides = shape.map(() => 0);
  let run = unit;
  for (const axis of order.toReversed()) {
    strides[axis] = run;
    run *= shape[axis] ?? 1;
  }
  return strides;
}

describe.each([1, 2, 4, 8])("elements of %i bytes", (unit) => {
  test.each(orders.map((order) => [order]))("a copy to the order %j turns back, and no changed byte passes", (order) => {
    const length = shape.reduce((product, n) => product * n, unit);
    const from: Strided = {
      bytes: Uint8Array.from({ length }, (_, k) => (k * 31 + (k >> 8)) % 251),
      origin: 0,
      strides: dense([0, 1, 2, 3], unit),
    };
    const to: Strided = { bytes: new Uint8Array(length), origin: 0, strides: dense(order, unit) };
    copyStrided(from, to, shape, unit);
    expect(turnsBack(from, to, shape, unit)).toBe(true);
    for (const at of [0, 1, Math.floor(length / 3), Math.floor(length / 2), length - 1]) {
      const kept = to.bytes[at] ?? 0;
      to.bytes[at] = kept ^ 1;
      expect(turnsBack(from, to, shape, unit)).toBe(false);
      to.bytes[at] = kept;
    }
    expect(turnsBack(from, to, shape, unit)).toBe(true);
  });
});

test("in an arena, every single element counts", () => {
  const [a, b] = createArena(1 << 16) ?? [];
  if (a === undefined || b === undefined) throw new Error("no arena");
  const [rows, columns] = [37, 53];
  const from: Strided = { bytes: a.subarray(0, rows * columns * 4), origin: 0, strides: [columns * 4, 4] };
  const to: Strided = { bytes: b.subarray(0, rows * columns * 4), origin: 0, strides: [4, rows * 4] };
  from.bytes.forEach((_, k) => {
    from.bytes[k] = (k * 7 + (k >> 9)) % 256;
  });
  copyStrided(from, to, [rows, columns], 4);
  expect(turnsBack(from, to, [rows, columns], 4)).toBe(true);
  for (let at = 0; at < to.bytes.length; at += 4) {
    const place = at + (at % 7 === 0 ? 3 : 0);
    const kept = to.bytes[place] ?? 0;
    to.bytes[place] = kept ^ 0x80;
    expect(turnsBack(from, to, [rows, columns], 4)).toBe(false);
    to.bytes[place] = kept;
  }
});

test("axes of another order are not taken for the right one", () => {
  const from: Strided = { bytes: Uint8Array.from({ length: 12 }, (_, k) => k), origin: 0, strides: [4, 1] };
  const to: Strided = { bytes: from.bytes.slice(), origin: 0, strides: [1, 3] };
  expect(turnsBack(from, to, [3, 4], 1)).toBe(false);
});

test("a move to a target that proves writes the same", async () => {
  const ctx = createContext({ values: true });
  try {
    const values = Float32Array.from({ length: 64 * 48 }, (_, k) => k);
    const bytes = new Uint8Array(values.buffer);
    const source = memorySource(bytes, "memory");
    const tensor = contiguous({ name: "w", dtype: "float32", shape: [64, 48], source });
    const from = await view(tensor, "i o", new Map());
    const written = new Uint8Array(bytes.length);
    const target = { proves: true, write: async (offset: number, part: Uint8Array) => written.set(part, offset) };
    await move(from, stridesFor(from, "o i"), { file: target, at: 0 }, ctx);
    expect(new Float32Array(written.buffer)[1]).toBe(48);
  } finally {
    await ctx.dispose();
  }
});
