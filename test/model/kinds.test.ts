import { describe, expect, test } from "vitest";
import { averaged, kindOf } from "../../src/model/kinds.ts";
import type { DType } from "../../src/tensor/dtype.ts";

describe("kindOf judges by name", () => {
  const cases: readonly (readonly [name: string, kind: string, shape?: readonly number[], dtype?: DType])[] = [
    ["features.0.weight", "parameter", [4, 3, 3, 3]],
    ["features.1.running_mean", "buffer"],
    ["features.1._variance", "buffer"],
    ["features.1.num_batches_tracked", "bookkeeping", [], "int64"],
    ["vgg_16/conv1/conv1_1/BatchNorm/moving_variance", "buffer"],
    ["batch_norm2d_3.w_1", "buffer"],
    ["aux:bn1_1_moving_var", "buffer"],
    ["0.rolling_mean", "buffer"],
    ["vgg_16/fc7/weights/Momentum", "optimizer", [1, 1, 20, 20]],
    ["vgg_16/fc8/biases/Adam_1", "optimizer"],
    ["beta1_power", "bookkeeping", []],
    ["global_step", "bookkeeping", [], "int64"],
    ["vgg_16/fc8/biases/ExponentialMovingAverage", "average"],
    ["opt/conv2d_0.w_0_moment1_0", "optimizer", [4, 3, 3, 3]],
    ["conv2d_0.w_0_beta1_pow_acc_0", "optimizer", [1]],
    ["master_weights/conv2d_0.w_0", "optimizer", [4, 3, 3, 3]],
    ["optimizer.state.26.momentum_buffer", "optimizer"],
    ["best_acc1", "bookkeeping", []],
    ["optimizer_weights/Adam/v/fc1/kernel:0", "optimizer", [72, 20]],
    ["optimizer/vars/10", "optimizer", [3, 3, 4, 6]],
    ["model/layer_with_weights-0/bias/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE", "optimizer"],
    ["save_counter/.ATTRIBUTES/VARIABLE_VALUE", "bookkeeping", [], "int64"],
    ["_CHECKPOINTABLE_OBJECT_GRAPH", "bookkeeping", [], "string"],
    ["_all_variables/7/.ATTRIBUTES/VARIABLE_VALUE", "bookkeeping", [3, 3, 4, 6]],
    ["vgg_16/mean_rgb", "constant", [3]],
    ["val_8", "constant", [2], "int64"],
    ["whatever", "parameter", [7]],
    ["decay.weight", "parameter", [7, 3]],
  ];
  for (const [name, kind, shape = [4], dtype = "float32"] of cases) {
    test(`${name} is ${kind}`, () => {
      expect(kindOf({ name, shape, dtype })).toBe(kind);
    });
  }

  const leaves: Readonly<Record<string, readonly string[]>> = {
    optimizer: [
      ..."Adam Adam_1 Adamax AdamW Momentum RMSProp RMSProp_1 Adagrad Adadelta Adadelta_1 Ftrl Ftrl_1 momentum_buffer exp_avg".split(" "),
      ..."exp_avg_sq max_exp_avg_sq square_avg sum_square_diff fp32_master_0 w_moment2_max_0 w_velocity_0 w_inf_norm_0".split(" "),
      ..."w_mean_square_0 w_mean_grad_0 w__avg_squared_grad_0 optim/w opt/w optimizers/w master_weights/w momenta/w".split(" "),
    ],
    bookkeeping: "local_step beta2_power iteration biased epochs best_loss learning_rate lr decay seed_generator_state LR_Scheduler".split(
      " ",
    ),
    average: ["w/ExponentialMovingAverage", "w_ema_0", "ema.w", "averaged_model.w"],
    buffer: "running_std moving_mean moving_var rolling_variance _mean _variance moments batch_norm_0.w_2".split(" "),
    constant: ["pixel_std", "mean_bgr"],
  };
  for (const [kind, names] of Object.entries(leaves)) {
    test(`every word for ${kind}`, () => {
      expect(names.filter((name) => kindOf({ name: `/${name}`, shape: [], dtype: "float32" }) !== kind)).toEqual([]);
    });
  }

  test("the file's own word comes first", () => {
    expect(kindOf({ name: "features.0.weight", shape: [4], dtype: "float32", kind: "constant" })).toBe("constant");
  });

  test("an average names its variable", () => {
    expect(averaged("vgg_16/fc8/biases/ExponentialMovingAverage")).toBe("vgg_16/fc8/biases");
    expect(averaged("vgg_16/fc8/biases")).toBeUndefined();
  });
});
