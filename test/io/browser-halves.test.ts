import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import * as browserBytes from "../../src/io/browser/bytes.ts";
import * as browserCompression from "../../src/io/browser/compression.ts";
import { blobFile, mount, unmountAll } from "../../src/io/browser/disk.ts";
import { folderSet, namesInFolder } from "../../src/io/browser/folder.ts";
import { memoryFile } from "../../src/io/browser/memory-file.ts";
import { outputSet, takeOutputs } from "../../src/io/browser/output.ts";
import * as browserPath from "../../src/io/browser/path.ts";
import { kindAt } from "../../src/io/browser/regular.ts";
import { sha256 as browserSha256 } from "../../src/io/browser/sha256.ts";
import { treeEntries } from "../../src/io/browser/tree.ts";
import * as nodeBytes from "../../src/io/bytes.ts";
import * as nodeCompression from "../../src/io/compression.ts";
import * as nodePath from "../../src/io/path.ts";
import { sha256 as nodeSha256 } from "../../src/io/sha256.ts";
import { blobSource } from "../../src/io/source/blob.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { Random } from "../support/random.ts";

const random = new Random(17);
const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.integer(0, 255));

/* What the library does in a browser without Node is what it does in Node: the two halves are run beside each other. */

describe("bytes", () => {
  const samples = [
    new Uint8Array(0),
    Uint8Array.of(0x80, 0x9f, 0xff, 0),
    Uint8Array.of(0xef, 0xbb, 0xbf, 0x41),
    Uint8Array.from({ length: 20_000 }, (_, k) => k),
  ];
  test.each(samples)("as texts (%#)", (bytes) => {
    const texts = ({ latin1, utf8, hex, base64 }: typeof browserBytes): unknown => [latin1(bytes), utf8(bytes), hex(bytes), base64(bytes)];
    expect(texts(browserBytes)).toEqual(texts(nodeBytes));
    expect(browserBytes.latin1(bytes, 1, 3)).toBe(nodeBytes.latin1(bytes, 1, 3));
  });

  test.each(["", "fc6", "é\u{1f600}", "\ud800"])("of the text %j", (text) => {
    expect([...browserBytes.utf8Bytes(text)]).toEqual([...nodeBytes.utf8Bytes(text)]);
    expect([...browserBytes.bytesOfLatin1(text)]).toEqual([...nodeBytes.bytesOfLatin1(text)]);
    expect(browserBytes.utf8Length(text)).toBe(nodeBytes.utf8Length(text));
  });

  test("in order, wherever they begin in memory", () => {
    const memory = Uint8Array.from({ length: 64 }, (_, k) => k % 24);
    for (let from = 0; from < 9; from += 1) {
      for (const length of [0, 5, 8, 17, 24]) {
        const [a, b] = [memory.subarray(from, from + length), memory.subarray(24, 24 + length)];
        expect(Math.sign(browserBytes.compareBytes(a, b))).toBe(nodeBytes.compareBytes(a, b));
      }
    }
  });

  test.each([2, 4, 8] as const)("reversed in units of %d", (unit) => {
    const a = randomBytes(48);
    const b = a.slice();
    browserBytes.swapBytes(a, unit);
    nodeBytes.swapBytes(b, unit);
    expect([...a]).toEqual([...b]);
  });
});

test.each(["/a/b.pth", "a/./b/../c", "a/b/", "..", "../x", "/", "", "/../x", ".hidden", "a.tar.gz", "a/.."])(
  "the parts of the path %j",
  (path) => {
    const parts = ({ basename, dirname, extname }: Pick<typeof nodePath, "basename" | "dirname" | "extname">): unknown => [
      basename(path),
      dirname(path),
      extname(path),
    ];
    expect(parts(browserPath)).toEqual(parts(nodePath));
    expect(browserPath.join("x", path)).toBe(nodePath.join("x", path));
    expect(browserPath.resolve("/", path)).toBe(nodePath.resolve("/", path));
    expect(browserPath.relative("/a", browserPath.resolve(path))).toBe(nodePath.relative("/a", nodePath.resolve("/", path)));
  },
);

test("SHA-256 of what comes in parts", () => {
  const [mine, theirs] = [browserSha256(), nodeSha256()];
  for (const bytes of [0, 1, 63, 64, 1000].map(randomBytes)) {
    mine.update(bytes);
    theirs.update(bytes);
  }
  expect(mine.hex()).toBe(theirs.hex());
});

