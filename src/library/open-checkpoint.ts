import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import { anything, type Checks, checkInput, checkOptions, oneOf, text } from "./checks.ts";
import { jsonable } from "./jsonable.ts";
import type { ReadOptions, TensorBlock, TensorValues } from "./read.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { makeContext, spoken } from "./with-context.ts";

/** A checkpoint that is open: its tensors by key, what its file says, and their values on request. */
export interface OpenCheckpoint extends Checkpoint {
  /**
   * The values of a tensor in memory, by key (`"features.0.weight"`) or by role (`"conv1_1.weight"`, `"fc6.bias"`).
   *
   * @throws CheckpointError `not-found` for a name that is neither, `usage` for axes and slices that do not fit.
   * @example
   * const { shape, data } = await checkpoint.read("fc6.weight", { axes: "o (i h w)", as: "float32" });
   * console.log(shape, data[0]);
   */
  read(name: string, options: ReadOptions & { readonly as: "float32" }): Promise<TensorValues<Float32Array>>;
  read(name: string, options: ReadOptions & { readonly as: "float64" }): Promise<TensorValues<Float64Array>>;
  read(name: string, options?: ReadOptions): Promise<TensorValues>;
  /**
   * The same in blocks of some 16 MiB along the outermost axis, for what does not fit into memory.
   *
   * @example
   * for await (const { from, data } of checkpoint.stream("fc6.weight", { as: "float32" }))
   *   console.log(from, data.length);
   */
  stream(name: string, options?: ReadOptions): AsyncGenerator<TensorBlock>;
  /** Closes its files; after that no value can be read. */
  close(): Promise<void>;
  /** For `await using`: the same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const readChecks: Checks<ReadOptions> = {
  axes: text,
  as: oneOf(["float32", "float64"]),
  slice: anything,
};

/**
 * Opens a checkpoint: a file, a folder, a TF prefix, any file of a set, an address, bytes, a Blob, or what gives bytes part by part. Headers are read, values are not: a tensor's
 * parts say where they are, and `read` gives them. Close it, or say `await using`.
 *
 * @throws CheckpointError `not-found`, `malformed`, `unsupported` and the others of docs/errors.md.
 * @example
 * await using checkpoint = await openCheckpoint("vgg16.pth");
 * console.log(checkpoint.format, [...checkpoint.tensors.keys()]);
 */
export async function openCheckpoint(input: CheckpointInput, options: RunOptions = {}): Promise<OpenCheckpoint> {
  return spoken(undefined, async () => {
    checkInput("openCheckpoint", input);
    checkOptions("openCheckpoint", options, runChecks);
    return opened(input, options);
  });
}

async function opened(input: CheckpointInput, options: RunOptions): Promise<OpenCheckpoint> {
  const [{ open }, { identify }, reading] = await Promise.all([import("../open.ts"), import("../model/identify.ts"), import("./read.ts")]);
  const ctx = await makeContext(options, { values: true });
  const name = nameOfInput(input);
  let checkpoint: Checkpoint;
  try {
    checkpoint = await spoken(name, () => open(input, ctx, options));
  } catch (error) {
    await ctx.dispose();
    throw error;
  }
  let known: { readonly identity: Identity | undefined } | undefined;
  const identity = (): Identity | undefined => {
    known ??= { identity: identify(checkpoint) };
    return known.identity;
  };
  function read(key: string, how: ReadOptions & { readonly as: "float32" }): Promise<TensorValues<Float32Array>>;
  function read(key: string, how: ReadOptions & { readonly as: "float64" }): Promise<TensorValues<Float64Array>>;
  function read(key: string, how?: ReadOptions): Promise<TensorValues>;
  function read(key: string, how: ReadOptions = {}): Promise<TensorValues> {
    return spoken(name, async () => {
      checkOptions("read", how, readChecks);
      return reading.readValues(await reading.findReadable(checkpoint, identity, key, how, ctx), how, ctx);
    });
  }
  const close = async (): Promise<void> => {
    await checkpoint.close();
    await ctx.dispose();
  };
  return jsonable({
    ...checkpoint,
    read,
    async *stream(key: string, how: ReadOptions = {}) {
      const found = await spoken(name, async () => {
        checkOptions("stream", how, readChecks);
        return reading.findReadable(checkpoint, identity, key, how, ctx);
      });
      yield* reading.streamValues(found, how, ctx);
    },
    close,
    [Symbol.asyncDispose]: close,
  });
}
