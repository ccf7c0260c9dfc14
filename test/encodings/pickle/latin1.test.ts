import { describe, expect, test } from "vitest";
import { decodeSmall, latin1Bytes } from "../../../src/encodings/pickle/latin1.ts";
import { escapedBytes } from "../../../src/encodings/pickle/text-stream.ts";
import { memorySource } from "../../../src/io/source/memory.ts";
import { Random } from "../../support/random.ts";

const random = new Random(17);
const values = random.bytes(300_000);
const encoded = new TextEncoder().encode(Buffer.from(values).toString("latin1"));

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return Buffer.concat(parts);
}

describe("bytes kept as UTF-8 text", () => {
  test("all lengths around the block sizes come out as they went in", async () => {
    // A cut between a lead byte and its continuation falls on a block's edge in about a third of these.
    for (const length of [0, 1, 15, 16, 17, 2047, 2048, 2049, 262_143, 262_144, 262_145, 262_160, encoded.length]) {
      const end = encoded[length - 1] === 0xc2 || encoded[length - 1] === 0xc3 ? length + 1 : length;
      const expected = Buffer.from(Buffer.from(encoded.subarray(0, end)).toString("utf8"), "latin1");
      const source = memorySource(Buffer.concat([Buffer.from("..."), encoded]));
      expect(Buffer.compare(await collected(latin1Bytes(source, 3, end)), expected), `length ${end}`).toBe(0);
    }
  });

  test("two decodings at once share the kernel and nothing else", async () => {
    const source = memorySource(encoded);
    const [a, b] = [latin1Bytes(source, 0, encoded.length), latin1Bytes(source, 0, encoded.length)];
    const parts: [Uint8Array[], Uint8Array[]] = [[], []];
    for (let k = 0; k < 3; k += 1) {
      const [one, two] = [await a.next(), await b.next()];
      if (one.done !== true) parts[0].push(one.value.slice());
      if (two.done !== true) parts[1].push(two.value.slice());
    }
    expect(Buffer.compare(Buffer.concat(parts[0]), values)).toBe(0);
    expect(Buffer.compare(Buffer.concat(parts[1]), values)).toBe(0);
  });

  test.each([
    ["a character beyond U+00FF", [0xc4, 0x80]],
    ["three bytes", [0xe2, 0x82, 0xac]],
    ["a continuation alone", [0x80]],
    ["a lead byte before ASCII", [0xc2, 0x41]],
    ["two lead bytes", [0xc3, 0xc3, 0x80]],
  ])("%s is refused wherever it stands", async (_, bad) => {
    expect(decodeSmall(Uint8Array.from(bad))).toBeUndefined();
    for (const at of [0, 13, 14, 15, 16, 262_143, 262_144, 299_990]) {
      const bytes = new Uint8Array(300_000).fill(0x41);
      bytes.set(bad, at);
      await expect(collected(latin1Bytes(memorySource(bytes), 0, bytes.length))).rejects.toMatchObject({ code: "malformed" });
    }
  });

  test("a lead byte at the very end is refused", async () => {
    const bytes = new Uint8Array(4096).fill(0x41);
    bytes[4095] = 0xc3;
    await expect(collected(latin1Bytes(memorySource(bytes), 0, 4096))).rejects.toMatchObject({ code: "malformed" });
  });
});

describe("bytes kept as escaped text", () => {
  /** As CPython's pickler of protocol 0 writes a latin-1 text. */
  const asProtocol0 = (bytes: Uint8Array): string =>
    Array.from(bytes, (byte) =>
      [0, 0x0a, 0x0d, 0x1a, 0x5c].includes(byte) ? `\\u00${byte.toString(16).padStart(2, "0")}` : String.fromCharCode(byte),
    ).join("");

  test("protocol 0, with cuts inside escapes", async () => {
    for (const text of [
      asProtocol0(values.subarray(0, 100_000)),
      "\\u005c".repeat(30_000),
      "a".repeat(65_533) + asProtocol0(Uint8Array.of(0x5c, 0xe9, 10)),
    ]) {
      const source = memorySource(Buffer.from(text, "latin1"));
      const expected = Buffer.from(
        text.replace(/\\u00(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
        "latin1",
      );
      expect(Buffer.compare(await collected(escapedBytes(source, 0, source.size, "escaped")), expected)).toBe(0);
    }
  });

  test("a Python 2 literal", async () => {
    const text = Array.from(values.subarray(0, 50_000), (byte) =>
      byte < 32 || byte > 126
        ? `\\x${byte.toString(16).padStart(2, "0")}`
        : byte === 0x5c
          ? "\\\\"
          : byte === 0x27
            ? "\\'"
            : String.fromCharCode(byte),
    ).join("");
    const source = memorySource(Buffer.from(text, "latin1"));
    expect(Buffer.compare(await collected(escapedBytes(source, 0, source.size, "quoted")), values.subarray(0, 50_000))).toBe(0);
  });
});
