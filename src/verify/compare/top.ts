import type { Network } from "../../model/network/network.ts";
import type { TopEntry } from "../record.ts";

/** The last layer's outputs for a whole batch. */
export interface Scores {
  /** N classes, or N classes height width. */
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Float32Array;
}

/**
 * The `count` highest classes of each picture. The value is what the file's own last activation makes of the logit; the
 * probability is a softmax over the logits, whatever the file says. A map of scores is averaged over its positions.
 * Empty for a network without a head.
 */
export function topClasses(logits: Scores, network: Network, count: number, labels: readonly string[] = []): readonly TopEntry[] {
  const last = network.layers.at(-1);
  if (last?.kind !== "fc" || network.classes === undefined) return [];
  const [pictures = 0, classes = 0, ...positions] = logits.shape;
  const area = positions.reduce((product, size) => product * size, 1);
  return Array.from({ length: pictures }, (_, picture) => {
    const scores = Array.from({ length: classes }, (_, index) => {
      const from = (picture * classes + index) * area;
      return logits.values.subarray(from, from + area).reduce((sum, value) => sum + value, 0) / area;
    });
    const probabilities = softmax(scores);
    const order = scores.map((_, index) => index).sort((i, j) => (scores[j] ?? 0) - (scores[i] ?? 0) || i - j);
    return order.slice(0, count).map((index, k): TopEntry => {
      const [score = 0, probability = 0, label] = [scores[index], probabilities[index], labels[index]];
      const value = last.activation === "softmax" ? probability : last.activation === "relu" ? Math.max(score, 0) : score;
      return { picture, rank: k + 1, index, ...(label === undefined ? {} : { label }), value, probability };
    });
  }).flat();
}

export function softmax(scores: readonly number[]): readonly number[] {
  const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const powers = scores.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
