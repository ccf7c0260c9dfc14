import { afterAll, describe, expect, test } from "vitest";
import { openZip } from "../../src/encodings/archive/zip.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { identify } from "../../src/model/identify.ts";
import { expandScheme } from "../../src/model/network/expand.ts";
import type { Network } from "../../src/model/network/network.ts";
import { layerOf, roleOf } from "../../src/model/role.ts";
import { schemeById } from "../../src/model/schemes.ts";
import { openSet } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { loadFloat64 } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { writer as caffe } from "../../src/writers/caffe/writer.ts";
import { execute, type TensorSupply } from "../../src/writers/execute.ts";
import { writer as kerasV3 } from "../../src/writers/keras/keras-v3.ts";
import type { TensorSpec, Writer, WriterInput } from "../../src/writers/layout.ts";
import { writer as onnx } from "../../src/writers/onnx/writer.ts";
import { writer as paddle } from "../../src/writers/paddle/writer.ts";
import { writer as tfjs } from "../../src/writers/tfjs/writer.ts";
import { writer as torch } from "../../src/writers/torch/writer.ts";
import { expectSame } from "../support/bytes.ts";
import { memoryOutput } from "../support/memory-output.ts";
import { laidOut, tinyNetwork } from "../support/tiny.ts";

const ctx = createContext({ values: true });
afterAll(() => ctx.dispose());

interface Subject {
  readonly writer: Writer;
  readonly scheme: string;
  readonly name: string;
  readonly format: string;
}

const subjects: readonly Subject[] = [
  { writer: torch, scheme: "torchvision", name: "vgg.pth", format: "torch" },
  { writer: paddle, scheme: "paddle-vision", name: "vgg.pdparams", format: "paddle" },
  { writer: onnx, scheme: "torchvision", name: "vgg.onnx", format: "onnx" },
  { writer: caffe, scheme: "caffe", name: "vgg.caffemodel", format: "caffe" },
  { writer: tfjs, scheme: "keras-applications", name: "model.json", format: "tfjs" },
  { writer: kerasV3, scheme: "keras-applications", name: "vgg.keras", format: "keras-v3" },
];

