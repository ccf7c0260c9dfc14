import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { layerTable } from "../../../src/inspect/layers.ts";
import { memorySource } from "../../../src/io/source/memory.ts";
import { kerasLayers } from "../../../src/readers/tensorflow/keras-metadata.ts";
import type { Checkpoint } from "../../../src/tensor/checkpoint.ts";
import { describedFile } from "../../support/described-file.ts";
import { fixtures } from "../../support/paths.ts";

type Entry = readonly [label: string, shape: readonly number[]];

/** The SavedModel of a description and of variables with Keras' names for them. */
async function savedModel(name: string, variables: readonly Entry[]): Promise<Checkpoint> {
  const bytes = gunzipSync(readFileSync(join(fixtures, "cases", `keras-metadata-${name}.pb.gz`)));
  const file = describedFile({ format: "savedmodel", tensors: variables.map(([, shape], k) => [`v/${k}`, shape, "float32"]) });
  const tensors = new Map([...file.tensors].map(([key, tensor], k) => [key, { ...tensor, label: variables[k]?.[0] ?? "" }]));
  return { ...file, tensors, layers: await kerasLayers(memorySource(new Uint8Array(bytes), "keras_metadata.pb"), tensors) };
}

const rows = (checkpoint: Checkpoint) =>
  layerTable(checkpoint, undefined)?.layers.map(({ name, type, outputShape, parameters }) => [name, type, outputShape, parameters]);

describe("what Keras 2 says beside its SavedModels", () => {
  test("a model in a model is unfolded, wrappers and both directions are followed", async () => {
    const checkpoint = await savedModel("nested", [
      ["conv/bias", [4]],
      ["conv/kernel", [3, 3, 3, 4]],
      ["each/kernel", [3, 5, 3, 2]],
      ["each/bias", [2]],
      ["memory/forward_lstm/lstm_cell/kernel", [2640, 24]],
      ["head/kernel", [1548, 7]],
      ["head/bias", [7]],
    ]);
    const found = new Map(rows(checkpoint)?.map(([name, ...rest]) => [name, rest]));
    expect(found.get("body/conv")).toEqual(["Conv2D", [32, 48, 4], 112]);
    expect(found.get("body/pool")).toEqual(["MaxPooling2D", [16, 24, 4], 0]);
    expect(found.get("each")).toEqual(["TimeDistributed(Conv2D)", [5, 30, 44, 2], 92]);
    expect(found.get("flat")).toEqual(["TimeDistributed(Flatten)", [5, 2640], 0]);
    expect(found.get("memory")).toEqual(["Bidirectional(LSTM)", [12], 63_360]);
    expect(found.get("head")?.[2]).toBe(10_843);
    // The kernel before the bias, whatever their order in the file.
    expect(checkpoint.layers.find(({ name }) => name === "body/conv")?.tensors).toEqual(["v/1", "v/0"]);
  });

  test("a model of a class of its own lists its layers", async () => {
    const checkpoint = await savedModel("own", [
      ["first/kernel", [3, 3, 3, 4]],
      ["first/bias", [4]],
      ["last/kernel", [1536, 7]],
      ["last/bias", [7]],
    ]);
    expect(rows(checkpoint)?.map(([name, type, , parameters]) => [name, type, parameters])).toEqual([
      ["first", "Conv2D", 112],
      ["pool", "MaxPooling2D", 0],
      ["last", "Dense", 10_759],
    ]);
  });

  test.each([
    ["no protobuf", new Uint8Array([0xff, 0xff, 0xff]), /malformed|truncated/],
    ["a node whose JSON is none", new Uint8Array([0x0a, 0x04, 0x2a, 0x02, 0x7b, 0x5d]), /malformed/],
  ])("%s is refused with a sentence", async (_, bytes, code) => {
    await expect(kerasLayers(memorySource(bytes, "x"), new Map())).rejects.toMatchObject({ code: expect.stringMatching(code) });
  });

  test("an empty one lists nothing", async () => {
    expect(await kerasLayers(memorySource(new Uint8Array(0), "x"), new Map())).toEqual([]);
  });
});
