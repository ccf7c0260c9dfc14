import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createContext, type OwnedContext } from "../../src/io/run.ts";
import { type DecodedSource, decoded, inflated } from "../../src/io/source/decoded.ts";
import { fileSource } from "../../src/io/source/file.ts";
import { byteSwapped, interleaved, mapped } from "../../src/io/source/mapped.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { paged } from "../../src/io/source/paged.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { concat, window } from "../../src/io/source/window.ts";

/** 1,000 bytes that differ from their neighbours, so that an offset wrong by one shows. */
const truth = Uint8Array.from({ length: 1000 }, (_, k) => (k * 37 + Math.floor(k / 256)) % 256);

let folder = "";
let ctx: OwnedContext;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
  ctx = createContext({ temporaryFolder: folder });
});
afterAll(async () => {
  await ctx.dispose();
  rmSync(folder, { recursive: true });
});

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const padded = (before: number, after: number): Uint8Array => {
  const bytes = new Uint8Array(before + truth.length + after).fill(0xee);
  bytes.set(truth, before);
  return bytes;
};
const swapped = (unit: number): Uint8Array => {
  const out = truth.slice();
  for (let at = 0; at < out.length; at += unit) out.subarray(at, at + unit).reverse();
  return out;
};
const plane = (which: number): Uint8Array => truth.filter((_, k) => Math.floor(k / 4) % 2 === which);

/** Every way to make a source of the same 1,000 bytes. */
const makers: readonly (readonly [string, () => Promise<ByteSource>])[] = [
  ["memory", async () => memorySource(truth)],
  [
    "file",
    async () => {
      const path = join(folder, "truth.bin");
      writeFileSync(path, truth);
      return fileSource(path);
    },
  ],
  ["window", async () => window(memorySource(padded(7, 5)), 7, truth.length)],
  ["window of a window", async () => window(window(memorySource(padded(7, 5)), 3, truth.length + 6), 4, truth.length)],
  [
    "concat",
    async () =>
      concat(
        [0, 1, 300, 300, 999].map((at, k, all) => window(memorySource(truth), at, (all[k + 1] ?? 1000) - at)),
        "c",
      ),
  ],
  ["mapped, same width", async () => mapped(memorySource(truth.map((v) => v ^ 0x5a)), 4, 4, (i, o) => o.set(i.map((v) => v ^ 0x5a)))],
  ["byte swapped 2", async () => byteSwapped(memorySource(swapped(2)), 2)],
  ["byte swapped 8", async () => byteSwapped(memorySource(swapped(8)), 8)],
  ["interleaved", async () => interleaved(memorySource(plane(0)), memorySource(plane(1)), 4)],
  ["paged", async () => paged(memorySource(truth), 48)],
  ["decoded", async () => decoded("d", truth.length, () => inPieces(truth, 13))],
  ["inflated zlib", async () => inflated(memorySource(deflateSync(truth)), truth.length, "zlib")],
  ["inflated raw", async () => inflated(memorySource(deflateRawSync(truth)), truth.length, "raw")],
  ["inflated gzip", async () => inflated(memorySource(gzipSync(truth)), truth.length, "gzip")],
  ["spooled", async () => ctx.random(inflated(memorySource(deflateSync(truth)), truth.length, "zlib"))],
  [
    "output file",
    async () => {
      const file = await ctx.temporary();
      await file.write(500, truth.subarray(500));
      await file.write(0, truth.subarray(0, 500));
      return file;
    },
  ],
];

