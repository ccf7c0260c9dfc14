import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../src/encodings/checksum/crc32c.ts";
import { openTable, sstableBlocks } from "../../src/encodings/sstable/sstable.ts";
import { buildTable } from "../../src/encodings/sstable/sstable-build.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { fixtures } from "../support/paths.ts";
import { Random } from "../support/random.ts";

type Entries = [key: Uint8Array, value: Uint8Array][];

async function read(bytes: Uint8Array, wholeBlock?: number): Promise<Entries> {
  const entries: Entries = [];
  for await (const block of sstableBlocks(await openTable(memorySource(bytes)), wholeBlock)) {
    for (const { key, stored } of block) entries.push([key, await stored.part(0, stored.length).read(0, stored.length)]);
  }
  return entries;
}

/** Entries as text, short enough to be compared by the test runner. */
function digest(entries: Entries): string[] {
  return entries.map(([key, value]) => `${Buffer.from(key).toString("latin1")} ${value.length} ${crc32c(value)}`);
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  "tf-v2/names/names.index",
  "tf-v2/dtypes/dtypes.index",
  "tf-v2/partitioned-sharded/model.ckpt-0.index",
  "tf-v1/dtypes/dtypes.ckpt",
])("%s is built again byte by byte as TensorFlow built it", async (file) => {
  const bytes = new Uint8Array(readFileSync(join(fixtures, file)));
  expect(Buffer.compare(buildTable(await read(bytes)), bytes)).toBe(0);
});

test("a snappy block is inflated", async () => {
  const entries = await read(new Uint8Array(readFileSync(join(fixtures, "tf-v2/snappy/variables.index"))));
  expect(entries.map(([key]) => new TextDecoder().decode(key))).toEqual(["", "a", "a2", "b", "c", "c2"]);
});

describe("tables of several blocks", () => {
  const random = new Random(5);
  const entries: Entries = Array.from({ length: 3000 }, (_, k) => [
    ascii(`layer/${String(k).padStart(6, "0")}/w`),
    random.bytes(random.integer(0, 400)),
  ]);
  entries.push([ascii("zz/large"), random.bytes(700_000)], [Uint8Array.of(0xff, 0xff), ascii("last")]);
  const bytes = buildTable(entries);

  test("come back, the large value from a block of its own", async () => {
    const table = await openTable(memorySource(bytes));
    expect(table.blocks.length).toBe(5);
    // 5 bytes of lengths, 8 of the key, 8 of the restart array
    expect(table.blocks.map((block) => block.size).filter((size) => size > 600_000)).toEqual([700_000 + 21]);
    expect(digest(await read(bytes))).toEqual(digest(entries));
  });

  test("blocks beyond the limit are walked and checked by their readers", async () => {
    expect(digest(await read(bytes, 1000))).toEqual(digest(entries));
  });

  test("a flipped bit anywhere in a large block is found by whoever reads its values, in order or not", async () => {
    const [large] = (await openTable(memorySource(bytes))).blocks.filter((block) => block.size > 600_000);
    const damaged = bytes.slice();
    const at = (large?.offset ?? 0) + 123_456;
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    const open = async (): Promise<{ read(offset: number, length: number): Promise<Uint8Array> }> => {
      for await (const block of sstableBlocks(await openTable(memorySource(damaged)), 300_000)) {
        for (const { key, stored } of block) if (key[0] === 0x7a) return stored.part(0, 700_000, "large");
      }
      throw new Error("the large entry is missing");
    };
    const inOrder = await open();
    await inOrder.read(0, 300_000);
    await expect(inOrder.read(300_000, 400_000)).rejects.toMatchObject({ code: "malformed", where: { tensor: "large" } });
    await expect((await open()).read(650_000, 10)).rejects.toThrow("checksum");
    await expect(read(damaged)).rejects.toThrow("checksum of the block");
  });
});

describe("damaged tables", () => {
  const good = buildTable([
    [ascii(""), ascii("header")],
    [ascii("a"), ascii("1")],
  ]);
  test.each([
    ["cut short", good.subarray(0, good.length - 1), "malformed"],
    ["too short for a footer", good.subarray(0, 20), "truncated"],
    ["with a block handle beyond the end", withByte(good, good.length - 48, 0xff), "malformed"],
    ["with a flipped bit in a block", withByte(good, 3, 0x55), "malformed"],
  ])("%s", async (_, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code });
  });

  test("keys that do not ascend are refused by the writer", () => {
    expect(() =>
      buildTable([
        [ascii("b"), ascii("")],
        [ascii("a"), ascii("")],
      ]),
    ).toThrow("ascend");
  });
});

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}
