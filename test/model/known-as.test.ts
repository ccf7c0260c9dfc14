import { expect, test } from "vitest";
import { knownAs } from "../../src/model/identify/known-as.ts";
import type { Role } from "../../src/model/role.ts";
import type { Slot } from "../../src/model/scheme.ts";
import { parseAxes } from "../../src/tensor/axes.ts";

test("a tensor is known by its key and by every role that is kept in it", () => {
  const axes = parseAxes("o");
  const roles = new Map<Role, Slot>([
    ["conv1_1.bn.mean", { key: "bn.0", axes, over: "bn.2" }],
    ["conv1_1.bn.var", { key: "bn.1", axes, over: "bn.2" }],
    ["conv1_1.bn.weight", { constant: 1 }],
  ]);
  const namesOf = knownAs({ roles });
  expect(namesOf({ name: "bn.0" })).toEqual(["bn.0", "conv1_1.bn.mean"]);
  // Caffe divides mean and variance by one factor, which is part of both.
  expect(namesOf({ name: "bn.2" })).toEqual(["bn.2", "conv1_1.bn.mean", "conv1_1.bn.var"]);
});

test("without roles by its key and its readable form", () => {
  expect(knownAs(undefined)({ name: "layer_with_weights-0/kernel", label: "conv1/kernel" })).toEqual([
    "layer_with_weights-0/kernel",
    "conv1/kernel",
  ]);
});