describe.each(makers)("the contract of sources: %s", (_, make) => {
  test("size, and exact reads anywhere, in any order", async () => {
    const source = await make();
    expect(source.size).toBe(1000);
    for (const [offset, length] of [
      [0, 1000],
      [0, 1],
      [999, 1],
      [1, 3],
      [250, 511],
      [3, 9],
      [996, 4],
      [0, 0],
      [1000, 0],
      [123, 456],
    ] as const) {
      const bytes = await source.read(offset, length);
      expect(bytes).toEqual(truth.slice(offset, offset + length));
    }
    await source.close();
  });

  test("a buffer is filled at its front and nowhere else; without one the bytes are the caller's own", async () => {
    const source = await make();
    const into = new Uint8Array(20).fill(9);
    const bytes = await source.read(501, 7, into);
    expect(bytes.buffer).toBe(into.buffer);
    expect(bytes).toEqual(truth.slice(501, 508));
    expect(into.subarray(7)).toEqual(new Uint8Array(13).fill(9));
    const own = await source.read(10, 4);
    own.fill(0);
    expect(await source.read(10, 4)).toEqual(truth.slice(10, 14));
    await source.close();
  });

  test("outside the data it throws, and says where the data ends", async () => {
    const source = await make();
    await expect(source.read(999, 2)).rejects.toMatchObject({ code: "truncated", message: expect.stringContaining("1000") });
    await expect(source.read(1001, 0)).rejects.toMatchObject({ code: "truncated" });
    for (const [offset, length] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, 1.5],
      [Number.NaN, 1],
      [0, 2 ** 60],
    ] as const) {
      await expect(source.read(offset, length)).rejects.toMatchObject({ name: "CheckpointError" });
    }
    await expect(source.read(0, 8, new Uint8Array(7))).rejects.toThrow(RangeError);
    await source.close();
  });
});

test("a mapped source of another width reads at any byte", async () => {
  const source = mapped(memorySource(Uint8Array.from([1, 2, 3, 250])), 1, 4, (input, output) => {
    const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
    for (const [k, value] of input.entries()) view.setFloat32(4 * k, value, true);
  });
  const all = new Uint8Array(Float32Array.from([1, 2, 3, 250]).buffer);
  for (let from = 0; from <= 16; from += 1) {
    for (let to = from; to <= 16; to += 1) expect(await source.read(from, to - from)).toEqual(all.slice(from, to));
  }
});

describe("decodings", () => {
  test("a forward read goes on, a backward read starts anew, a copy never does", async () => {
    const forward = decoded("d", 1000, () => inPieces(truth, 100));
    await forward.read(0, 10);
    await forward.read(10, 500);
    await forward.read(700, 10);
    expect(forward.starts()).toBe(1);
    await forward.read(0, 1);
    expect(forward.starts()).toBe(2);

    const inner: DecodedSource = decoded("e", 1000, () => inPieces(truth, 100));
    const twin = ctx.random(inner);
    expect(ctx.random(inner)).toBe(twin);
    await Promise.all([twin.read(900, 10), twin.read(5, 5), twin.read(950, 50)]);
    await twin.read(0, 1000);
    expect(inner.starts()).toBe(1);
  });

  test("too few bytes are truncated, too many malformed", async () => {
    await expect(decoded("d", 1001, () => inPieces(truth, 64)).read(0, 1001)).rejects.toMatchObject({ code: "truncated" });
    await expect(decoded("d", 999, () => inPieces(truth, 64)).read(990, 9)).rejects.toMatchObject({ code: "malformed" });
  });

  test("damaged and cut streams are named as what they are", async () => {
    const whole = deflateSync(truth);
    const cut = inflated(memorySource(whole.subarray(0, whole.length - 9)), 1000, "zlib");
    await expect(cut.read(0, 1000)).rejects.toMatchObject({ code: "truncated" });
    const damaged = Uint8Array.from(whole);
    damaged[0] = 0;
    await expect(inflated(memorySource(damaged), 1000, "zlib").read(0, 10)).rejects.toMatchObject({ code: "malformed" });
  });

  test("an error of the source below comes through unchanged", async () => {
    const broken: ByteSource = {
      ...memorySource(deflateSync(truth)),
      read: async () => {
        throw Object.assign(new Error("boom"), { marker: 1 });
      },
    };
    await expect(inflated(broken, 1000, "zlib").read(0, 10)).rejects.toThrow("boom");
  });
});

describe("files", () => {
  test("missing files and folders are distinguished", async () => {
    await expect(fileSource(join(folder, "none"))).rejects.toMatchObject({ code: "not-found" });
    await expect(fileSource(folder)).rejects.toMatchObject({ code: "usage" });
  });

  test("a file that shrinks while it is read is said to have changed", async () => {
    const path = join(folder, "shrinks");
    writeFileSync(path, truth);
    const source = await fileSource(path);
    writeFileSync(path, truth.subarray(0, 10));
    await expect(source.read(0, 1000)).rejects.toMatchObject({ code: "changed" });
    await source.close();
  });
});
