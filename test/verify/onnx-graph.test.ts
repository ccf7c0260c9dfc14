import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { load } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { onnxGraph, reluGraph } from "../../src/verify/engines/onnx-graph.ts";
import { parameters } from "../../src/verify/engines/parameters.ts";
import { type HandMade, networkOf, type Recipe, randomSet, weightsFrom } from "./support.ts";

const ctx = createContext();
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await ctx.dispose();
});

/** The graph of a network with its weights beside it, read back by this tool's own reader of ONNX. */
async function written(recipe: Recipe, options: HandMade, shape: readonly number[]) {
  const set = randomSet(recipe);
  const network = networkOf(set, options);
  const graph = onnxGraph(network, shape, "network.bin");
  const data = Buffer.alloc(graph.bytes);
  for (const { layer, axes, kernel, bias } of graph.weights) {
    const values = await parameters(layer, axes, weightsFrom(set));
    Buffer.from(values.kernel.buffer).copy(data, kernel.offset);
    Buffer.from(values.bias.buffer).copy(data, bias.offset);
  }
  writeFileSync(join(folder, "network.bin"), data);
  writeFileSync(join(folder, "network.onnx"), graph.model);
  return { set, checkpoint: await open(join(folder, "network.onnx"), ctx) };
}

const body = { widths: [[2], [3], [2, 3], [3], [4]], channels: 3, kernels: { conv2_1: [3, 5] } } as const;

describe("the graph that ONNX Runtime is given", () => {
  test("is a valid ONNX file, node by node", async () => {
    const { checkpoint } = await written({ ...body, fc: [4, 2, 3] }, { ceil: true, adaptive: [2, 3] }, [1, 3, 70, 100]);
    expect(checkpoint.format).toBe("onnx");
    const types = checkpoint.layers.map((layer) => layer.type);
    expect(types.slice(0, 3)).toEqual(["Conv", "Relu", "MaxPool"]);
    expect(types.slice(-8)).toEqual(["MatMul", "MatMul", "Flatten", "Gemm", "Relu", "Gemm", "Relu", "Gemm"]);
    await checkpoint.close();
  });

  test("has the weights where it says, in the order that it says", async () => {
    const { set, checkpoint } = await written({ ...body, fc: [4, 2, 3] }, {}, [1, 3, 64, 96]);
    for (const [role, shape] of [
      ["conv2_1.weight", [3, 2, 3, 5]],
      ["fc6.weight", [5, 24]],
      ["fc8.bias", [4]],
    ] as const) {
      const tensor = checkpoint.tensors.get(role);
      if (tensor === undefined || !isNumeric(tensor)) throw new Error(`no ${role}`);
      expect(tensor.shape).toEqual(shape);
      expect(
        await load(tensor, "a b c d".slice(0, shape.length * 2 - 1), "a b c d".slice(0, shape.length * 2 - 1), new Map(), ctx),
      ).toEqual(set.get(role)?.values);
    }
    await checkpoint.close();
  });

  test("keeps a convolutional head convolutional", async () => {
    const { checkpoint } = await written({ ...body, fc: [4, 2, 3] }, { head: "conv" }, [1, 3, 96, 160]);
    expect(checkpoint.tensors.get("fc6.weight")?.shape).toEqual([5, 4, 2, 3]);
    expect(checkpoint.layers.map((layer) => layer.type).slice(-5)).toEqual(["Conv", "Relu", "Conv", "Relu", "Conv"]);
    await checkpoint.close();
  });

  test("and a single ReLU to try a device with", async () => {
    writeFileSync(join(folder, "relu.onnx"), reluGraph());
    const checkpoint = await open(join(folder, "relu.onnx"), ctx);
    expect(checkpoint.layers.map((layer) => layer.type)).toEqual(["Relu"]);
    await checkpoint.close();
  });
});
