import { describe, expect, test } from "vitest";
import { BlockFile } from "../../src/io/remote/block-file.ts";
import { createContext } from "../../src/io/run.ts";

/* A file on a server whose values are all read, in whatever order: each of its bytes comes once. */

const size = (9 << 20) + 12345;
const bytes = Uint8Array.from({ length: size }, (_, k) => (k * 31 + (k >> 8)) & 255);
const ctx = createContext({});

function serving(fails: (offset: number, asked: number) => boolean = () => false) {
  const asked: number[] = [];
  let under = 0;
  let most = 0;
  const fetch = async (offset: number, length: number, into: Uint8Array): Promise<Uint8Array> => {
    asked.push(offset);
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 2));
    under -= 1;
    if (fails(offset, asked.filter((each) => each === offset).length)) throw new Error(`no answer for ${offset}`);
    into.set(bytes.subarray(offset, offset + length));
    return into;
  };
  return { file: new BlockFile(size, fetch, () => ctx.temporary()), asked, most: () => most };
}

async function readAt(file: BlockFile, offset: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  await file.read(offset, out);
  return out;
}

describe("a file in blocks", () => {
  test("gives the bytes of the file for short reads all over it, and asks for none of them twice", async () => {
    const { file, asked, most } = serving();
    for (let at = 0; at + 4000 < size; at += 97_531)
      expect(Buffer.compare(await readAt(file, at, 4000), bytes.subarray(at, at + 4000))).toBe(0);
    for (const at of [size - 1, 3, size >> 1]) expect(await readAt(file, at, 1)).toEqual(bytes.slice(at, at + 1));
    expect(Buffer.compare(await readAt(file, 0, size), bytes)).toBe(0);
    expect(new Set(asked).size).toBe(asked.length);
    expect(most()).toBeLessThanOrEqual(4);
    await file.close();
  });

  test("gives the same to many readers at once", async () => {
    const { file, asked } = serving();
    const places = Array.from({ length: 64 }, (_, k) => (k * 7_654_321) % (size - 5000));
    const found = await Promise.all(places.map((at) => readAt(file, at, 5000)));
    expect(places.filter((at, k) => Buffer.compare(found[k] ?? bytes, bytes.subarray(at, at + 5000)) !== 0)).toEqual([]);
    expect(new Set(asked).size).toBe(asked.length);
    await file.close();
  });

  test("whose disk refuses the temporary file is that refusal, to whoever reads", async () => {
    const refused = async () => {
      throw new Error("the file system is read-only");
    };
    const file = new BlockFile(size, async (_offset, _length, into) => into, refused);
    await expect(readAt(file, 0, 10)).rejects.toThrow("read-only");
  });

  test("asks again for what failed before anybody needed it, and fails where it is needed", async () => {
    const early = serving((offset, times) => offset === 4 << 20 && times === 1);
    expect(await readAt(early.file, 0, 10)).toEqual(bytes.slice(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await readAt(early.file, 4 << 20, 10)).toEqual(bytes.slice(4 << 20, (4 << 20) + 10));
    await early.file.close();
    const late = serving((offset) => offset === 0);
    await expect(readAt(late.file, 5, 10)).rejects.toThrow("no answer for 0");
    await late.file.close();
  });
});
