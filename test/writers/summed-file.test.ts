import { describe, expect, test } from "vitest";
import { crc32 } from "../../src/encodings/checksum/crc32.ts";
import { crc32c } from "../../src/encodings/checksum/crc32c.ts";
import { SummedFile } from "../../src/writers/summed-file.ts";
import { memoryFile } from "../support/memory-output.ts";
import { Random } from "../support/random.ts";

describe.each([
  ["crc32", crc32],
  ["crc32c", crc32c],
] as const)("%s of a range", (kind, whole) => {
  test("is that of its bytes, in whatever order they are written", async () => {
    const random = new Random(5);
    const bytes = random.bytes(5000);
    for (let round = 0; round < 20; round++) {
      const cuts = [0, 5000, ...Array.from({ length: 12 }, () => random.integer(0, 5000))].sort((a, b) => a - b);
      const pieces = cuts.slice(1).map((end, k) => [cuts[k] ?? 0, end] as const);
      const inner = memoryFile("f");
      const file = new SummedFile(inner, kind, 70, bytes.length);
      for (const [from, end] of random.shuffle(pieces)) await file.write(70 + from, bytes.subarray(from, end));
      expect(file.sum()).toBe(whole(bytes));
      expect(Buffer.compare(inner.bytes().subarray(70), bytes)).toBe(0);
    }
  });

  test("of nothing is 0, and is unknown while bytes are missing", async () => {
    expect(new SummedFile(memoryFile("f"), kind, 0, 0).sum()).toBe(0);
    const file = new SummedFile(memoryFile("f"), kind, 0, 10);
    await file.write(0, new Uint8Array(9));
    expect(file.sum()).toBeUndefined();
    await file.write(9, new Uint8Array(1));
    expect(file.sum()).toBe(whole(new Uint8Array(10)));
  });
});
