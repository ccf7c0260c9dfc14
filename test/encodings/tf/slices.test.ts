import { describe, expect, test } from "vitest";
import { checkCover, sliceBox, sliceKey } from "../../../src/readers/tensorflow/slices.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const name = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("table keys of slices, as TensorFlow's tables have them", () => {
  test("a scalar", () => expect(hex(sliceKey(name("g"), []))).toBe("00670001" + "00"));
  test("a full rank-4 tensor", () => {
    const full = Array.from({ length: 4 }, () => ({ start: 0, length: -1 }));
    expect(hex(sliceKey(name("w"), full))).toBe(`00770001${"0104"}${"807f".repeat(4)}`);
  });
  test("bytes 00 and ff in names are escaped", () => {
    expect(hex(sliceKey(Uint8Array.of(0, 1, 0xff), []))).toBe("0000ff01ff00000100");
  });
  test.each([
    [64, "c040"],
    [100, "c064"],
    [8191, "dfff"],
    [8192, "e02000"],
    [25088, "e06200"],
    [0x424242, "f0424242"],
    [-65, "3fbf"],
    [2 ** 52, "ff1000000000000" + "0"],
  ])("a length of %d", (length, code) => {
    expect(hex(sliceKey(name(""), [{ start: 0, length }])).slice(12)).toBe(code);
  });
});

test("a slice's box: whole dimensions, explicit ones, and what is outside", () => {
  expect(
    sliceBox(
      [
        { start: 0, length: -1 },
        { start: 2, length: 3 },
      ],
      [4, 5],
    ),
  ).toEqual({ start: [0, 2], shape: [4, 3] });
  expect(() => sliceBox([{ start: 3, length: 3 }], [5])).toThrow("a slice from 3 of 3 in a dimension of 5");
  expect(() => sliceBox([], [5])).toThrow("0 dimensions");
});

test("slices have to cover their tensor, each element once", () => {
  const box = (start: number, length: number): { start: number[]; shape: number[] } => ({ start: [0, start], shape: [2, length] });
  expect(() => checkCover([box(0, 3), box(3, 2)], [2, 5])).not.toThrow();
  expect(() => checkCover([box(0, 3)], [2, 5])).toThrow("hold 6 elements, its shape 10");
  expect(() => checkCover([box(0, 3), box(2, 2)], [2, 5])).toThrow("overlap");
});
