import { randomBytes } from "node:crypto";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { helper } from "#assets/helper";
import { checked } from "../../src/encodings/checksum/checked.ts";
import { crc32 } from "../../src/encodings/checksum/crc32.ts";
import { crc32c } from "../../src/encodings/checksum/crc32c.ts";
import { currentCrew, divide } from "../../src/io/crew/crew.ts";
import { createOutput } from "../../src/io/output/output-file.ts";
import { readBack } from "../../src/io/output/read-back.ts";
import { createContext } from "../../src/io/run.ts";
import { fileSource } from "../../src/io/source/file.ts";
import { copyStrided } from "../../src/tensor/move/copy.ts";
import { turnsBack } from "../../src/tensor/move/turn-back.ts";
import { workplace } from "../support/workplace.ts";

const { root } = workplace("crew");
const ctx = createContext({ threads: { most: 3, script: async () => helper }, temporaryFolder: root });
const MB = 1 << 20;
const bytes = new Uint8Array(randomBytes(8 * MB));
const path = join(root, "values");

/** Jobs that helpers were given since the last look. */
let asked: string[] = [];

beforeAll(async () => {
  writeFileSync(path, bytes);
  await ctx.recruit?.(50e6);
  const crew = currentCrew() ?? expect.unreachable("no crew");
  const job = { kind: "same", a: 0, b: 0, length: 1 } as const;
  // Two jobs at once: both helpers run.
  for (;;) {
    const [one, other] = [crew.ask(job), crew.ask(job)];
    one?.();
    if (other?.() !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { ask } = crew;
  crew.ask = (given) => {
    asked.push(given.kind);
    return ask(given);
  };
});
afterAll(() => ctx.dispose());

function sinceThen(): string[] {
  const kinds = asked;
  asked = [];
  return kinds;
}

describe("helper threads over the tile buffers", () => {
  test("read a file in parts, long runs and short ones", async () => {
    const source = await fileSource(path);
    const whole = await source.read(0, bytes.length, ctx.scratch(0, bytes.length));
    expect(Buffer.compare(whole, bytes)).toBe(0);
    expect(sinceThen()).toEqual(["read", "read"]);
    const into = ctx.scratch(1, 4 * MB);
    await source.readRuns?.({ offset: 100, stride: 8000, count: 1000, length: 3000, pitch: 3008 }, into);
    for (const k of [0, 1, 499, 500, 999]) {
      const wanted = bytes.subarray(100 + k * 8000, 3100 + k * 8000);
      expect(Buffer.compare(into.subarray(k * 3008, k * 3008 + 3000), wanted)).toBe(0);
    }
    expect(sinceThen()).toEqual(["read", "read"]);
    await source.close();
  });

  test.each([1, 2, 4, 8])("copy elements of %i bytes across axes, and find the one that differs", (itemsize) => {
    const [rows, columns] = [517, 1031];
    const raw = ctx.scratch(0, rows * columns * itemsize);
    raw.set(bytes.subarray(0, raw.length));
    const turned = ctx.scratch(1, raw.length);
    const from = { bytes: raw, origin: 0, strides: [columns * itemsize, itemsize] };
    const to = { bytes: turned, origin: 0, strides: [itemsize, rows * itemsize] };
    copyStrided(from, to, [rows, columns], itemsize);
    const plain = new Uint8Array(raw.length);
    copyStrided({ ...from, bytes: raw.slice() }, { ...to, bytes: plain }, [rows, columns], itemsize);
    expect(Buffer.compare(turned, plain)).toBe(0);
    expect(turnsBack(from, to, [rows, columns], itemsize)).toBe(true);
    expect(sinceThen()).toEqual(["copy", "copy", "prove", "prove"]);
    for (const byte of [0, Math.floor(turned.length / 2), turned.length - 1]) {
      turned[byte] = (turned[byte] ?? 0) ^ 1;
      expect(turnsBack(from, to, [rows, columns], itemsize)).toBe(false);
      turned[byte] = (turned[byte] ?? 0) ^ 1;
    }
    sinceThen();
  });

  test.each([
    ["crc32", crc32],
    ["crc32c", crc32c],
  ] as const)("sum up parts as %s of the whole", (_, checksum) => {
    const shared = ctx.scratch(0, 3 * MB + 5);
    shared.set(bytes.subarray(0, shared.length));
    expect(checksum(shared)).toBe(checksum(shared.slice()));
    expect(checksum(shared, 0x12345678)).toBe(checksum(shared.slice(), 0x12345678));
    expect(sinceThen()).toEqual(["sum", "sum", "sum", "sum"]);
  });

  test("check a stored checksum, and refuse a wrong one in the same words", async () => {
    const whole = { offset: 0, size: bytes.length };
    const source = await fileSource(path);
    await checked(source, whole, crc32c(bytes), whole).late?.verified();
    expect(sinceThen()).toContain("sumFile");
    const wrong = checked(source, whole, { value: 1, compute: crc32 }, whole).late?.verified();
    const computed = crc32(bytes).toString(16).padStart(8, "0");
    await expect(wrong).rejects.toThrow(`the checksum of ${bytes.length} bytes is wrong: stored 00000001, computed ${computed}`);
    await source.close();
    sinceThen();
  });

  test("compare what was written with what is there, and say where the two differ", async () => {
    const file = createOutput(join(root, "written"), "written", "new");
    const set = readBack({ create: async () => file, commit: async () => {}, abort: async () => {} }, ctx);
    const proven = await set.create("written");
    const shared = ctx.scratch(0, 2 * MB);
    shared.set(bytes.subarray(0, shared.length));
    await proven.write(0, shared);
    expect(sinceThen()).toEqual(["sameFile"]);
    const write = file.write.bind(file);
    file.write = async (offset, given) => {
      await write(offset, given);
      await write(offset + 1_900_000, Uint8Array.of((given[1_900_000] ?? 0) ^ 255));
    };
    await expect(proven.write(2 * MB, shared)).rejects.toMatchObject({ code: "mismatch", where: { offset: 2 * MB + 1_900_000 } });
    await file.close();
    sinceThen();
  });

  test("a file that was cut is refused as without them", async () => {
    const short = join(root, "short");
    writeFileSync(short, bytes);
    const source = await fileSource(short);
    truncateSync(short, 5 * MB);
    const refusal = { code: "changed", where: { file: short, offset: 5 * MB } };
    await expect(source.read(0, bytes.length, ctx.scratch(0, bytes.length))).rejects.toMatchObject(refusal);
    await expect(source.read(0, bytes.length, new Uint8Array(bytes.length))).rejects.toMatchObject(refusal);
    await source.close();
    sinceThen();
  });

  test("what a helper cannot do is done by who asked", () => {
    const job = () => ({ kind: "read", fd: 9999, offset: 0, stride: 0, count: 1, length: 1, pitch: 0, at: 0 }) as const;
    const done: string[] = [];
    const own = (from: number, to: number): number => done.push(`${from}–${to}`);
    divide(currentCrew(), { count: 9, step: 1, job, own });
    expect(done).toEqual(["0–3", "3–6", "6–9"]);
    sinceThen();
  });

  test("buffers of others, and short ones, are nobody's business", async () => {
    const source = await fileSource(path);
    await source.read(0, bytes.length);
    await source.read(0, 1000, ctx.scratch(0, 1000));
    crc32(bytes);
    expect(sinceThen()).toEqual([]);
    await source.close();
  });
});

test("a second context gets no helpers of its own, and small work none at all", async () => {
  const second = createContext({ threads: { most: 2, script: () => expect.unreachable("a helper was started") } });
  await second.recruit?.(49e6);
  await second.recruit?.(1e9);
  await second.dispose();
  expect(currentCrew()).toBeDefined();
});
