import { join } from "node:path";
import { expect, test } from "vitest";
import { listing } from "../support/listing.ts";
import { fixtures } from "../support/paths.ts";

/** A subclassed model of Keras 3.12, weights only: groups go by attributes and class names, variables by numbers; no configuration says what they are. */
test("variables of weights without a configuration are named where class and shapes leave one reading", async () => {
  const { checkpoint } = await listing(join(fixtures, "keras-v3/weights-only/layers.weights.h5"));
  expect([...checkpoint.tensors.values()].map(({ name, label }) => [name.replace("/vars/", " "), label])).toEqual([
    ["bn 0", "batch_normalization/gamma"],
    ["bn 1", "batch_normalization/beta"],
    ["bn 2", "batch_normalization/moving_mean"],
    ["bn 3", "batch_normalization/moving_variance"],
    // Two weights of a class of the author's own.
    ["gain 0", "gain/0"],
    ["gain 1", "gain/1"],
    ["gn 0", "group_normalization/gamma"],
    ["gn 1", "group_normalization/beta"],
    ["head 0", "conv2d/kernel"],
    ["head 1", "conv2d/bias"],
    // scale=False: the first is beta, but it could as well be gamma.
    ["layers/batch_normalization_1 0", "batch_normalization_1/0"],
    ["layers/batch_normalization_1 1", "batch_normalization_1/moving_mean"],
    ["layers/batch_normalization_1 2", "batch_normalization_1/moving_variance"],
    ["layers/layer_normalization 0", "layer_normalization/gamma"],
    ["layers/layer_normalization 1", "layer_normalization/beta"],
    ["layers/lstm/cell 0", "lstm_cell/kernel"],
    ["layers/lstm/cell 1", "lstm_cell/recurrent_kernel"],
    ["layers/lstm/cell 2", "lstm_cell/bias"],
  ]);
});
