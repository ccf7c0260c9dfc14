import { inflateRawSync, inflateSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { crc32 } from "../../src/encodings/checksum/crc32.ts";
import { crc32c } from "../../src/encodings/checksum/crc32c.ts";
import { createContext } from "../../src/io/run.ts";
import { execute, layoutBytes, type TensorSupply } from "../../src/writers/execute.ts";
import type { Group, Piece } from "../../src/writers/layout.ts";
import { jsonText, textPiece } from "../../src/writers/pieces.ts";
import { counted } from "../support/bytes.ts";
import { memoryOutput } from "../support/memory-output.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
/** Writes the key itself, backwards: out of order, as moves do. */
const supply: TensorSupply = {
  async fill(key, file, at) {
    const bytes = new TextEncoder().encode(key);
    for (let k = bytes.length - 1; k >= 0; k--) await file.write(at + k, bytes.subarray(k, k + 1));
  },
};
const tensor = (key: string): Piece => ({ kind: "tensor", key, byteLength: key.length, order: "row" });

async function write(pieces: readonly Piece[]): Promise<Uint8Array> {
  const set = memoryOutput();
  await execute([{ name: "out", pieces }], supply, set, ctx);
  return set.files.get("out")?.() ?? new Uint8Array(0);
}

describe("execute", () => {
  test("bytes and tensors follow each other", async () => {
    expect(text(await write([textPiece("a"), tensor("bcd"), textPiece("e")]))).toBe("abcde");
  });

  test("a late piece comes before the group that it tells of", async () => {
    const group: Group = { kind: "group", checksum: "crc32", pieces: [tensor("hello"), textPiece(" world")] };
    const pieces: Piece[] = [
      {
        kind: "late",
        byteLength: 20,
        make: (written) => {
          const { offset, length, checksum } = written(group);
          return new TextEncoder().encode(`${offset} ${length} ${checksum}`.padEnd(20));
        },
      },
      group,
    ];
    expect(text(await write(pieces))).toBe(`20 11 ${crc32(new TextEncoder().encode("hello world"))}`.padEnd(20).concat("hello world"));
  });

  test("a checksum waits for the late pieces inside its group", async () => {
    const inner: Group = { kind: "group", pieces: [textPiece("xyz")] };
    const outer: Group = {
      kind: "group",
      checksum: "crc32c",
      pieces: [{ kind: "late", byteLength: 1, make: (written) => Uint8Array.of(48 + written(inner).length) }, inner],
    };
    const bytes = await write([outer, { kind: "late", make: (written) => new TextEncoder().encode(String(written(outer).checksum)) }]);
    expect(text(bytes)).toBe(`3xyz${crc32c(new TextEncoder().encode("3xyz"))}`);
  });

  test.each([
    ["deflate", (bytes: Uint8Array) => inflateSync(bytes)],
    ["deflate-raw", (bytes: Uint8Array) => inflateRawSync(bytes)],
    ["latin1-utf8", (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString("utf8"), "latin1")],
  ] as const)("%s is undone by its decoder", async (encode, decode) => {
    // Squares: bytes above 127 among them, and a stream that deflate makes smaller.
    const raw = counted(3_000_001, 251).map((byte) => (byte * byte) % 251);
    const group: Group = { kind: "group", encode, checksum: "crc32", pieces: [{ kind: "bytes", bytes: raw }] };
    let told: unknown;
    const bytes = await write([
      textPiece("("),
      group,
      textPiece(")"),
      {
        kind: "late",
        make: (written) => {
          told = written(group);
          return new Uint8Array(0);
        },
      },
    ]);
    expect(text(bytes.subarray(0, 1)) + text(bytes.subarray(-1))).toBe("()");
    expect(Buffer.compare(decode(bytes.subarray(1, -1)), raw)).toBe(0);
    expect(told).toEqual({ offset: 1, length: bytes.length - 2, rawLength: raw.length, checksum: crc32(raw) });
  });

  test("shards cut the stream into files of equal size", async () => {
    const set = memoryOutput();
    const shard = { bytes: 4, name: (k: number, of: number) => `${k + 1}of${of}` };
    await execute([{ name: "w", pieces: [tensor("abcdefghij")], shard }], supply, set, ctx);
    expect([...set.files].map(([name, bytes]) => [name, text(bytes())])).toEqual([
      ["1of3", "abcd"],
      ["2of3", "efgh"],
      ["3of3", "ij"],
    ]);
  });

  test("nothing may follow a piece of unknown length, and promises are kept", async () => {
    const open: Piece = { kind: "late", make: () => new Uint8Array(0) };
    await expect(write([open, textPiece("x")])).rejects.toThrow("must be the last");
    await expect(write([{ kind: "late", byteLength: 2, make: () => Uint8Array.of(1) }])).rejects.toThrow("2 bytes");
  });

  test("layoutBytes counts what is known", () => {
    expect(
      layoutBytes([textPiece("ab"), { kind: "group", pieces: [tensor("cde")] }, { kind: "late", make: () => new Uint8Array(9) }]),
    ).toBe(5);
  });
});

test("jsonText keeps the order of a map and any key", () => {
  const value = new Map([
    ["2", 1],
    ["1", 2],
    ["__proto__", 3],
  ]);
  expect(jsonText(value)).toBe('{"2":1,"1":2,"__proto__":3}');
  expect(JSON.parse(jsonText({ a: [1, { b: null }], c: [] }, 2))).toEqual({ a: [1, { b: null }], c: [] });
  expect(jsonText({ a: [1, { b: null }], c: [] }, 2)).toBe(JSON.stringify({ a: [1, { b: null }], c: [] }, null, 2));
});
