import type { TensorKind } from "../../tensor/tensor.ts";

/*
 * Paddle names an optimizer's accumulators after the parameter: `conv2d_0.w_0_moment1_0`, `linear_1.b_0_beta1_pow_acc_0`
 * (python/paddle/optimizer/*.py: adam, adamw, lamb, momentum, adagrad, adadelta, adamax, rmsprop, ftrl, dgc, lars, nadam, radam, rprop, asgd).
 */
const accumulators =
  "moment|moment1|moment2|moment2_max|beta1_pow_acc|beta2_pow_acc|velocity|local_velocity|inf_norm|momentum|mean_square|mean_grad|" +
  "_avg_squared_grad|_avg_squared_update|avg_squared_grad|avg_squared_update|squared|linear|_dgc_u_|_dgc_v_|u|v|prevs|learning_rates|d|y|" +
  "momentum_decay_pow|beta2_pow|mu_product|rho|sum_1|sum_2|sum_3|num_accumulates|old_num_accumulates|num_updates";
const accumulator = new RegExp(`\\.(w|b)_\\d+_(${accumulators})_\\d+$`);
const state = /(^|\/)(master_weights\/|learning_rate_\d+$|@LR_DECAY_COUNTER@$|global_step$)/;

/** optimizer for what an optimizer keeps: recognised by the file's kind (`.pdopt`) or by the name that Paddle's optimizers give it. */
export function optimizerKind(path: string, isOptimizerFile: boolean): TensorKind | undefined {
  if (/(^|\/)(@LR_DECAY_COUNTER@|global_step)$/.test(path)) return "bookkeeping";
  return isOptimizerFile || accumulator.test(path) || state.test(path) ? "optimizer" : undefined;
}
