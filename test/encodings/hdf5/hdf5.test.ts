import { readFileSync } from "node:fs";
import { join } from "node:path";
import h5wasm, { Dataset, Group, type File as WasmFile } from "h5wasm/node";
import { describe, expect, test } from "vitest";
import { type Hdf5Dataset, type Hdf5File, openHdf5 } from "../../../src/encodings/hdf5/file.ts";
import { hdf5Tensor } from "../../../src/encodings/hdf5/tensor.ts";
import { walkDatasets } from "../../../src/encodings/hdf5/walk.ts";
import { memorySource } from "../../../src/io/source/memory.ts";
import { fixtures } from "../../support/paths.ts";

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(fixtures, "hdf5", name, `${name}.h5`)));
const opened = (name: string): Promise<Hdf5File> => openHdf5(memorySource(bytesOf(name), name));

async function dataset(file: Hdf5File, path: string): Promise<Hdf5Dataset> {
  const object = await file.find(path);
  if (object?.kind !== "dataset") throw new Error(`${path} is no dataset`);
  return object;
}

/** Every dataset that h5wasm finds by walking. */
function* oracle(group: WasmFile | Group, prefix: string, depth: number): Generator<readonly [string, Dataset]> {
  for (const name of group.keys()) {
    if (name === "parent" || name === "loop" || name === "linked" || name === "lzf") continue; // h5wasm has no LZF
    const object = group.get(name);
    if (object instanceof Dataset) yield [prefix + name, object];
    else if (object instanceof Group && depth < 4) yield* oracle(object, `${prefix}${name}/`, depth + 1);
  }
}

describe.each(["earliest", "latest"])("written with libver=%s", (name) => {
  test("shapes and values are those of h5wasm", async () => {
    await h5wasm.ready;
    const wasm = new h5wasm.File(join(fixtures, "hdf5", name, `${name}.h5`), "r");
    const file = await opened(name);
    let compared = 0;
    for (const [path, theirs] of oracle(wasm, "", 0)) {
      const ours = await dataset(file, path);
      expect(ours.shape, path).toEqual(theirs.shape);
      const value = theirs.value;
      if (!ArrayBuffer.isView(value) || (ours.type.class !== "float" && ours.type.class !== "integer")) continue;
      expect(JSON.stringify(await ours.values()), path).toBe(JSON.stringify(Array.from(Object.values(value))));
      compared++;
    }
    wasm.close();
    expect(compared).toBeGreaterThan(45);
  });

  test("attributes: numbers, texts, references", async () => {
    const file = await opened(name);
    const group = await file.find("many");
    expect(await group?.attribute("a11")).toEqual([11]);
    expect(await group?.attribute("names")).toEqual(["a", "é"]);
    expect(await group?.attribute("fixed")).toEqual(["ab", "c"]);
    const [address] = (await group?.attribute("ref")) ?? [];
    expect(typeof address === "number" && (await file.object(address)).address).toBe((await file.find("contiguous"))?.address);
    expect(await group?.attribute("none")).toBeUndefined();
  });

  test("links: soft ones are followed, loops lead nowhere, a group in itself is walked once", async () => {
    const file = await opened(name);
    expect((await file.find("linked"))?.address).toBe((await file.find("contiguous"))?.address);
    expect(await file.find("loop")).toBeUndefined();
    expect(await file.find("contiguous/below")).toBeUndefined();
    const paths: string[] = [];
    for await (const { path } of walkDatasets(file)) paths.push(path);
    expect(paths.filter((path) => path.startsWith("many/"))).toHaveLength(40);
    expect(paths).not.toContain("many/parent/tensor_0");
  });

  test("chunks are parts, cropped at the edges; what was never written is one value without strides", async () => {
    const file = await opened(name);
    const parts = await (await dataset(file, "filtered")).parts();
    expect(parts).toHaveLength(9);
    expect(parts.find((part) => part.start.join() === "8,10")).toMatchObject({ shape: [3, 3], strides: [20, 4] });
    expect(await (await dataset(file, "never")).parts()).toMatchObject([{ shape: [2, 3], strides: [0, 0] }]);
    expect(await (await dataset(file, "contiguous")).parts()).toHaveLength(1);
  });

  test("big-endian values are given little-endian", async () => {
    const tensor = hdf5Tensor(await dataset(await opened(name), "big-endian"), { name: "x" });
    if (tensor === undefined || tensor.dtype === "string") throw new Error("no tensor");
    const [part] = await tensor.parts();
    expect(tensor.dtype).toBe("int16");
    expect(await part?.source.read(part.offset, 6)).toEqual(Uint8Array.of(0, 0, 1, 0, 2, 0));
  });
});

test("a file behind a user block is read from there", async () => {
  const inner = bytesOf("earliest");
  const bytes = new Uint8Array(512 + inner.length);
  bytes.set(inner, 512);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(512 + 40, BigInt(bytes.length), true); // end of file counts from the start of the file
  const file = await openHdf5(memorySource(bytes, "x"));
  expect(await (await dataset(file, "scalar")).values()).toEqual([3]);
});

test.each([
  ["cut short", bytesOf("latest").slice(0, -1), "truncated"],
  ["no signature", new Uint8Array(2048), "malformed"],
  ["superblock 9", bytesOf("latest").with(8, 9), "unsupported"],
])("refuses a file %s", async (_, bytes, code) => {
  await expect(openHdf5(memorySource(bytes, "x"))).rejects.toMatchObject({ code });
});
