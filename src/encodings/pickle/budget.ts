import { CheckpointError, type ErrorWhere } from "../../errors.ts";

/**
 * A pickle of n bytes can ask for 40 n bytes of containers and more (`}` is an empty dict), so what it makes is weighed. Real pickles weigh 3 to 8
 * times their length: a PyTorch state dict of 100,000 tensors has 20 MB and weighs 80. Hostile ones stay below 300 MB of memory in all.
 */
const weightFloor = 48 * 1024 * 1024;
const weightPerByte = 8;
const weightCeiling = 128 * 1024 * 1024;
/** Instructions; 40 million take about 2 s. A state dict of 100,000 tensors needs 6 million. */
export const maxSteps = 40_000_000;
/** Values waiting on the stack, open marks, remembered values: 8 bytes each and more. */
const maxHeld = 6_000_000;
/** Short texts are kept at once, longer ones (names, never data) only while these bytes last. */
const longTextTotal = 8 * 1024 * 1024;

/** Texts up to this length are read whatever comes; 4 times the longest parameter name ever seen. */
const shortText = 256;
/** Names longer than this are not read. */
const longText = 4096;
/** Byte strings up to this length are read: NumPy scalars, the `b` of NumPy's `_reconstruct`, keys of dicts from Python 2. Longer ones are data. */
export const shortBytes = 128;
/** Digits or bytes of one integer: Python's own limit for text is 4300 digits. */
export const maxInteger = 4300;

/** A text, and a line of text, take as long as this many instructions without an operand. */
export const textCost = 8;
export const lineCost = 32;

/** What one pickle may use; throws `unsafe` beyond. */
export class Budget {
  readonly #limit: number;
  #weight = 0;
  #steps = 0;
  #longText = 0;

  /** `length`: bytes of the pickle. */
  constructor(length: number) {
    this.#limit = Math.min(weightCeiling, weightFloor + weightPerByte * length);
  }

  /** `cost`: how many plain instructions take as long. */
  step(cost: number, where: () => ErrorWhere): void {
    this.#steps += cost;
    if (this.#steps > maxSteps) throw new CheckpointError("unsafe", `a pickle of more than ${maxSteps} instructions`, where());
  }

  /** `bytes`: a rough size of the JavaScript value. */
  spend(bytes: number, where: () => ErrorWhere): void {
    this.#weight += bytes;
    if (this.#weight > this.#limit) {
      throw new CheckpointError("unsafe", `a pickle of more values than ${this.#limit} bytes of memory hold`, where());
    }
  }

  hold(count: number, where: () => ErrorWhere): void {
    if (count > maxHeld) throw new CheckpointError("unsafe", `a pickle that keeps more than ${maxHeld} values at hand`, where());
  }

  /** Whether a text of this many bytes is to be read at once. */
  reads(length: number): boolean {
    if (length <= shortText) return true;
    if (length > longText || this.#longText + length > longTextTotal) return false;
    this.#longText += length;
    return true;
  }
}
