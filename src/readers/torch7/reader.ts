import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Inert, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { freeName } from "../../tensor/free-name.ts";
import type { Part, Tensor } from "../../tensor/tensor.ts";
import { beginsWithClass, readT7, type T7File, t7Form } from "./file.ts";
import { layersOf } from "./layers.ts";
import type { T7Storage, T7Tensor } from "./value.ts";
import { isStorage, isTensor, walkT7 } from "./walk.ts";

/*
 * Torch7's .t7 files (Lua), binary and ASCII: every tensor under its path, tables and fields joined with ".", lists from 1.
 * Modules also keep what the last pass left behind (gradients, activations, masks): those are no parameters, so they are named
 * in metadata and not listed.
 */

/** Fields of nn, cudnn and cunn modules that every pass writes anew. */
const transient: ReadonlySet<string> = new Set([
  "gradWeight",
  "gradBias",
  "gradInput",
  "output",
  "finput",
  "fgradInput",
  "_input",
  "_output",
  "_gradOutput",
  "_gradInput",
  "addBuffer",
  "buffer",
  "buffer1",
  "buffer2",
  "ones",
  "noise",
  "indices",
  "save_mean",
  "save_std",
  "saved_mean",
  "saved_std",
  "normalized",
  "centered",
  "std",
  "tmp_in",
  "tmp_out",
  "xBuffer",
  "gradWeightBuffer",
  "columns",
  "input_gpu",
  "output_gpu",
]);

export const reader: Reader = {
  async detect(probe) {
    if (t7Form(probe.head) === undefined) return undefined;
    return beginsWithClass(probe.head) ? "sure" : "maybe";
  },
  async read(probe, ctx) {
    const form = t7Form(probe.head);
    if (form === undefined) {
      throw new CheckpointError("malformed", "a Torch7 file begins with a table, an object or a function", {
        file: probe.source.name,
        offset: 0,
      });
    }
    return interpret(await readT7(probe.source, form, ctx), probe);
  },
};

function interpret(file: T7File, probe: Probe): ReadCheckpoint {
  const tensors = new Map<string, Tensor>();
  const names = new Map<T7Tensor, string>();
  const metadata = new Map<string, Inert>();
  const notes: Note[] = [];
  const left: string[] = [];
  for (const { path, value, owner } of walkT7(file.root)) {
    if (isTensor(value)) {
      if (owner !== undefined && transient.has(owner.field)) left.push(path);
      else {
        // Keys that are tables have no names of their own.
        const name = freeName(tensors, path);
        names.set(value, name);
        tensors.set(name, tensorOf(value, name));
      }
    } else if (isStorage(value) && owner === undefined) {
      const name = freeName(tensors, path);
      tensors.set(name, storageTensor(value, name));
    } else if (typeof value === "object" && value !== null) {
      if (value.kind === "function")
        notes.push({ code: "unknown-object", message: `${path === "" ? "the file" : path} is a Lua function`, tensor: path });
    } else if (owner === undefined && value !== null) metadata.set(path, value);
  }
  if (left.length > 0) metadata.set("left by the last pass", left);
  const long = file.long === 4 ? ", longs of 4 bytes" : "";
  return {
    format: "torch7",
    variant: `t7, ${file.form}${long}`,
    files: [probe.entry],
    bytes: probe.source.size,
    tensors,
    layers: layersOf(file.root, names),
    metadata,
    notes,
    async close() {},
  };
}

function tensorOf(tensor: T7Tensor, name: string): Tensor {
  const { dtype, shape, strides, start, storage } = tensor;
  const width = itemsize(dtype);
  const parts = async (): Promise<readonly Part[]> => {
    if (storage === undefined || shape.includes(0)) return [];
    const offset = storage.offset + start * width;
    return [{ source: storage.source, offset, start: shape.map(() => 0), shape, strides: strides.map((stride) => stride * width) }];
  };
  return { name, dtype, shape, parts };
}

function storageTensor({ dtype, count, source, offset }: T7Storage, name: string): Tensor {
  const strides = [itemsize(dtype)];
  return { name, dtype, shape: [count], parts: async () => (count === 0 ? [] : [{ source, offset, start: [0], shape: [count], strides }]) };
}
