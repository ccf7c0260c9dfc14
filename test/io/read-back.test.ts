import { describe, expect, test } from "vitest";
import { readBack } from "../../src/io/output/read-back.ts";
import { createContext } from "../../src/io/run.ts";
import type { OutputSet } from "../../src/io/source/source.ts";
import { counted } from "../support/bytes.ts";
import { memoryFile, memoryOutput } from "../support/memory-output.ts";

describe("reading back what was written", () => {
  test("passes what is there, long and short, and commits and aborts as the set does", async () => {
    const set = memoryOutput();
    const checked = readBack(set, createContext());
    const file = await checked.create("a");
    const bytes = counted(3_000_001, 253);
    await Promise.all([file.write(0, bytes.subarray(0, 10)), file.write(10, bytes.subarray(10)), file.write(0, new Uint8Array(0))]);
    expect(Buffer.compare(set.files.get("a")?.() ?? new Uint8Array(0), bytes)).toBe(0);
    await checked.commit("a");
    expect(set.state.committed).toBe("a");
    await checked.abort();
    expect(set.state.aborted).toBe(true);
  });

  test("tells where a disk gives back something else", async () => {
    const set: OutputSet = {
      async create(name) {
        const file = memoryFile(name);
        const damage = (offset: number, bytes: Uint8Array) => {
          const copy = bytes.slice();
          if (offset <= 2_500_000 && 2_500_000 < offset + bytes.length) copy[2_500_000 - offset] = 77;
          return file.write(offset, copy);
        };
        return { name, size: 3_000_000, access: "random", read: file.read, write: damage, close: file.close };
      },
      async commit() {},
      async abort() {},
    };
    const file = await readBack(set, createContext()).create("a");
    await file.write(0, new Uint8Array(2_000_000));
    await expect(file.write(2_000_000, new Uint8Array(1_000_000))).rejects.toMatchObject({
      code: "mismatch",
      where: { offset: 2_500_000 },
    });
  });
});
