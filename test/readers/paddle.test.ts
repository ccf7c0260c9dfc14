import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { open } from "../../src/open.ts";
import { reader } from "../../src/readers/paddle/reader.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { cutEverywhere, filesOf, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const folder = join(fixtures, "paddle");
const cases = ["dtypes", "dtypes-p2", "bare", "bare-list", "bare-static", "bare-binary", "inference-pir", "inference-26"];

async function inspected(path: string): Promise<Checkpoint> {
  const ctx = createContext();
  const checkpoint = await open(path, ctx);
  await checkpoint.close();
  await ctx.dispose();
  return checkpoint;
}

async function failure(path: string): Promise<string> {
  const error: unknown = await inspected(path).catch((thrown: unknown) => thrown);
  return isCheckpointError(error) ? `${error.code}: ${error.message}` : String(error);
}

describe("fixtures written by Paddle 2.6 and 3.3", () => {
  test.each(cases)("%s lists what Paddle reads", async (name) => {
    const [item] = readCase("fixtures", name, join(folder, name));
    if (item === undefined) throw new Error("no case");
    expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
  });

  test("a program says what is fed to it", async () => {
    expect((await inspected(join(folder, "inference-26/model.pdmodel"))).metadata.get("input")).toEqual([-1, 3, 64, 96]);
    expect((await inspected(join(folder, "inference-pir/model.json"))).metadata.get("input")).toEqual([-1, 3, 64, 96]);
  });

  test("what is no tensor is metadata, by path", async () => {
    const { metadata } = await inspected(join(folder, "dtypes/model.pdparams"));
    expect(metadata.get("nested/deep/count")).toBe(2);
    expect(metadata.get("name")).toBe("golden 黄金");
    expect(metadata.get("history")).toEqual([1, 2.5, "x", null, true]);
    expect(metadata.get("big")).toBe(2n ** 70n);
    expect(metadata.get("np_scalar")).toBe(0.5);
  });

  test("protocol 2 keeps bytes as text, and says so", async () => {
    const { tensors, metadata, variant } = await inspected(join(folder, "dtypes-p2/model.pdparams"));
    expect(tensors.get("float32")?.stored).toEqual({ kind: "text" });
    expect(variant).toBe("pdparams, pickle protocol 2");
    expect(metadata.get("parameter names")).toBeInstanceOf(Map);
    expect((await inspected(join(folder, "dtypes/model.pdparams"))).tensors.get("float32")?.stored).toBeUndefined();
  });

  test("a lone tensor has the empty name, and its parameter's name as label", async () => {
    expect((await inspected(join(folder, "bare/model.pdtensor"))).tensors.get("")?.label).toBe("conv2d_0.w_0");
  });

  test.each(["model.pdmodel", "model.pdiparams", "model.pdiparams.info"])("%s opens the whole network", async (file) => {
    const { tensors, layers, files } = await inspected(join(folder, "inference-26", file));
    expect(tensors.size).toBe(32);
    expect(tensors.get("conv2d_10.w_0")?.label).toBe("features.24.weight");
    expect([...files].sort()).toEqual(["model.pdiparams", "model.pdiparams.info", "model.pdmodel"]);
    const first = layers.find((layer) => layer.type === "conv2d");
    expect(first?.tensors).toEqual(["conv2d_0.w_0"]);
    expect(first?.attributes.get("strides")).toEqual([1, 1]);
    expect(first?.attributes.has("op_callstack")).toBe(false);
  });

  test("a PIR program gives layers and names", async () => {
    const { layers, variant } = await inspected(join(folder, "inference-pir/model.pdiparams"));
    expect(variant).toBe("combined parameters, PIR version 4");
    const pool = layers.find((layer) => layer.type === "pool2d");
    expect(pool?.attributes.get("pooling_type")).toBe("max");
    expect(layers.filter((layer) => layer.type === "conv2d").map((layer) => layer.tensors)).toContainEqual(["conv2d_12.w_0"]);
  });

  test("parameters without their program are numbered", async () => {
    const bytes = readFileSync(join(folder, "inference-26/model.pdiparams"));
    const found = await outcome(reader, new Map([["model.pdiparams", new Uint8Array(bytes)]]), "model.pdiparams");
    expect(typeof found === "string" ? found : [...found.keys()].slice(0, 3)).toEqual(["0", "1", "2"]);
  });
});

