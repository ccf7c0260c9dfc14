import { expect, test } from "vitest";
import { unsnappy } from "../../src/encodings/sstable/snappy.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];

test("literals and copies of every kind", () => {
  // 5 literal bytes, then: 1-byte offset copy of 4, 2-byte offset copy of 3, 4-byte offset copy of 2
  const packed = bytes(14, 4 << 2, ...ascii("abcde"), 1 | (0 << 2), 5, 2 | (2 << 2), 2, 0, 3 | (1 << 2), 1, 0, 0, 0);
  expect(new TextDecoder().decode(unsnappy(packed, 100))).toBe("abcdeabcdcdccc");
});

test("a copy may overlap what it writes", () => {
  expect(new TextDecoder().decode(unsnappy(bytes(9, 0, 97, 1 | (4 << 2), 1), 100))).toBe("aaaaaaaaa");
});

test("long literals carry their length in 1 to 4 bytes", () => {
  const body = Array.from({ length: 300 }, (_, k) => k % 256);
  expect(unsnappy(bytes(0xac, 2, 61 << 2, 0x2b, 1, ...body), 300)).toEqual(Uint8Array.from(body));
});

test.each([
  ["an inflated length beyond the limit", bytes(0xac, 2, 0, 1), "unsupported"],
  ["a length that the bytes cannot make", bytes(0xac, 2, 0, 1), "malformed"],
  ["a copy from before the start", bytes(8, 0, 97, 1, 2), "malformed"],
  ["offset 0", bytes(5, 0, 97, 1, 0), "malformed"],
  ["a literal beyond the end", bytes(8, 7 << 2, 1, 2), "malformed"],
  ["fewer bytes than announced", bytes(8, 0, 97), "malformed"],
  ["no length", bytes(), "malformed"],
  ["a length without end", bytes(0xff, 0xff, 0xff, 0xff, 0xff), "malformed"],
])("refuses %s", (_, packed, code) => {
  expect(() => unsnappy(packed, code === "unsupported" ? 100 : 1000)).toThrow(expect.objectContaining({ code }));
});