describe("deflate", () => {
  const plain = randomBytes(700_000).map((byte) => byte % 11);
  const cases = { zlib: deflateSync(plain), raw: deflateRawSync(plain), gzip: gzipSync(plain) } as const;

  /** All that comes out, or what is thrown, after how many bytes. */
  async function outcome(
    half: typeof browserCompression | typeof nodeCompression,
    bytes: Uint8Array,
    format: keyof typeof cases,
  ): Promise<unknown> {
    const hash = nodeSha256();
    try {
      for await (const chunk of half.inflate(memorySource(bytes, "x"), format)) hash.update(chunk);
      return hash.hex();
    } catch (error) {
      return isCheckpointError(error) ? `${error.code}: ${error.message}` : error;
    }
  }

  test.each(Object.entries(cases))("%s: whole, cut, damaged, with something behind", async (name, bytes) => {
    const format = name === "zlib" || name === "raw" ? name : "gzip";
    const broken = bytes.map((byte, k) => (k === 5000 ? byte ^ 0x40 : byte));
    const changes = [
      bytes,
      bytes.subarray(0, 5000),
      bytes.subarray(0, bytes.length - 2),
      broken,
      nodeBytes.concatBytes([bytes, randomBytes(9)]),
    ];
    for (const changed of format === "gzip" ? changes.slice(0, 4) : changes) {
      expect(await outcome(browserCompression, changed, format)).toBe(await outcome(nodeCompression, changed, format));
    }
  });

  test("gzip of several members, also where one ends with what is read at a time", async () => {
    const member = gzipSync(randomBytes(262_144 - 1000));
    const padded = nodeBytes.concatBytes([gzipSync(randomBytes(100)), member, member, member]);
    expect(await outcome(browserCompression, padded, "gzip")).toBe(await outcome(nodeCompression, padded, "gzip"));
    const exact = nodeBytes.concatBytes([headed(262_144), gzipSync(Uint8Array.of(1, 2, 3))]);
    expect(await outcome(browserCompression, exact, "gzip")).toBe(await outcome(nodeCompression, exact, "gzip"));
  });

  test("at once, with a limit", () => {
    expect(browserCompression.inflateAll(cases.zlib, plain.length).length).toBe(plain.length);
    for (const half of [browserCompression, nodeCompression]) {
      expect(() => half.inflateAll(cases.zlib, plain.length - 1)).toThrow(RangeError);
      expect(() => half.inflateAll(cases.zlib.subarray(0, 90), plain.length)).toThrow(Error);
      expect(() => half.inflateAll(Uint8Array.of(1, 2, 3), 10)).toThrow(Error);
    }
  });

  test.each(["zlib", "raw"] as const)("%s: the same bytes are made", async (format) => {
    async function* input(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < plain.length; at += 100_000) yield plain.subarray(at, at + 100_000);
    }
    const made = async (half: typeof browserCompression | typeof nodeCompression): Promise<string> => {
      const parts: Uint8Array[] = [];
      for await (const part of half.deflate(format, input())) parts.push(part);
      return nodeBytes.hex(nodeBytes.concatBytes(parts));
    };
    expect((await made(browserCompression)) === (await made(nodeCompression))).toBe(true);
  });
});

/** A gzip member of exactly so many bytes: a name in its header fills it. */
function headed(length: number): Uint8Array {
  const member = gzipSync(randomBytes(1000));
  const name = new Uint8Array(length - member.length).fill(0x61).with(length - member.length - 1, 0);
  return nodeBytes.concatBytes([member.subarray(0, 10).with(3, 8), name, member.subarray(10)]);
}

describe("the disk of a page", () => {
  beforeEach(() => {
    unmountAll();
    for (const name of ["/set/b.index", "/set/b.data-00000-of-00001", "/a.pth", "/set/deep/c.npy"]) mount(name, blobFile(new Blob([name])));
  });

  test("paths lead to files, and to folders where a file is below them", () => {
    expect(["/a.pth", "set", "/set/deep/", "/se", "b.index"].map(kindAt)).toEqual(["file", "folder", "folder", undefined, undefined]);
    expect(namesInFolder("set")).toEqual(["b.data-00000-of-00001", "b.index", "deep"]);
    expect([...treeEntries(".")].map(({ path }) => path.join("/"))).toEqual([
      "a.pth",
      "set/b.data-00000-of-00001",
      "set/b.index",
      "set/deep/c.npy",
    ]);
  });

  test("a folder is a set of files, whose names stay inside", async () => {
    const set = folderSet("set");
    expect(await set.list()).toEqual(["b.data-00000-of-00001", "b.index", "deep/c.npy"]);
    expect(await set.open("a.pth")).toBeUndefined();
    expect(nodeBytes.utf8((await (await set.open("deep/c.npy"))?.read(0, 6)) ?? new Uint8Array(0))).toBe("/set/d");
    await expect(set.open("../a.pth")).rejects.toThrow("leads outside");
  });

  test("outputs appear together when they are committed, the entry last", async () => {
    const set = outputSet("/out", { force: false });
    const entry = await set.create("x.index");
    const data = await set.create("x.data");
    await data.write(4, Uint8Array.of(5));
    await entry.write(0, Uint8Array.of(1, 2, 3));
    expect([...(await entry.read(1, 2))]).toEqual([2, 3]);
    expect(takeOutputs()).toEqual([]);
    await set.commit("x.index");
    const made = takeOutputs();
    expect(made.map(({ path, bytes }) => [path, bytes.size])).toEqual([
      ["/out/x.data", 5],
      ["/out/x.index", 3],
    ]);
    expect([...new Uint8Array((await made[0]?.bytes.arrayBuffer()) ?? new ArrayBuffer(0))]).toEqual([0, 0, 0, 0, 5]);
  });

  test("an output never takes the name of a file that the page was given", async () => {
    await expect(outputSet("/", { force: false }).create("a.pth")).rejects.toThrow("given to the page");
  });
});

test("many short reads of a blob go to their places, the last of them to the end of the buffer", async () => {
  const bytes = randomBytes(10_000);
  const into = new Uint8Array(99 * 12 + 8);
  await blobSource(new Blob([bytes]), "x").readRuns?.({ offset: 7, stride: 100, count: 100, length: 8, pitch: 12 }, into);
  for (let k = 0; k < 100; k += 1) {
    const at = 7 + 100 * k;
    expect([...into.subarray(12 * k, 12 * k + 8)], `run ${k}`).toEqual([...bytes.subarray(at, at + 8)]);
  }
});

test("a file in memory is read where it was written, over the edges of its parts", async () => {
  const file = memoryFile();
  const bytes = randomBytes(3_000_000);
  file.write(500_000, bytes);
  const found = new Uint8Array(2_000_000);
  file.read(1_000_000, found);
  expect(nodeBytes.compareBytes(found, bytes.subarray(500_000, 2_500_000))).toBe(0);
  expect((await file.finished(3_500_000)).size).toBe(3_500_000);
});