test("listing reads instructions, not values", async () => {
  const values = new Uint8Array(8 << 20);
  const text = (latin1: string): Uint8Array => Uint8Array.from(latin1, (char) => char.charCodeAt(0));
  // {"a": _frombuffer(data, dtype("f4", 0, 1), (2 ** 21,), "C")}
  const bytes = Buffer.concat([
    text("\x80\x04}U\x01acnumpy.core.numeric\n_frombuffer\n(B\x00\x00\x80\x00"),
    values,
    text("cnumpy\ndtype\n(U\x02f4K\x00K\x01tRJ\x00\x00\x20\x00\x85U\x01CtRs."),
  ]);
  const probe = memoryProbe(new Map([["model.pdparams", bytes]]), "model.pdparams");
  let read = 0;
  const source: ByteSource = {
    ...probe.source,
    read: (offset, length, into) => {
      read += length;
      return probe.source.read(offset, length, into);
    },
  };
  const ctx = createContext();
  const { tensors } = await reader.read({ ...probe, source }, ctx);
  expect(tensors.get("a")?.shape).toEqual([2 ** 21]);
  expect(read).toBeLessThan(100_000);
  await ctx.dispose();
});

describe("what is refused", () => {
  test("a call that is not Paddle's is named and never run", async () => {
    const { tensors, notes } = await inspected(join(fixtures, "pickle-hostile/paddle-ace.pdparams"));
    expect([...tensors.keys()]).toEqual(["features.0.weight"]);
    expect(notes).toEqual([
      {
        code: "unknown-object",
        message: "the pickle would call posix.system: kept as an inert record, not run",
        tensor: "features.0.bias",
      },
    ]);
    expect(await failure(join(fixtures, "pickle-hostile/paddle-ace-eval.pdparams"))).toBe(
      "unsafe: the pickle calls eval with other text than the 'data' that Paddle writes: refused, nothing was run",
    );
  });

  test("a program and parameters of different saves", async () => {
    const files = new Map([...filesOf(join(folder, "inference-26"))]);
    const stream = files.get("model.pdiparams") ?? new Uint8Array(0);
    files.set("model.pdiparams", stream.slice(0, 16 + 4 + 4 + 16)); // the first bias alone
    expect(await outcome(reader, files, "model.pdmodel")).toBe("mismatch");
  });

  test("every cut and every changed byte ends in a clear error or a correct parse", async () => {
    const plain = filesOf(join(folder, "dtypes-p2"));
    const cuts = await cutEverywhere(reader, plain, "model.pdparams", "model.pdparams", 150);
    expect([...cuts.keys()].filter((key) => !["truncated", "malformed", "undetected"].includes(key))).toEqual([]);
    const allowed = ["same", "other", "truncated", "malformed", "unsupported", "unsafe", "undetected", "mismatch", "not-found"];
    const flips = await flipEverywhere(reader, plain, "model.pdparams", "model.pdparams", { dense: 60, sparse: 60 });
    expect([...flips.keys()].filter((key) => !allowed.includes(key))).toEqual([]);
    const network = filesOf(join(folder, "inference-26"));
    for (const file of ["model.pdmodel", "model.pdiparams"]) {
      await cutEverywhere(reader, network, "model.pdmodel", file, 20);
      const counts = await flipEverywhere(reader, network, "model.pdmodel", file, { dense: 60, sparse: 60 });
      expect([...counts.keys()].filter((key) => !allowed.includes(key))).toEqual([]);
    }
  }, 20_000);
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const all = golden === undefined ? [] : expectedCases(golden).filter((item) => /^paddle(?!-safetensors)/.test(item.name));
  test("there are some", () => expect(all.length).toBeGreaterThan(40));

  test.each(all.filter((item) => item.arch !== "vgg16-224").map((item) => [`${item.arch}/${item.name}`, item] as const))(
    "%s",
    async (_, item) => {
      expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
    },
  );

  test("an optimizer's state is distinguished", async () => {
    const { tensors } = await inspected(join(golden ?? "", "vgg16-64x96/paddle-training/model.pdparams"));
    const kinds = new Map([...tensors.values()].map((tensor) => [tensor.name.split("/")[0], tensor.kind]));
    expect(Object.fromEntries(kinds)).toEqual({ model: undefined, opt: "optimizer" });
  });
});
