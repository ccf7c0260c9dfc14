import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { open, openBytes } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { withRealNumbers } from "../../src/tensor/dequantised.ts";
import { hash } from "../../src/tensor/hash.ts";
import { values } from "../../src/tensor/load.ts";
import { expectedCases, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";
import { Random } from "../support/random.ts";

const folder = join(fixtures, "torch");

async function inspected(path: string): Promise<Checkpoint> {
  const ctx = createContext();
  const checkpoint = await open(path, ctx);
  await checkpoint.close();
  await ctx.dispose();
  return checkpoint;
}

/** "ok", or the code of the error; anything else comes through. */
async function attempt(bytes: Uint8Array, name: string): Promise<string> {
  const ctx = createContext({ values: true });
  const started = process.cpuUsage();
  try {
    const checkpoint = await openBytes(bytes, name, ctx);
    for (const tensor of checkpoint.tensors.values()) {
      if (tensor.shape.reduce((product, size) => product * size, 1) < 1e6) await hash(tensor, ctx);
    }
    return "ok";
  } catch (error) {
    if (isCheckpointError(error)) return error.code;
    throw error;
  } finally {
    await ctx.dispose();
    // Microseconds of work, whatever else the machine does.
    expect(process.cpuUsage(started).user).toBeLessThan(2e6);
  }
}

describe("fixtures written by torch 2.13", () => {
  test.each(["dtypes", "names", "nested", "numpy", "strides", "tar"])("%s lists what torch reads", async (name) => {
    const [item] = readCase("fixtures", name, join(folder, name));
    if (item === undefined) throw new Error("no case");
    expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
  });

  test("the legacy stream holds the same as the zip", async () => {
    const [item] = readCase("fixtures", "strides", join(folder, "strides"));
    const { tensors, checkpoint } = await listing(join(folder, "strides/legacy.pt"));
    expect(tensors).toEqual(Object.fromEntries(item?.tensors ?? []));
    expect(checkpoint.variant).toBe("legacy stream, pickle protocol 2");
  });

  test("views share the bytes of their storage", async () => {
    const ctx = createContext();
    const { tensors, close } = await open(join(folder, "strides/tensors.pt"), ctx);
    const part = async (name: string) => {
      const tensor = tensors.get(name);
      if (tensor === undefined || tensor.dtype === "string") throw new Error(`no ${name}`);
      return (await tensor.parts())[0];
    };
    const [plain, transposed, expanded] = [await part("plain"), await part("transposed"), await part("expanded")];
    expect(transposed?.source).toBe(plain?.source);
    expect([plain?.strides, transposed?.strides, expanded?.strides]).toEqual([
      [24, 4],
      [4, 24],
      [4, 0],
    ]);
    expect(tensors.get("parameter")?.kind).toBe("parameter");
    await close();
  });

  test("what is no plain array is reported, and the rest is listed", async () => {
    const { tensors, notes } = await inspected(join(folder, "unsupported/unsupported.pt"));
    expect([...tensors.keys()]).toEqual(["dense"]);
    expect(notes.map(({ code, tensor }) => `${code} ${tensor}`)).toEqual(
      ["sparse_coo", "sparse_csr", "quantized", "quantized_per_channel", "meta", "complex32"].map((name) => `unsupported-tensor ${name}`),
    );
  });

  test("the real numbers behind quantised tensors are there for those who compute", async () => {
    const ctx = createContext({ values: true });
    const checkpoint = await open(join(folder, "unsupported/unsupported.pt"), ctx);
    const { tensors: real, notes } = withRealNumbers(checkpoint);
    const floats = async (name: string): Promise<readonly number[]> => {
      const tensor = real.get(name);
      return tensor?.dtype === "float32" ? [...new Float32Array((await values(tensor, ctx)).buffer)] : [];
    };
    // As torch prints them: per tensor (scale 0.5, zero point 3), per row (scales 0.5, 0.25, 1, zero points 0, 1, 2).
    expect(real.get("quantized")?.stored).toEqual({ kind: "scaled", dtype: "uint8", axis: undefined });
    expect(await floats("quantized")).toEqual([-1.5, -1.5, -1.5, -1, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(real.get("quantized_per_channel")?.stored).toEqual({ kind: "scaled", dtype: "int8", axis: 0 });
    expect(await floats("quantized_per_channel")).toEqual([-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]);
    expect(real.get("dense")).toBe(checkpoint.tensors.get("dense"));
    expect(notes.filter(({ code }) => code === "quantised")).toHaveLength(1);
    await checkpoint.close();
    await ctx.dispose();
  });

  test("plain values are metadata", async () => {
    const { metadata } = await inspected(join(folder, "nested/nested.pt"));
    expect(metadata.get("epoch")).toBe(7);
    expect(metadata.get("bytes")).toEqual(Uint8Array.of(0, 255));
    expect(metadata.get("dtype")).toBe("torch.float16");
    expect(metadata.get("size")).toEqual([2, 3]);
  });

  test("pickled dicts of NumPy arrays without torch", async () => {
    const [item] = readCase("fixtures", "numpy", join(folder, "numpy"));
    for (const file of ["numpy.pkl", "numpy-protocol2.pkl"]) {
      const { tensors, checkpoint } = await listing(join(folder, "numpy", file));
      expect(checkpoint.format).toBe("pickle");
      expect(Object.keys(tensors)).toEqual(["c", "fortran", "big_endian", "zero_d", "view", "bool"]);
      for (const [name, found] of Object.entries(tensors)) expect(found).toEqual(item?.tensors.get(name));
    }
  });
});

/** A state dict of one float32 tensor as torch pickles it, in the legacy stream. */
function stream(changes: { readonly strides?: string; readonly count?: number; readonly little?: boolean } = {}) {
  const text = (latin1: string): Uint8Array => Uint8Array.from(latin1, (char) => char.charCodeAt(0));
  const { strides = "K\x03K\x01\x86", count = 6, little = true } = changes;
  const values = new Uint8Array(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
  const size = new DataView(new ArrayBuffer(8));
  size.setBigInt64(0, 6n, true);
  return Buffer.concat([
    text("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03."),
    text(`\x80\x02}U\x0dlittle_endian${little ? "\x88" : "\x89"}s.`),
    text(
      `\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x019U\x03cpuK${String.fromCharCode(count)}NtQ`,
    ),
    text(`K\x00K\x02K\x03\x86${strides}\x89ccollections\nOrderedDict\n)RtRs.`),
    text("\x80\x02]U\x019a."),
    new Uint8Array(size.buffer),
    values,
  ]);
}

describe("a legacy stream by hand", () => {
  async function bytesOf(file: Uint8Array): Promise<string> {
    const ctx = createContext({ values: true });
    const checkpoint = await openBytes(file, "model.pth", ctx);
    const tensor = checkpoint.tensors.get("w");
    const digest = tensor === undefined ? "none" : await hash(tensor, ctx);
    await ctx.dispose();
    return digest;
  }

  // THPStorage_writeFileRaw swaps on such machines: only `little_endian` in the facts about the machine is another.
  test("big-endian machines write the same bytes", async () => {
    expect(await bytesOf(stream({ little: false }))).toBe(await bytesOf(stream()));
  });

  test.each<[string, Uint8Array, string]>([
    ["reaches outside its storage", stream({ strides: "K\x03K\x02\x86" }), "malformed"],
    ["a storage of another length", stream({ count: 7 }), "mismatch"],
    ["strides that are missing", stream({ strides: "K\x03\x85" }), "malformed"],
    ["values that are cut", stream().subarray(0, -1), "truncated"],
    ["no values at all", stream().subarray(0, -32), "truncated"],
  ])("%s", async (_, file, code) => {
    expect(await attempt(file, "model.pth")).toBe(code);
  });
});

describe("hostile files", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["pth-eval-legacy.pth", "unsafe: the pickle holds no tensors, only calls of __builtin__.eval, which are not run"],
    ["pth-os-system-text.pth", "unsafe: the pickle holds no tensors, only calls of os.system, which are not run"],
    ["pth-long-string.pth", "truncated: a pickle value needs 4294967295 bytes, 3 are left"],
  ];
  test.each(cases)("%s", async (file, sentence) => {
    const error: unknown = await inspected(join(fixtures, "pickle-hostile", file)).catch((thrown: unknown) => thrown);
    expect(isCheckpointError(error) ? `${error.code}: ${error.message}` : error).toBe(sentence);
  });

  test("10^39 elements that share one list are looked at once", async () => {
    const started = process.cpuUsage();
    expect((await inspected(join(fixtures, "pickle-hostile/pth-laughs.pth"))).tensors.size).toBe(0);
    expect(process.cpuUsage(started).user).toBeLessThan(1e6);
  });

  test("every cut and every changed byte ends in a clear error or a correct parse", async () => {
    const random = new Random(5);
    const allowed = ["ok", "truncated", "malformed", "unsupported", "unsafe", "mismatch", "not-found"];
    const found = new Set<string>();
    const small = stream();
    for (let length = 1; length < small.length; length += 1) found.add(await attempt(small.subarray(0, length), "model.pth"));
    for (let at = 0; at < small.length; at += 1) {
      const damaged = Uint8Array.from(small);
      damaged[at] = random.integer(0, 255);
      found.add(await attempt(damaged, "model.pth"));
    }
    for (const file of ["unsupported/unsupported.pt", "numpy/numpy.pt", "strides/tensors.pt", "strides/legacy.pt", "tar/model.pth"]) {
      const bytes = new Uint8Array(readFileSync(join(folder, file)));
      for (let k = 0; k < 40; k += 1) {
        const damaged = Uint8Array.from(bytes);
        damaged[random.integer(0, Math.min(bytes.length, 4096) - 1)] = random.integer(0, 255);
        damaged[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
        found.add(await attempt(damaged, "model.pth"));
        found.add(await attempt(bytes.subarray(0, random.integer(1, bytes.length - 1)), "model.pth"));
      }
    }
    expect([...found].filter((code) => !allowed.includes(code))).toEqual([]);
  }, 20_000);
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const all = golden === undefined ? [] : expectedCases(golden).filter((item) => /^(torch(?!7)|learn)/.test(item.name));
  test("there are some", () => expect(all.length).toBeGreaterThan(40));

  test.each(all.filter((item) => item.arch !== "vgg16-224").map((item) => [`${item.arch}/${item.name}`, item] as const))(
    "%s",
    async (_, item) => {
      expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
    },
  );

  test("a whole module gives its layers with their settings", async () => {
    const { layers } = await inspected(join(golden ?? "", "vgg16-64x96/torch-full-model/legacy.pt"));
    expect(layers).toHaveLength(39);
    const first = layers[0];
    expect([first?.name, first?.type, first?.tensors]).toEqual(["features.0", "Conv2d", ["features.0.weight", "features.0.bias"]]);
    expect(first?.attributes.get("kernel_size")).toEqual([3, 3]);
  });

  test("an optimizer's state and counters are distinguished", async () => {
    const { tensors } = await inspected(join(golden ?? "", "vgg16-64x96/torchvision-checkpoint/checkpoint.pth.tar"));
    expect(tensors.get("best_acc1")?.kind).toBe("bookkeeping");
    expect(tensors.get("optimizer.state.0.momentum_buffer")?.kind).toBe("optimizer");
    expect(tensors.get("state_dict.module.features.0.weight")?.kind).toBeUndefined();
  });
});