interface Made {
  readonly input: WriterInput;
  readonly network: Network;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/** A tiny network's tensors as a scheme keeps them. */
function made({ scheme, name }: Subject, batchNorm: boolean, more: Partial<WriterInput> = {}): Made {
  const known = schemeById(scheme);
  if (known === undefined) throw new Error(`no scheme ${scheme}`);
  const network = tinyNetwork({ batchNorm });
  const tensors: TensorSpec[] = [];
  const values = new Map<string, Float32Array>();
  for (const [role, slot] of expandScheme(known, network)) {
    if (!("key" in slot)) continue;
    const laid = laidOut(role, slot.axes.text, network);
    tensors.push({ key: slot.key, role, dtype: "float32", shape: laid.shape });
    values.set(slot.key, Float32Array.from(laid.values));
    if (slot.over === undefined || values.has(slot.over)) continue;
    tensors.push({ key: slot.over, role: roleOf(layerOf(role), "bn.factor"), dtype: "float32", shape: [1] });
    values.set(slot.over, Float32Array.of(1));
  }
  return { input: { name, tensors, network, metadata: new Map(), options: new Map(), ...more }, network, values };
}

async function write(writer: Writer, { input, values }: Made): Promise<ReadonlyMap<string, Uint8Array>> {
  const supply: TensorSupply = {
    async fill(key, file, at) {
      await file.write(at, new Uint8Array((values.get(key) ?? new Float32Array()).buffer));
    },
  };
  const set = memoryOutput();
  await execute(writer.layout(input), supply, set, ctx);
  return new Map([...set.files].map(([key, bytes]) => [key, bytes()]));
}

async function reopened(files: ReadonlyMap<string, Uint8Array>, entry: string): Promise<Checkpoint> {
  const open = async (name: string): Promise<ByteSource | undefined> => {
    const bytes = files.get(name);
    return bytes === undefined ? undefined : memorySource(bytes, name);
  };
  return openSet({ name: "output", open, list: async () => [...files.keys()].sort() }, entry, ctx);
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("latin1");
}

function own(format: string): Subject {
  const subject = subjects.find((one) => one.format === format);
  if (subject === undefined) throw new Error(`no subject ${format}`);
  return subject;
}

describe.each(subjects)("$format", (subject) => {
  test("is read back as it was written, the same bytes each time", async () => {
    const start = made(subject, true);
    const files = await write(subject.writer, start);
    const again = await write(subject.writer, made(subject, true));
    expect([...again.keys()]).toEqual([...files.keys()]);
    for (const [name, bytes] of files) expectSame(again.get(name), bytes);
    const checkpoint = await reopened(files, subject.name);
    expect(checkpoint.format).toBe(subject.format);
    const labelled = new Map([...checkpoint.tensors.values()].map((tensor) => [tensor.label ?? tensor.name, tensor]));
    expect(checkpoint.tensors.size).toBe(start.input.tensors.length);
    for (const { key, shape } of start.input.tensors) {
      const tensor = checkpoint.tensors.get(key) ?? labelled.get(key);
      if (tensor === undefined || !isNumeric(tensor)) throw new Error(`${key} is not there`);
      expect([key, tensor.dtype, tensor.shape]).toEqual([key, "float32", shape]);
      expectSame(await loadFloat64(tensor, ctx), Float64Array.from(start.values.get(key) ?? []));
    }
    const identity = identify(checkpoint);
    expect(identity?.network).toMatchObject({ config: "A", batchNorm: true, complete: true, inputChannels: 3 });
  });

  test("a type that it cannot store is refused by name", async () => {
    const { input } = made(subject, false);
    const [first, ...rest] = input.tensors;
    if (first === undefined) throw new Error("no tensor");
    const tensors = [{ ...first, dtype: "float8_e8m0fnu" as const }, ...rest];
    expect(() => subject.writer.layout({ ...input, tensors })).toThrow(expect.objectContaining({ code: "unsupported" }));
  });
});

describe("what the frameworks look for", () => {
  test("torch: protocol 2, little-endian, values at multiples of 64 bytes", async () => {
    const subject = own("torch");
    const bytes = (await write(torch, made(subject, false))).get(subject.name) ?? new Uint8Array();
    const zip = await openZip(memorySource(bytes, subject.name));
    const names = [...zip.entries.keys()];
    expect(names.slice(0, 2)).toEqual(["archive/data.pkl", "archive/byteorder"]);
    expect(names.at(-1)).toBe("archive/version");
    const text = textOf(bytes);
    expect(text.indexOf("\x80\x02ccollections\nOrderedDict\n")).toBeGreaterThan(0);
    const value = made(subject, false).values.get("features.0.weight") ?? new Float32Array();
    expect(Buffer.from(bytes).indexOf(Buffer.from(value.buffer)) % 64).toBe(0);
  });

  test("paddle: protocol 4, the table of variable names last", async () => {
    const subject = own("paddle");
    const bytes = (await write(paddle, made(subject, true))).get(subject.name) ?? new Uint8Array();
    expect([...bytes.subarray(0, 2), bytes.at(-1)]).toEqual([0x80, 4, ".".charCodeAt(0)]);
    const text = textOf(bytes);
    expect(text.lastIndexOf("StructuredToParameterName@@")).toBeGreaterThan(text.indexOf("_reconstruct"));
    for (const name of ["conv2d_7.w_0", "batch_norm2d_0.w_2", "linear_2.b_0"]) expect(text).toContain(name);
    expect(text).not.toContain("linear_3");
  });

  test("onnx: IR version first, logits as an output, external data at page boundaries", async () => {
    const subject = own("onnx");
    const inside = (await write(onnx, made(subject, false))).get(subject.name);
    expect([...(inside ?? []).slice(0, 2)]).toEqual([8, 8]);
    expect(textOf(inside)).toContain("logits");
    const outside = await write(onnx, made(subject, false, { options: new Map([["external", "true"]]) }));
    expect([...outside.keys()]).toEqual(["vgg.onnx.data", "vgg.onnx"]);
    const offsets = [...textOf(outside.get("vgg.onnx")).matchAll(/offset..(\d+)/gs)].map(([, digits]) => Number(digits));
    expect(offsets.length).toBe(made(subject, false).input.tensors.length);
    expect(offsets.every((offset) => offset % 4096 === 0)).toBe(true);
  });

  test("onnx: logits come before a last ReLU, which is an output of its own", async () => {
    const subject = own("onnx");
    const start = made(subject, false);
    const layers = start.network.layers.map((layer) => (layer.name === "fc8" ? { ...layer, activation: "relu" as const } : layer));
    const bytes = (await write(onnx, { ...start, input: { ...start.input, network: { ...start.network, layers } } })).get(subject.name);
    const text = textOf(bytes);
    expect(text.indexOf("fc8/relu")).toBeGreaterThan(text.indexOf("logits"));
    expect(text.match(/fc8\/relu/g)?.length).toBe(3);
  });

  test("caffe: the prototxt beside it has the same layers, ReLU and batch norm in place", async () => {
    const subject = own("caffe");
    const files = await write(caffe, made(subject, true));
    expect([...files.keys()]).toEqual(["vgg.prototxt", "vgg.caffemodel"]);
    const text = textOf(files.get("vgg.prototxt"));
    expect(text).toContain('input: "data"\ninput_shape {\n  dim: 1\n  dim: 3\n  dim: 64\n  dim: 96\n}');
    expect(text).toContain('layer {\n  name: "relu1_1"\n  type: "ReLU"\n  bottom: "conv1_1"\n  top: "conv1_1"\n}');
    expect(text.match(/type: "BatchNorm"/g)?.length).toBe(8);
    expect(text.match(/type: "Convolution"/g)?.length).toBe(8);
    expect(text.match(/type: "InnerProduct"/g)?.length).toBe(3);
  });

  test("tfjs: topology of Keras 2, the manifest in the order of the layers, an entry that comes last", async () => {
    const subject = own("tfjs");
    const files = await write(tfjs, made(subject, true));
    expect([...files.keys()]).toEqual(["group1-shard1of1.bin", "model.json"]);
    const model: unknown = JSON.parse(textOf(files.get("model.json")));
    expect(model).toMatchObject({
      format: "layers-model",
      modelTopology: { model_config: { class_name: "Functional" } },
      weightsManifest: [{ paths: ["group1-shard1of1.bin"], weights: expect.arrayContaining([]) }],
    });
    const names = [...textOf(files.get("model.json")).matchAll(/"name":"([^"/]+\/[^"]+)"/g)].map(([, name]) => name);
    expect(names.slice(0, 6)).toEqual(
      ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"].map((leaf, k) => `block1_${k < 2 ? "conv1" : "bn1"}/${leaf}`),
    );
  });

  test("keras: a class that Keras 2.15 and 3 both know, and the axis of a batch norm as a number", async () => {
    const subject = own("keras-v3");
    const text = textOf((await write(kerasV3, made(subject, true))).get(subject.name));
    expect(text).toContain('"module":"keras","class_name":"Model"');
    expect(text).toContain('"batch_input_shape":[null,64,96,3]');
    expect(text).toContain('"axis":3');
    expect(text).toContain('"inbound_nodes":[[["input_1",0,0,{}]]]');
  });
});
