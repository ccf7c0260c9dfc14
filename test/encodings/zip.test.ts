import { describe, expect, test } from "vitest";
import { tarSet } from "../../src/encodings/archive/tar.ts";
import { openZip } from "../../src/encodings/archive/zip.ts";
import { zipSet } from "../../src/encodings/archive/zip-set.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { type Member, zip } from "../support/zip.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const members: readonly Member[] = [
  { name: "a/b.txt", data: text("stored") },
  { name: "c.txt", data: text("deflated ".repeat(20)), deflate: true },
];

async function contents(bytes: Uint8Array): Promise<Record<string, string>> {
  const archive = await openZip(memorySource(bytes, "x.zip"));
  const found: [string, string][] = [];
  for (const name of archive.entries.keys()) {
    const source = await archive.open(name);
    if (source !== undefined) found.push([name, new TextDecoder().decode(await source.read(0, source.size))]);
  }
  return Object.fromEntries(found);
}

describe("zip", () => {
  const expected = { "a/b.txt": "stored", "c.txt": "deflated ".repeat(20) };
  test.each([
    ["plain", {}],
    ["with a comment", { comment: "PK\u0005\u0006 is in here" }],
    ["behind other bytes", { before: "#!/bin/sh\n" }],
    ["zip64", { zip64: true }],
    ["zip64 behind other bytes", { zip64: true, before: "stub" }],
  ])("%s", async (_, options) => {
    expect(await contents(zip(members, options))).toEqual(expected);
  });

  test("stored members stay random, deflated ones run forward", async () => {
    const archive = await openZip(memorySource(zip(members), "x.zip"));
    expect((await archive.open("a/b.txt"))?.access).toBe("random");
    expect((await archive.open("c.txt"))?.access).toBe("forward");
    expect(await archive.open("none")).toBeUndefined();
  });

  test.each([
    ["no end record", zip(members).slice(0, -1), "truncated"],
    ["two of one name", zip([...members, ...members]), "malformed"],
    [
      "members that share bytes",
      zip([members[0] ?? { name: "", data: text("") }, { name: "z", data: text("stored"), header: 0 }]),
      "unsafe",
    ],
    ["a member beyond the directory", zip([{ name: "z", data: text("z"), header: 10 }]), "malformed"],
    ["an end record that counts none of its members", zip(members, { count: 0 }), "malformed"],
    ["an end record that counts fewer members than there are", zip(members, { count: 1 }), "malformed"],
    ["a name that Python would cut at its NUL", zip([{ name: "z\0.npy", data: text("z") }]), "malformed"],
  ])("refuses %s", async (_, bytes, code) => {
    await expect(openZip(memorySource(bytes, "x.zip"))).rejects.toMatchObject({ code });
  });

  test.each([
    ["an unknown method", { method: 12 }, "unsupported"],
    ["encryption", { flags: 1 }, "unsupported"],
    ["a stored member of two sizes", { size: 7 }, "malformed"],
    ["another name in its own header", { local: "y" }, "malformed"],
    ["a longer name in its own header", { local: "zz" }, "malformed"],
  ])("opens no member with %s", async (_, lie, code) => {
    const archive = await openZip(memorySource(zip([{ name: "z", data: text("z"), ...lie }]), "x.zip"));
    await expect(archive.open("z")).rejects.toMatchObject({ code });
  });

  test.each([false, true])("a changed byte is noticed when a member is read (deflated: %s)", async (deflate) => {
    const data = Uint8Array.from({ length: 5000 }, (_, k) => (k * 31) % 251);
    const open = async (crc?: number, zeroCrc?: "none") => {
      const archive = await openZip(memorySource(zip([{ name: "z", data, deflate, ...(crc === undefined ? {} : { crc }) }]), "x.zip"));
      return archive.open("z", zeroCrc);
    };
    const good = await open();
    // In order, out of order, and again: no difference.
    for (const [at, length] of [
      [0, 100],
      [4000, 1000],
      [10, 50],
      [0, 5000],
    ] as const) {
      expect(await good?.read(at, length)).toEqual(data.slice(at, at + length));
    }
    await expect((await open(1))?.read(0, 5000)).rejects.toMatchObject({ code: "malformed", message: expect.stringContaining("checksum") });
    await expect((await open(1))?.read(3000, 10)).rejects.toMatchObject({ code: "malformed" });
    // Python compares a checksum of zero too; PyTorch can be reported to compute none, and stores zero then.
    await expect((await open(0))?.read(0, 5000)).rejects.toMatchObject({ code: "malformed" });
    expect(await (await open(0, "none"))?.read(0, 5000)).toEqual(data);
  });

  test("a count of 16 bits that wrapped", async () => {
    const many = Array.from({ length: 65_537 }, (_, k) => ({ name: String(k), data: new Uint8Array(0) }));
    expect((await openZip(memorySource(zip(many, { count: 1 }), "x.zip"))).entries.size).toBe(65_537);
  });

  test("names that lead outside are in the archive and not in its set", async () => {
    const archive = await openZip(memorySource(zip([...members, { name: "../../x", data: text("x") }]), "x.zip"));
    expect(archive.entries.has("../../x")).toBe(true);
    const set = zipSet(archive, createContext());
    expect(await set.list()).toEqual(["a/b.txt", "c.txt"]);
    await expect(set.open("../../x")).rejects.toMatchObject({ code: "unsafe" });
  });
});

/** ustar: name, size in octal, checksum over the header with its own field as spaces. */
function tarHeader(name: string, size: number, type = "0"): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

const padded = (data: string): Buffer => Buffer.concat([Buffer.from(data), Buffer.alloc((512 - (data.length % 512)) % 512)]);

describe("tar", () => {
  test("plain, pax and GNU names", async () => {
    const record = "30 path=long/name/of/a/member\n";
    const bytes = Buffer.concat([
      tarHeader("./first", 5),
      padded("hello"),
      tarHeader("pax", record.length, "x"),
      padded(record),
      tarHeader("short", 3),
      padded("abc"),
      tarHeader("././@LongLink", 9, "L"),
      padded("gnu/name\0"),
      tarHeader("short", 2),
      padded("de"),
      Buffer.alloc(1024),
    ]);
    const set = await tarSet(memorySource(bytes, "x.tar"));
    expect(await set.list()).toEqual(["first", "gnu/name", "long/name/of/a/member"]);
    const source = await set.open("long/name/of/a/member");
    expect(await source?.read(0, 3)).toEqual(text("abc"));
  });

  test.each([
    ["a member beyond the end", Buffer.concat([tarHeader("x", 2000), padded("x")]), "truncated"],
    [
      "a sparse member, whose holes are left out",
      Buffer.concat([tarHeader("pax", 22, "x"), padded("22 GNU.sparse.major=1\n"), tarHeader("x", 3), padded("abc")]),
      "unsupported",
    ],
    ["a wrong checksum", Buffer.concat([tarHeader("x", 1).fill(1, 0, 4), padded("x")]), "malformed"],
  ])("refuses %s", async (_, bytes, code) => {
    await expect(tarSet(memorySource(bytes, "x.tar"))).rejects.toMatchObject({ code });
  });
});
