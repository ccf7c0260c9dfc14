import { join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { crc32c, maskCrc } from "../../src/encodings/checksum/crc32c.ts";
import { buildTable } from "../../src/encodings/sstable/sstable-build.ts";
import { createContext } from "../../src/io/run.ts";
import { reader as v1 } from "../../src/readers/tensorflow/tf-v1.ts";
import { reader as v2 } from "../../src/readers/tensorflow/tf-v2.ts";
import { values } from "../../src/tensor/load.ts";
import { cutEverywhere, type Files, filesOf, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const cases = ["tf-v2/names", "tf-v2/dtypes", "tf-v2/partitioned-sharded", "tf-v1/dtypes", "tf-v1/partitioned-sharded"];

describe("fixtures written by TensorFlow 2.15.1", () => {
  test.each(cases)("%s lists what TensorFlow reads", async (name) => {
    const [item] = readCase("fixtures", name, join(fixtures, name));
    if (item === undefined) throw new Error("no case");
    const { tensors } = await listing(item.path);
    expect(tensors).toEqual(Object.fromEntries(item.tensors));
  });

  test.each([
    ["tf-v2/partitioned-sharded", ["", "model.ckpt-0.index", "model.ckpt-0.data-00001-of-00002", "checkpoint"]],
    ["tf-v1/partitioned-sharded", ["", "vgg_16.ckpt-00000-of-00002", "vgg_16.ckpt-00001-of-00002"]],
  ])("any file of %s opens the set", async (name, entries) => {
    const [item] = readCase("fixtures", name, join(fixtures, name));
    for (const entry of entries) {
      const { checkpoint } = await listing(join(fixtures, name, entry));
      expect([...checkpoint.tensors.keys()].sort()).toEqual([...(item?.tensors.keys() ?? [])].sort());
    }
  });

  test("readable names of an object-based checkpoint come from its graph", async () => {
    const { checkpoint } = await listing(join(fixtures, "tf-v2/names/names"));
    expect(checkpoint.tensors.get("again/.ATTRIBUTES/VARIABLE_VALUE")?.label).toBe("shared");
    expect(checkpoint.tensors.get("slash/params/a.Sb/.ATTRIBUTES/VARIABLE_VALUE")?.label).toBe("x");
    expect(checkpoint.tensors.get("_CHECKPOINTABLE_OBJECT_GRAPH")?.kind).toBe("bookkeeping");
  });

  test("a table with snappy blocks", async () => {
    const { tensors } = await listing(join(fixtures, "tf-v2/snappy/variables.index"));
    expect(Object.keys(tensors)).toEqual(["a", "a2", "b", "c", "c2"]);
    expect(tensors.b?.sha256.slice(0, 32)).toBe("d88c86f15bbea365d658ad95a81d4536");
  });
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const all = golden === undefined ? [] : expectedCases(golden);
  const wanted = /^(tf(?!js)|tf2|keras2-tf|keras3-tf-checkpoint|keras3-export)/;
  test.each(
    all.filter((item) => item.arch !== "vgg16-224" && wanted.test(item.name)).map((item) => [`${item.arch}/${item.name}`, item] as const),
  )("%s", async (_, item) => {
    expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
  });

  test("slot variables are recognised by the object graph", async () => {
    const { checkpoint } = await listing(join(golden ?? "", "vgg16-64x96/tf2-object-adam-slots/ckpt-1"));
    const slots = [...checkpoint.tensors.values()].filter((tensor) => tensor.kind === "optimizer");
    expect(slots.length).toBe(64);
    expect(slots.every((tensor) => tensor.name.includes("/.OPTIMIZER_SLOT/"))).toBe(true);
  });
});

/** A V2 checkpoint of one float32 [2, 3] tensor, its bytes big-endian, made field by field. */
function handMade(
  changes: { readonly shape?: readonly number[]; readonly dtype?: number; readonly endianness?: number; readonly shard?: number } = {},
): Files {
  const data = new DataView(new ArrayBuffer(24));
  for (let k = 0; k < 6; k++) data.setFloat32(4 * k, k + 0.5, false);
  const bytes = new Uint8Array(data.buffer);
  const header = protobuf.Writer.create()
    .uint32(8)
    .uint32(1)
    .uint32(16)
    .uint32(changes.endianness ?? 1)
    .finish();
  const entry = protobuf.Writer.create()
    .uint32(8)
    .uint32(changes.dtype ?? 1)
    .uint32(18)
    .fork();
  for (const size of changes.shape ?? [2, 3]) entry.uint32(18).fork().uint32(8).int64(size).ldelim();
  entry
    .ldelim()
    .uint32(24)
    .uint32(changes.shard ?? 0)
    .uint32(40)
    .uint32(24)
    .uint32(53)
    .fixed32(maskCrc(crc32c(bytes)));
  const index = buildTable([
    [new Uint8Array(0), header],
    [new TextEncoder().encode("w"), entry.finish()],
  ]);
  return new Map([
    ["m.index", index],
    ["m.data-00000-of-00001", bytes],
  ]);
}

describe("a V2 checkpoint made by hand", () => {
  test("big-endian values come out little-endian", async () => {
    const ctx = createContext({ values: true });
    const checkpoint = await v2.read(memoryProbe(handMade(), "m.index"), ctx);
    const tensor = checkpoint.tensors.get("w");
    if (tensor === undefined || tensor.dtype === "string") throw new Error("w is missing");
    const bytes = await values(tensor, ctx);
    expect([...new Float32Array(bytes.slice().buffer)]).toEqual([0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
    await checkpoint.close();
    await ctx.dispose();
  });

  test.each([
    ["a negative dimension", { shape: [-2, -3] }, "malformed"],
    ["a shape that needs more bytes", { shape: [2, 4] }, "malformed"],
    ["a shape beyond 2^53 elements", { shape: [2 ** 40, 2 ** 40] }, "unsupported"],
    ["a data file that the header does not count", { shard: 7 }, "malformed"],
    ["a byte order that does not exist", { endianness: 2 }, "malformed"],
  ])("refuses %s", async (_, changes, code) => {
    expect(await outcome(v2, handMade(changes), "m.index")).toBe(code);
  });

  test("a type that nobody knows is reported and left out", async () => {
    const ctx = createContext();
    const checkpoint = await v2.read(memoryProbe(handMade({ dtype: 99 }), "m.index"), ctx);
    expect(checkpoint.tensors.size).toBe(0);
    expect(checkpoint.notes).toMatchObject([{ code: "unsupported-tensor", tensor: "w" }]);
    await ctx.dispose();
  });

  test("missing files are named", async () => {
    const files = handMade();
    const data = files.get("m.data-00000-of-00001") ?? new Uint8Array(0);
    const index = files.get("m.index") ?? new Uint8Array(0);
    const read = async (entry: string, bytes: Uint8Array): Promise<unknown> =>
      v2.read(memoryProbe(new Map([[entry, bytes]]), entry), createContext());
    await expect(read("m.index", index)).rejects.toThrow("m.data-00000-of-00001 is missing, which holds w");
    await expect(read("m.data-00000-of-00001", data)).rejects.toThrow("m.index is missing");
    await expect(read("m.meta", Uint8Array.of(1))).rejects.toThrow("holds the graph and not the weights");
    const state = new TextEncoder().encode('model_checkpoint_path: "/tmp/run/m"\n');
    await expect(read("checkpoint", state)).rejects.toThrow("it points to /tmp/run/m");
    expect(await outcome(v2, new Map([...files, ["checkpoint", state]]), "checkpoint")).toBeInstanceOf(Map);
  });
});

describe("damage ends in a clear error or leaves the values as they were", () => {
  const table = filesOf(join(fixtures, "tf-v2/dtypes"));
  const v1Table = filesOf(join(fixtures, "tf-v1/dtypes"));

  test("V2: every cut and every changed byte of index and data is noticed", async () => {
    for (const file of ["dtypes.index", "dtypes.data-00000-of-00001"]) {
      const cuts = await cutEverywhere(v2, table, "dtypes.index", file, 40);
      expect([...cuts.keys()].filter((key) => key === "same" || key === "other")).toEqual([]);
      const flips = await flipEverywhere(v2, table, "dtypes.index", file, { dense: 60, sparse: 60 });
      // Only the padding of the footer and restart points are no part of what is checked.
      expect(flips.get("other") ?? 0).toBe(0);
    }
  });

  test("V1: the same", async () => {
    const cuts = await cutEverywhere(v1, v1Table, "dtypes.ckpt", "dtypes.ckpt", 40);
    expect([...cuts.keys()].filter((key) => key === "same" || key === "other")).toEqual([]);
    const flips = await flipEverywhere(v1, v1Table, "dtypes.ckpt", "dtypes.ckpt", { dense: 60, sparse: 60 });
    expect(flips.get("other") ?? 0).toBe(0);
  });
});
