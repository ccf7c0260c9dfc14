import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { openZip } from "../../src/encodings/archive/zip.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { tensorOf, tinyCheckpoint } from "../support/tiny.ts";
import { workplace } from "../support/workplace.ts";
import { zip } from "../support/zip.ts";

const { root, ctx, load } = workplace("like-nesting");

async function contents(checkpoint: Checkpoint): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const tensor of checkpoint.tensors.values()) {
    if (isNumeric(tensor)) all.set(tensor.name, `${tensor.dtype} ${Buffer.from(await values(tensor, ctx)).toString("base64")}`);
  }
  return all;
}

/** A pickle without its PROTO and STOP: what it puts onto the stack. */
const body = (pickle: Uint8Array): Uint8Array => pickle.subarray(2, -1);

/** {"epoch": 3, key: what a pickle holds} */
function nested(pickle: Uint8Array, key: string): Uint8Array {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([0x58, value.length, 0, 0, 0]), Buffer.from(value)]);
  const epoch = [text("epoch"), Buffer.from([0x4b, 3])];
  return Buffer.concat([pickle.subarray(0, 2), Buffer.from("}("), ...epoch, text(key), body(pickle), Buffer.from("u.")]);
}

/** [what a pickle holds, 3] */
function inList(pickle: Uint8Array): Uint8Array {
  return Buffer.concat([pickle.subarray(0, 2), Buffer.from("]("), body(pickle), Buffer.from([0x4b, 3]), Buffer.from("e.")]);
}

/** `np.save` of an object: an array of no dimensions and of Python objects, whose one element it is. */
function inNpy(pickle: Uint8Array): Uint8Array {
  const header = `${"{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117)}\n`;
  const parts = [
    "\x80\x04cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tC\x01btR(K\x01)",
    "cnumpy\ndtype\n(X\x02\x00\x00\x00O8\x89\x88tR(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](",
  ];
  const start = Buffer.from(`\x93NUMPY\x01\x00${String.fromCharCode(header.length)}\x00${header}`, "latin1");
  return Buffer.concat([start, Buffer.from(parts.join(""), "latin1"), body(pickle), Buffer.from("etb.")]);
}

/** A network of zeros as its framework saves it: names and shapes are all that is wanted of it. */
async function saved(to: "torch" | "paddle", out: string, more: { readonly classes?: number } = {}): Promise<Uint8Array> {
  const { checkpoint } = tinyCheckpoint(to === "torch" ? "torchvision" : "paddle-vision");
  const tensors = [...checkpoint.tensors.values()].map(({ name, shape }) => {
    const size = shape.map((n, axis) =>
      more.classes !== undefined && name.startsWith("classifier.6") && n === 9 ? more.classes : (shape[axis] ?? n),
    );
    return tensorOf(name, "float32", size, new Float64Array(size.reduce((a, b) => a * b, 1)));
  });
  const zeros = { ...checkpoint, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
  await convertCheckpoint({ checkpoint: zeros, identity: identify(zeros) }, { to, out, naming: "keep", layout: "keep", force: true }, ctx);
  return readFileSync(out);
}

/** A `.pth` with another pickle over the same storages. */
async function repacked(bytes: Uint8Array, change: (pickle: Uint8Array) => Uint8Array): Promise<Uint8Array> {
  const archive = await openZip(memorySource(bytes));
  const members = [];
  for (const name of archive.entries.keys()) {
    const source = await archive.open(name);
    const data = (await source?.read(0, source.size)) ?? new Uint8Array();
    members.push({ name, data: name.endsWith("data.pkl") ? change(data) : data });
  }
  return zip(members);
}

async function like(path: string, out: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const { checkpoint } = tinyCheckpoint("tfslim");
  const other = await load(path);
  const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: other, identity: identify(other), path } };
  return convertCheckpoint(request, { out: join(root, out), force: true, ...options }, ctx);
}

describe("what the other checkpoint keeps its tensors in stays around them", () => {
  const cases = [
    ["torch", "net", "net."],
    ["torch", undefined, "0."],
    ["paddle", "model", "model/"],
    ["paddle", undefined, "0/"],
  ] as const;

  test.each(cases)("%s, inside %s", async (format, key, prefix) => {
    const ending = format === "torch" ? ".pth" : ".pdparams";
    const flat = await saved(format, join(root, `flat${ending}`));
    const change = (pickle: Uint8Array): Uint8Array => (key === undefined ? inList(pickle) : nested(pickle, key));
    const path = join(root, `nested${ending}`);
    writeFileSync(path, format === "torch" ? await repacked(flat, change) : change(flat));
    const { output, warnings } = await like(path, `made${ending}`);
    const made = await load(output);
    expect(made.nesting).toEqual([key ?? "0"]);
    expect(made.metadata.get(key === undefined ? "1" : "epoch")).toBe(3);
    const straight = await contents(await load((await like(join(root, `flat${ending}`), `straight${ending}`)).output));
    expect(await contents(made)).toEqual(new Map([...straight].map(([name, text]) => [prefix + name, text])));
    expect(warnings).toEqual([]);
  });

  test("what has no place in that file as it is, is written flat as code loads it, and said", async () => {
    const { output, warnings } = await like(join(root, "nested.pth"), "half.pth", { dtype: "float16" });
    const made = await load(output);
    expect(made.nesting).toEqual([]);
    expect([...made.tensors.keys()].slice(0, 2)).toEqual(["features.0.weight", "features.0.bias"]);
    expect(warnings).toContain("the output is one flat table, of what is inside 0: the other checkpoint keeps its tensors inside 0");
  });

  test("a dict saved by NumPy", async () => {
    const path = join(root, "other.npy");
    writeFileSync(path, inNpy(nested(await saved("paddle", join(root, "flat-numpy.pdparams")), "model")));
    const { output } = await like(path, "made.npy");
    const made = await load(output);
    expect([made.format, made.nesting, made.metadata.get("epoch")]).toEqual(["npy", ["model"], 3]);
    const straight = await contents(await load((await like(join(root, "flat.pdparams"), "straight.pdparams")).output));
    expect((await contents(made)).get("model.classifier.3.weight")).toBe(straight.get("classifier.3.weight"));
    expect((await load((await like(path, "made.npz")).output)).tensors.has("classifier.3.weight")).toBe(true);
  });

  test("two numbers are found in their file too", async () => {
    const path = join(root, "two.pdparams");
    writeFileSync(path, nested(await saved("paddle", join(root, "flat-two.pdparams"), { classes: 2 }), "model"));
    const { output } = await like(path, "made-two.pdparams", { numClasses: 2, init: "normal" });
    expect((await load(output)).nesting).toEqual(["model"]);
  });
});
