import { describe, expect, test } from "vitest";
import { isNorm, isRole, layerOf, neutral, partOf, roleOf } from "../../src/model/role.ts";

describe("a role", () => {
  test("names a layer and a part of it", () => {
    expect([layerOf("conv1_1.bn.var"), partOf("conv1_1.bn.var")]).toEqual(["conv1_1", "bn.var"]);
    expect([layerOf("fc6.weight"), partOf("fc6.weight")]).toEqual(["fc6", "weight"]);
    expect(roleOf("conv5_3", "bn.mean")).toBe("conv5_3.bn.mean");
  });

  test.each(["conv1_1", "conv1_1.kernel", ".weight", "conv1_1.bn", "conv1_1.weight, conv1_1.bias", ""])("is not %j", (text) => {
    expect(isRole(text)).toBe(false);
  });

  test("of a batch norm is distinguished from its layer's own", () => {
    expect([isNorm("conv1_1.bn.bias"), isNorm("conv1_1.bias")]).toEqual([true, false]);
  });

  test("that nothing stores is worth 0 or 1 where that changes no output", () => {
    expect(
      (["weight", "bias", "bn.weight", "bn.bias", "bn.mean", "bn.var"] as const).map((part) => neutral(roleOf("conv1_1", part))),
    ).toEqual([undefined, 0, 1, 0, undefined, undefined]);
  });
});
