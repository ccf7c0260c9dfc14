import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import {
  bigInt64,
  bool,
  double,
  fields,
  fieldText,
  fixed32,
  float,
  int32,
  int64,
  int64s,
  uint32,
} from "../../src/encodings/protobuf/protobuf.ts";
import { fieldPayload, sourceFields } from "../../src/encodings/protobuf/protobuf-source.ts";
import { isCheckpointError } from "../../src/errors.ts";
import { memorySource } from "../../src/io/source/memory.ts";

function sample(): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(8).int32(-5).uint32(16).int32(300).uint32(26).string("fc6 é").uint32(37).float(1.5).uint32(41).double(-0.1);
  writer.uint32(50).fork().int32(0).int32(300).int32(-1).ldelim();
  writer
    .uint32((1000 << 3) | 0)
    .bool(true)
    .uint32(61)
    .fixed32(0xdeadbeef);
  return writer.finish();
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("fields of a message in memory", () => {
  test("scalars, strings and packed integers come out as protobufjs wrote them", () => {
    const [a, b, c, d, e, f, g, h] = [...fields(sample())];
    if (!a || !b || !c || !d || !e || !f || !g || !h) throw new Error("eight fields were written");
    expect([a.number, int32(a, "a"), int64(a, "a"), bigInt64(a, "a")]).toEqual([1, -5, -5, -5n]);
    expect([b.number, uint32(b, "b")]).toEqual([2, 300]);
    expect(fieldText(c, "c")).toBe("fc6 é");
    expect(float(d, "d")).toBe(1.5);
    expect(double(e, "e")).toBe(-0.1);
    expect([...int64s(f, "f")]).toEqual([0, 300, -1]);
    expect([g.number, bool(g, "g")]).toEqual([1000, true]);
    expect(fixed32(h, "h")).toBe(0xdeadbeef);
  });

  test("64 bits survive as bigint and are refused as a number beyond 2^53", () => {
    const bytes = Uint8Array.of(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
    const [field] = [...fields(bytes)];
    if (!field) throw new Error("one field was written");
    expect(bigInt64(field, "x")).toBe(2n ** 63n - 1n);
    expect(() => int64(field, "x")).toThrow("beyond 2^53");
  });

  test.each([
    ["a varint without end", [8, ...Array<number>(11).fill(0x80)], "beyond 10 bytes"],
    ["a length beyond the end", [10, 5, 1], "needs 5 bytes and 1 are left"],
    ["field number 0", [0, 1], "field number 0"],
    ["a group", [11], "group"],
    ["wire type 7", [15], "wire type 7"],
    ["an end inside a tag", [0x80], "ends inside a tag"],
    ["an end inside a fixed32", [13, 1, 2], "needs 4 bytes and 2 are left"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => [...fields(Uint8Array.from(bytes))]).toThrow(message);
  });
});

describe("fields of a message in a source", () => {
  test("are those that the memory walk finds, payloads unread", async () => {
    const bytes = sample();
    const shifted = new Uint8Array(bytes.length + 7);
    shifted.set(bytes, 3);
    const found = await collect(sourceFields(memorySource(shifted), 3, 3 + bytes.length));
    const wanted = [...fields(bytes)].map(({ bytes: _, ...field }) => ({ ...field, offset: field.offset + 3 }));
    expect(found.map(({ number, wire, offset, length, low, high }) => ({ number, wire, offset, length, low, high }))).toEqual(wanted);
  });

  test("payload() reads one submessage up to its limit", async () => {
    const source = memorySource(sample());
    const [, , third] = await collect(sourceFields(source));
    if (!third) throw new Error("eight fields were written");
    expect(new TextDecoder().decode(await fieldPayload(source, third, 100, "name"))).toBe("fc6 é");
    await expect(fieldPayload(source, third, 2, "name")).rejects.toThrow("at most 2 are read");
  });

  test("every prefix ends in a clear error or in the whole fields before it", async () => {
    const bytes = sample();
    for (let end = 0; end < bytes.length; end++) {
      const memory = (() => {
        try {
          return [...fields(bytes.subarray(0, end))].length;
        } catch (error) {
          if (isCheckpointError(error)) return error.code;
          throw error;
        }
      })();
      const streamed = await collect(sourceFields(memorySource(bytes.slice(0, end)))).then(
        (list) => list.length,
        (error: unknown) => {
          if (isCheckpointError(error)) return error.code;
          throw error;
        },
      );
      expect(streamed).toBe(memory);
    }
  });
});
