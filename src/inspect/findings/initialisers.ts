import type { NumericDType } from "../../tensor/dtype.ts";
import type { Statistics } from "../../tensor/statistics/statistics.ts";

/** How frameworks fill fresh weights: a family of distributions around 0 and its standard deviation. */
export interface Initialiser {
  readonly title: string;
  readonly family: Family;
  /** Of the values; from the weights that lead to an output and those that leave an input. */
  readonly std: (fanIn: number, fanOut: number) => number;
  /** Biases that start with different values are within this; without it they start with one value. */
  readonly bias?: (fanIn: number) => number;
}

/** truncated: a normal distribution without what is beyond two of its deviations. */
export type Family = "uniform" | "normal" | "truncated";

/** Standard deviation of a unit normal cut at ±2: √(1 − 4·φ(2) / (2·Φ(2) − 1)). */
const CUT_AT_TWO = 0.87962566103423978;

/**
 * Sources: Glorot and Bengio 2010, He et al. 2015 (arXiv 1502.01852), LeCun et al. 1998; which framework takes which:
 * the documentation of torch.nn.init, tf.keras.initializers, paddle.nn.initializer, Caffe's filler.hpp; constants: VGG
 * (arXiv 1409.1556) and the authors' own habits.
 */
export const initialisers: readonly Initialiser[] = [
  { title: "Xavier uniform (Keras, TF-slim, Paddle)", family: "uniform", std: (i, o) => Math.sqrt(2 / (i + o)) },
  { title: "Xavier normal", family: "normal", std: (i, o) => Math.sqrt(2 / (i + o)) },
  { title: "Xavier truncated normal (Keras glorot_normal)", family: "truncated", std: (i, o) => Math.sqrt(2 / (i + o)) },
  { title: "He uniform", family: "uniform", std: (i) => Math.sqrt(2 / i) },
  { title: "He normal (Paddle convolutions)", family: "normal", std: (i) => Math.sqrt(2 / i) },
  { title: "He truncated normal (Keras he_normal)", family: "truncated", std: (i) => Math.sqrt(2 / i) },
  { title: "He normal by fan-out (torchvision convolutions)", family: "normal", std: (_, o) => Math.sqrt(2 / o) },
  {
    title: "PyTorch's default, uniform ±1/√fan-in",
    family: "uniform",
    std: (i) => Math.sqrt(1 / (3 * i)),
    bias: (i) => Math.sqrt(1 / i),
  },
  { title: "LeCun uniform, Caffe's xavier", family: "uniform", std: (i) => Math.sqrt(1 / i) },
  { title: "LeCun normal", family: "normal", std: (i) => Math.sqrt(1 / i) },
  { title: "LeCun truncated normal (Keras lecun_normal)", family: "truncated", std: (i) => Math.sqrt(1 / i) },
  ...[0.001, 0.005, 0.01, 0.02, 0.05, 0.1].flatMap((std): readonly Initialiser[] => [
    { title: `normal of deviation ${std}`, family: "normal", std: () => std },
    { title: `truncated normal of deviation ${std}`, family: "truncated", std: () => std * CUT_AT_TWO },
  ]),
  { title: "uniform ±0.05 (Keras random_uniform)", family: "uniform", std: () => 0.05 / Math.sqrt(3) },
];

/** Fewer values than this have no shape to speak of. */
const ENOUGH = 64;

/** Relative deviation of a sample's standard deviation, times √n: √((kurtosis − 1) / 4). */
const SPREAD: Readonly<Record<Family, number>> = { uniform: 0.447, normal: 0.71, truncated: 0.584 };

/** What speaks for one initialiser in one tensor. */
export interface Match {
  /** Measured ÷ expected deviation. */
  readonly ratio: number;
  /** By how much the scale may differ from the expected one by chance: of the deviation, or of the largest value where that is sharper. */
  readonly tolerance: number;
}

/**
 * Whether a tensor's values are distributed as an initialiser leaves them: mean 0 within four deviations of the mean,
 * shape within the Kolmogorov-Smirnov bound at the quantiles k/32, deviation within four of its own, and the largest value
 * where that of so many draws is. Undefined where they are not, or there are too few to tell.
 */
export function matches(
  statistics: Statistics,
  dtype: NumericDType,
  fanIn: number,
  fanOut: number,
  initialiser: Initialiser,
): Match | undefined {
  const { count, mean, std, nan, inf, quantiles } = statistics;
  if (count < ENOUGH || mean === undefined || std === undefined || std === 0 || nan + inf > 0) return undefined;
  const root = Math.sqrt(count);
  if (Math.abs(mean) > (4 * std) / root) return undefined;
  const expected = initialiser.std(fanIn, fanOut);
  const ratio = std / expected;
  // The floor: float32 rounding and the generators' own errors.
  const tolerance = (4 * SPREAD[initialiser.family]) / root + 2e-4;
  if (Math.abs(Math.log(ratio)) > tolerance) return undefined;
  const largest = Math.max(-Number(statistics.min), Number(statistics.max)) / expected;
  if (!endsAsDrawn(largest, count, initialiser.family, ROUNDING[dtype] ?? 0)) return undefined;
  const bound = 1.95 / root + 1e-3;
  const far = quantiles.some(
    (value, k) => k > 0 && k < quantiles.length - 1 && Math.abs(below(value / std, initialiser.family) - k / 32) > bound,
  );
  return far ? undefined : { ratio, tolerance: Math.min(tolerance, END_SPREAD[initialiser.family] / count) };
}

/** Relative rounding of stored values, and a little for the generators' own arithmetic. */
const ROUNDING: Partial<Readonly<Record<NumericDType, number>>> = { float64: 1e-6, float32: 1e-6, float16: 2 ** -11, bfloat16: 2 ** -8 };

/**
 * Of so many draws the chance to leave a stretch empty is e^−DRAWS: how sharply the largest value tells the end of a
 * distribution that has one. The density at the end, in units of 1 ÷ the end: 1 for uniform, 0.226 for the cut normal.
 */
const DRAWS = 12;
const END_SPREAD: Readonly<Record<Family, number>> = { uniform: DRAWS, truncated: DRAWS / 0.226, normal: Number.POSITIVE_INFINITY };

/**
 * Whether the largest of `count` magnitudes, in deviations, is one that the distribution gives. The sharpest sign that
 * nothing was trained: one step moves values over the end of a uniform or cut distribution, and training makes long tails.
 */
function endsAsDrawn(largest: number, count: number, family: Family, rounding: number): boolean {
  if (family === "normal") {
    const beyond = count * 2 * tail(largest);
    return beyond > 1e-4 && beyond < DRAWS;
  }
  const end = family === "uniform" ? Math.sqrt(3) : 2 / CUT_AT_TWO;
  const short = 1 - largest / end;
  return short >= -rounding && short <= END_SPREAD[family] / count + rounding;
}

/** 1 − Φ(x) for x > 1.5 to some percent, however small (the first terms of its asymptotic series). */
function tail(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  return (density / x) * (1 - 1 / (x * x) + 3 / x ** 4 - 9 / x ** 6);
}

/** The share of values below x deviations. */
function below(x: number, family: Family): number {
  if (family === "normal") return normal(x);
  if (family === "uniform") return Math.min(1, Math.max(0, (x / Math.sqrt(3) + 1) / 2));
  const cut = normal(-2);
  return Math.min(1, Math.max(0, (normal(x * CUT_AT_TWO) - cut) / (1 - 2 * cut)));
}

/** Φ(x) to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function normal(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const half = (series * Math.exp(-z * z)) / 2;
  return x < 0 ? half : 1 - half;
}
