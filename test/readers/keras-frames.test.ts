import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { inspectCheckpoint } from "../../src/inspect/inspect.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import { fixtures } from "../support/paths.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

describe("a model that Keras applies to every frame", () => {
  test.each([
    ["frames.keras", "layers/time_distributed/layer/layers/conv2d/vars/0", "layers/time_distributed/layer/layers/conv2d_7/vars/1"],
    ["frames.h5.gz", "model_weights/each_frame/block1_conv1/kernel", "model_weights/each_frame/block5_conv2/bias"],
  ])("%s: the layers within are layers of the file, and the network is recognised", async (file, first, last) => {
    const checkpoint = await open(join(fixtures, "cases", file), ctx);
    const identity = identify(checkpoint);
    // An LSTM and a dense layer are behind it, so that it is no whole network.
    expect(identity?.network).toMatchObject({ config: "A", inputSize: [32, 64], complete: false, missing: [] });
    expect(identity?.scheme).toBe("keras-applications");
    expect(identity?.roles.get("conv1_1.weight")).toMatchObject({ key: first, axes: parseAxes("h w i o") });
    expect(identity?.roles.get("conv5_2.bias")).toMatchObject({ key: last });
    expect(checkpoint.tensors.get(first)?.label).toBe("block1_conv1/kernel");
    const record = await inspectCheckpoint(file, checkpoint, ctx, { layers: true });
    const row = record.layers?.find(({ name }) => name === "each_frame/block5_conv2");
    expect(row).toMatchObject({ type: "TimeDistributed(Conv2D)", outputShape: [4, 2, 4, 6], parameters: 6 * 6 * 9 + 6 });
    expect(record.layerTotals?.parameters).toBe(record.totals.parameters);
    expect(record.layers?.map(({ name }) => name).filter((name) => name.includes("input"))).toEqual(["input_layer_1"]);
    await checkpoint.close();
  });
});
