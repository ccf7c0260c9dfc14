import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { lookup3 } from "../../../src/encodings/hdf5/checksum.ts";
import { openHdf5 } from "../../../src/encodings/hdf5/file.ts";
import { folderSet } from "../../../src/io/folder.ts";
import { memorySource } from "../../../src/io/source/memory.ts";
import { fixtures } from "../../support/paths.ts";

const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bytesOf = (name: string, file = `${name}.h5`): Uint8Array => new Uint8Array(readFileSync(join(fixtures, "hdf5", name, file)));

/** All values of a dataset; the files beside it are those of `at`. */
async function read(bytes: Uint8Array, path: string, at?: string): Promise<Uint8Array> {
  const file = await openHdf5(memorySource(bytes, "x.h5"), at === undefined ? undefined : folderSet(at));
  const object = await file.find(path);
  if (object?.kind !== "dataset") throw new Error(`${path} is no dataset`);
  return object.bytes();
}

/** The same length, so that every offset stays. */
function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
  return new Uint8Array(Buffer.from(Buffer.from(bytes).toString("latin1").replaceAll(from, to), "latin1"));
}

/** The lists of mappings with checksums that fit: each is an object of the global heap (u16 index, u16, u32, u64 size, data). */
function summed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const heap = Buffer.from(bytes).indexOf("GCOL", 0, "latin1");
  for (let at = heap + 16; view.getUint16(at, true) !== 0; ) {
    const size = view.getUint32(at + 8, true);
    const data = at + 16;
    view.setUint32(data + size - 4, lookup3(bytes.subarray(data, data + size - 4)), true);
    at = data + 8 * Math.ceil(size / 8);
  }
  return bytes;
}

describe("data in other files", () => {
  const external = join(fixtures, "hdf5", "external");
  test.each([
    ["a name that leads out", "second.bin", "../../x.bi", "unsafe"],
    ["an absolute name", "second.bin", "/etc/hosts", "unsafe"],
    ["a file that is not there", "second.bin", "sekond.bin", "not-found"],
  ])("%s", async (_, from, to, code) => {
    await expect(read(replaced(bytesOf("external"), from, to), "two", external)).rejects.toMatchObject({ code });
  });

  test("a file that is too short, and no folder to look in", async () => {
    copyFileSync(join(external, "first.bin"), join(folder, "first.bin"));
    writeFileSync(join(folder, "second.bin"), new Uint8Array(20));
    await expect(read(bytesOf("external"), "two", folder)).rejects.toMatchObject({ code: "truncated" });
    await expect(read(bytesOf("external"), "two")).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("first.bin"),
    });
  });
});

describe("virtual datasets", () => {
  const virtual = join(fixtures, "hdf5", "virtual");
  test("what no source covers is the fill value", async () => {
    const gaps = new Float32Array((await read(bytesOf("virtual"), "gaps", virtual)).buffer);
    expect([...gaps.subarray(0, 9)]).toEqual(Array(9).fill(7));
    expect([...gaps.subarray(9, 18)]).toEqual([0, 7, 1, 7, 2, 7, 3, 7, 4]);
  });

  test.each([
    ["a source file that leads out", "part-1.h5", "../rt-1.h", "unsafe"],
    ["a source file that is not there", "part-1.h5", "part-9.h5", "not-found"],
    ["a source that is no dataset there", "rows", "cols", "not-found"],
  ])("%s", async (_, from, to, code) => {
    const changed = summed(replaced(bytesOf("virtual"), from, to.padEnd(from.length, "5")));
    await expect(read(changed, "stacked", virtual)).rejects.toMatchObject({ code });
  });

  test("a dataset made of itself ends", async () => {
    const own = summed(replaced(bytesOf("virtual"), ".\0stacked\0", ".\0inverse\0"));
    await expect(read(own, "inverse", virtual)).rejects.toMatchObject({ code: "unsafe", message: "virtual datasets deeper than 8" });
  });
});

describe("filters of the HDF5 library", () => {
  test("a chunk that is damaged is malformed, whatever the filter", async () => {
    const whole = bytesOf("filters");
    let refused = 0;
    for (let at = 9000; at < whole.length; at += 2500) {
      const damaged = whole.slice();
      damaged.fill(0xff, at, at + 24);
      for (const path of ["szip/nn", "scale-offset/int32", "nbit"]) {
        const code = await read(damaged, path).then(
          () => undefined,
          (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
        );
        if (code !== undefined) expect(["malformed", "truncated", "unsupported", "unsafe"]).toContain(code);
        if (code !== undefined) refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  test("one that it was built without is named", async () => {
    // Filter 6 in the messages becomes 307: reserved for registered filters, and registered by nobody here.
    const bytes = bytesOf("filters");
    const file = await openHdf5(memorySource(bytes, "x.h5"));
    const object = await file.find("scale-offset/int32");
    if (object?.kind !== "dataset") throw new Error("no dataset");
    const header = bytes.subarray(object.address, object.address + 400);
    // Message 0x0b: version 1, one filter, six bytes; then its id.
    const at = header.findIndex((_, k) => header[k] === 1 && header[k + 1] === 1 && header[k + 8] === 6 && header[k + 9] === 0);
    header.set([0x33, 0x01], at + 8);
    const changed = await (await openHdf5(memorySource(bytes, "x.h5"))).find("scale-offset/int32");
    if (changed?.kind !== "dataset") throw new Error("no dataset");
    expect(changed.beyond).toBe("filter 307");
    await expect(changed.bytes()).rejects.toMatchObject({ code: "unsupported", message: "HDF5 dataset with filter 307" });
  });
});
