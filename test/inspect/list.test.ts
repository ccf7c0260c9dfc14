import { expect, test } from "vitest";
import { list } from "../../src/inspect/list.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { tinyCheckpoint } from "../support/tiny.ts";

const { checkpoint } = tinyCheckpoint("torchvision", { batchNorm: true });

async function keys(...filter: readonly string[]): Promise<readonly string[]> {
  const { tensors } = await list(checkpoint, identify(checkpoint), createContext(), { filter });
  return tensors.map(({ name }) => name);
}

test("--filter takes keys, and roles as --exclude does", async () => {
  expect(await keys("classifier.3")).toEqual(["classifier.3.weight", "classifier.3.bias"]);
  expect(await keys("fc7")).toEqual(["classifier.3.weight", "classifier.3.bias"]);
  expect(await keys("conv1_1.bn")).toEqual(["features.1.weight", "features.1.bias", "features.1.running_mean", "features.1.running_var"]);
  expect(await keys("conv1_1.weight", "*.running_mean")).toContain("features.0.weight");
  expect(await keys("no such thing")).toEqual([]);
});
