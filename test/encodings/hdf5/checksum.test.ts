import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lookup3 } from "../../../src/encodings/hdf5/checksum.ts";
import { openHdf5 } from "../../../src/encodings/hdf5/file.ts";
import { walkDatasets } from "../../../src/encodings/hdf5/walk.ts";
import { isCheckpointError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/io/source/memory.ts";
import { fixtures } from "../../support/paths.ts";

const bytesOf = (...parts: readonly string[]): Buffer => readFileSync(join(fixtures, ...parts));

/** Everything that the file has: attributes, links, values. */
async function readAll(bytes: Uint8Array): Promise<number> {
  const file = await openHdf5(memorySource(bytes, "x.h5"));
  let values = 0;
  for await (const { dataset } of walkDatasets(file)) {
    await dataset.attributes();
    values += (await dataset.bytes()).length;
  }
  return values;
}

test("lookup3 gives what its author published for these texts", () => {
  const sum = (text: string): string => lookup3(new TextEncoder().encode(text)).toString(16);
  expect(sum("")).toBe("deadbeef");
  expect(sum("Four score and seven years ago")).toBe("17770551");
});

test("a structure that begins anywhere in memory has the same checksum", () => {
  const bytes = new Uint8Array(41).map((_, k) => k * 7);
  for (let length = 0; length < 38; length++) {
    expect(lookup3(bytes.subarray(3, 3 + length))).toBe(lookup3(bytes.slice(3, 3 + length)));
  }
});

describe("one flipped bit is malformed, at its structure", () => {
  test.each([
    ["checked.h5", "\x89HDF", 16, "HDF5 superblock"],
    ["checked.h5", "OHDR", 5, "object header"],
    ["checked.h5", "OCHK", 10, "object header continuation"],
    ["checked.h5", "FRHP", 9, "fractal heap"],
    ["checked.h5", "FHIB", 12, "fractal heap block"],
    ["checked.h5", "FHDB", 40, "fractal heap block"],
    ["checked.h5", "BTHD", 16, "B-tree header"],
    ["checked.h5", "BTIN", 20, "B-tree node"],
    ["checked.h5", "BTLF", 8, "B-tree node"],
    ["checked.h5", "FAHD", 7, "fixed array"],
    ["checked.h5", "FADB", 20, "fixed array block"],
    ["checked.h5", "EAHD", 20, "extensible array"],
    ["checked.h5", "EAIB", 16, "extensible array index"],
    ["checked.h5", "EASB", 20, "extensible array super block"],
    ["checked.h5", "EADB", 30, "extensible array block"],
  ])("%s: %s + %i", async (name, signature, at, what) => {
    const bytes = bytesOf("fuzz", "hdf5", name);
    const start = bytes.indexOf(signature, 0, "latin1");
    bytes.writeUInt8(bytes.readUInt8(start + at) ^ 1, start + at);
    await expect(readAll(bytes)).rejects.toMatchObject({
      code: "malformed",
      message: expect.stringMatching(new RegExp(`^${what}: its checksum is [0-9a-f]{8}, and [0-9a-f]{8} is needed for its \\d+ bytes`)),
      where: { file: "x.h5", offset: start },
    });
  });

  test.each([
    ["fixed array page", "FADB", 6 + 8 + 1 + 4 + 9],
    ["extensible array page", "EADB", 6 + 8 + 4 + 4 + 9],
  ])("paged.h5: %s", async (what, signature, at) => {
    const bytes = bytesOf("fuzz", "hdf5", "paged.h5");
    // The first byte behind the block that differs when it is damaged: pages that were never written are not looked at.
    const start = bytes.indexOf(signature, 0, "latin1") + at;
    const messages = new Set<string>();
    for (let k = start; k < start + 40_000 && k < bytes.length; k += 1024) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(k) ^ 1, k);
      await readAll(damaged).catch((error: unknown) => {
        if (!isCheckpointError(error)) throw error;
        messages.add(error.message.slice(0, error.message.indexOf(":")));
      });
    }
    expect([...messages]).toContain(what);
  });

  test("shared messages, and the list of a virtual dataset's sources", async () => {
    const bytes = bytesOf("hdf5", "modern", "modern.h5");
    for (const [signature, at, what] of [
      ["SMTB", 8, "shared message table"],
      ["a-long-name-of-a-part.h5", 2, "virtual dataset"],
    ] as const) {
      const damaged = Buffer.from(bytes);
      const place = damaged.indexOf(signature, 0, "latin1") + at;
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      await expect(readAll(damaged)).rejects.toMatchObject({
        code: "malformed",
        message: expect.stringContaining(`${what}: its checksum`),
      });
    }
  });
});

test("an index of fewer chunks than the extents need is malformed", async () => {
  const bytes = bytesOf("fuzz", "hdf5", "checked.h5");
  const header = bytes.indexOf("FAHD", 0, "latin1");
  // Three chunks of two values each; the checksum is made to fit.
  expect(bytes.readUInt32LE(header + 8)).toBe(3);
  bytes.writeUInt32LE(2, header + 8);
  bytes.writeUInt32LE(lookup3(bytes.subarray(header, header + 24)), header + 24);
  await expect(readAll(bytes)).rejects.toMatchObject({
    code: "malformed",
    message: "fixed array: an index of 2 chunks, the extents of the dataset need 3",
  });
});

test("a million chunks that were never written are one part", async () => {
  const file = await openHdf5(memorySource(bytesOf("fuzz", "hdf5", "paged.h5"), "x.h5"));
  const object = await file.find("grows");
  if (object?.kind !== "dataset") throw new Error("no dataset");
  // One of 140,000 chunks was written: what is before it and what is behind.
  expect((await object.parts()).map(({ start, shape }) => [...start, ...shape])).toEqual([
    [139_000, 1],
    [0, 139_000],
    [139_001, 999],
  ]);
});
