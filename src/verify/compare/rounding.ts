/** Half the distance from 1 to the next float32. */
const UNIT = 2 ** -24;

/**
 * How far float32 arithmetic may leave a sum of `terms` products from its exact value, as a part of the largest value of its layer. Errors
 * of single roundings go both ways, so that they grow with the root of their number (Higham, Accuracy and Stability, §2.8); the factors
 * were measured on the engines, which stay below a fourth of it. Operands of 11 bits (float16, TF32) leave more whatever `terms` is.
 */
export function roundingOf(terms: number): number {
  return UNIT * (16 + 4 * Math.sqrt(terms));
}
