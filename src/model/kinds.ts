import { dtypes } from "../tensor/dtype.ts";
import type { TensorKind } from "../tensor/tensor.ts";
import type { Described } from "./described.ts";
import type { Identity } from "./identity.ts";
import { partOf } from "./role.ts";

/** Behind the name of a slot: what a writer put behind every key (`.fp32`, `/.value`), but no part of a layer that is called Momentum. */
const behindSlot = "([/._:-]+(?!(weights?|kernel|bias(es)?|w|b|gamma|beta|scale)$)[A-Za-z]\\w*)?$";
/** Slots that optimizers keep beside a variable, as the last part of a name; TensorFlow counts the slots of one optimizer. */
const optimizerLeaf = new RegExp(
  "(^|[/._:-])((Adam|Adamax|AdaMax|Nadam|AdamW|LAMB|Momentum|RMSProp|Adagrad|Adadelta|Ftrl)(_\\d+)?|momentum_buffer|exp_avg|exp_avg_sq|max_exp_avg_sq|square_avg|sum_square_diff|fp32_master_\\d+)" +
    behindSlot,
);
/** Paddle's accumulators: `conv2d_0.w_0_moment1_0`, `…_beta1_pow_acc_0`, `…_velocity_0` (suffixes of its optimizers). */
const paddleSlot =
  /_(moment[12]?|moment2_max|beta[12]_pow_acc|velocity|inf_norm|mean_square|mean_grad|momentum|_avg_squared_grad|_avg_squared_update|fp32_master)_\d+$/;
/** Folders and dictionaries that hold nothing but an optimizer's state. */
const optimizerScope =
  /(^|[/.:])(optimizer|optimizers|opt|optim|opt_state|optimizer_weights|optimizer_state|optimizer_state_dict|optimizer_states|optim_state_dict|master_weights|momenta)[/.:]|(^|[/.])training\/[A-Z]\w*\/|(^|[/.])(Adam|SGD|RMSprop|Nadam|Adamax)\/|\/\.OPTIMIZER_SLOT\/|^_?optimizer_weights\//;
const bookkeeping =
  /(^|[/._])(num_batches_tracked|global_step|local_step|save_counter|beta[12]_power|iterations?|iter|biased|epoch|epochs|steps?|best_\w+|learning_rate|lr|decay|seed_generator_state|_CHECKPOINTABLE_OBJECT_GRAPH|LR_Scheduler)(_\d+)?$/i;
const averageLeaf = /[/.]ExponentialMovingAverage(?=[/._:-]+[A-Za-z]\w*$|$)|_ema_\d+$/;
const averageScope = /(^|[/.])(ema|model_ema|state_dict_ema|ema_state_dict|ema_model|averaged_model)[/.]/i;
const statistic =
  /(^|[/._])(running_mean|running_var|running_std|moving_mean|moving_variance|moving_var|moving_std|rolling_mean|rolling_variance|_mean|_variance|moments)(_\d+)?$/;
/** Paddle's variable names: w_1 and w_2 of a batch norm are mean and variance. */
const paddleStatistic = /batch_norm\w*\.w_[12]$/;
const imageConstant = /(^|[/.])(mean_rgb|pixel_mean|pixel_std|mean_bgr)$/;
/** Keras 3 `model.export` stores every variable a second time under this name. */
const secondCopy = /(^|[/.])_all_variables\//;

/** A word of each name that any of these tells: compiling them all takes longer than the rest of a small inspection's recognition. */
const telling =
  /adam|sgd|lamb|training|moment|rmsprop|adagrad|adadelta|ftrl|exp_avg|square|master|beta|velocity|inf_norm|mean|opt|batches|step|counter|iter|biased|epoch|best_|learning|lr|decay|seed|graph|average|ema|running|moving|rolling|variance|batch_norm|pixel|_all_variables/i;

/** The name without what a container puts around it: `/.ATTRIBUTES/VARIABLE_VALUE`, `:0`. */
function bare(name: string): string {
  return name.replace(/\/\.ATTRIBUTES\/VARIABLE_VALUE$/, "").replace(/:\d+$/, "");
}

function kindByName(name: string): TensorKind | undefined {
  if (!telling.test(name)) return undefined;
  if (secondCopy.test(name)) return "bookkeeping";
  if (optimizerScope.test(name) || optimizerLeaf.test(name) || paddleSlot.test(name)) return "optimizer";
  if (averageLeaf.test(name) || averageScope.test(name)) return "average";
  if (bookkeeping.test(name)) return "bookkeeping";
  if (statistic.test(name) || paddleStatistic.test(name)) return "buffer";
  return imageConstant.test(name) ? "constant" : undefined;
}

/**
 * What a tensor is for: what its file says, else what its name says, else a parameter when it holds floating or complex
 * numbers (names nobody knows count as weights) and a constant when it holds anything else.
 */
export function kindOf(tensor: Described): TensorKind {
  if (tensor.kind !== undefined) return tensor.kind;
  const name = bare(tensor.name);
  const byName = kindByName(name) ?? (tensor.label === undefined ? undefined : kindByName(bare(tensor.label)));
  if (byName === "bookkeeping" && product(tensor.shape) > 1 && !secondCopy.test(name) && isFloating(tensor)) return "parameter";
  if (byName !== undefined) return byName;
  if (tensor.dtype === "string") return "bookkeeping";
  return isFloating(tensor) ? "parameter" : "constant";
}

/** As `kindOf`, but knows the running statistics of a recognised network whatever they are called (Caffe's blobs, MatConvNet's moments). */
export function judgeKinds(identity: Identity | undefined): (tensor: Described) => TensorKind {
  const statistics = new Set<string>();
  for (const [role, slot] of identity?.roles ?? []) {
    if ("constant" in slot || !["bn.mean", "bn.var"].includes(partOf(role))) continue;
    statistics.add(slot.key);
    if (slot.over !== undefined) statistics.add(slot.over);
  }
  return (tensor) => (tensor.kind === undefined && statistics.has(tensor.name) ? "buffer" : kindOf(tensor));
}

/** Whether a tensor says how images are prepared and belongs to no layer: tf-slim's mean_rgb, torch's registered pixel_mean and pixel_std. */
export function isImageConstant(key: string): boolean {
  return imageConstant.test(key);
}

/** Whether the tensor counts among `totals.parameters`. */
export function isParameter(tensor: Described): boolean {
  return kindOf(tensor) === "parameter";
}

/** Name of the variable that a moving average means: `vgg_16/fc8/biases` of `vgg_16/fc8/biases/ExponentialMovingAverage`. */
export function averaged(name: string): string | undefined {
  if (averageLeaf.test(name)) return name.replace(averageLeaf, "");
  return averageScope.test(name) ? name.replace(averageScope, "$1") : undefined;
}

export function isFloating(tensor: Described): boolean {
  if (tensor.dtype === "string") return false;
  const kind = dtypes[tensor.dtype].kind;
  return kind === "float" || kind === "complex" || kind === "extended";
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, axis) => size * axis, 1);
}
