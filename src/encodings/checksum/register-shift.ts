/**
 * Checksums of pieces put together. The register of a CRC is linear over its bits: the register of a whole is the exclusive or of the
 * registers of its pieces, each begun at 0 and moved on by the bytes behind it. Moving on is multiplying by a power of x modulo the
 * polynomial; polynomials are reflected, x^0 is the highest of 32 bits.
 */

/** a · b modulo the polynomial. */
function product(a: number, b: number, polynomial: number): number {
  let result = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) result ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1;
  }
  return result;
}

const ONE = -(2 ** 31);
const BYTE = 2 ** 23; // x^8

/** Moves registers on by bytes of zeros. */
export class RegisterShift {
  readonly #polynomial: number;
  /** x^(8 · 2^k) */
  readonly #powers: number[];

  constructor(polynomial: number) {
    this.#polynomial = polynomial;
    this.#powers = [BYTE];
  }

  /** The register after `bytes` (below 2^53) further zero bytes. */
  moved(register: number, bytes: number): number {
    let factor = ONE;
    for (let rest = bytes, k = 0; rest > 0; rest = Math.floor(rest / 2), k++) {
      if (rest % 2 === 1) factor = product(factor, this.#power(k), this.#polynomial);
    }
    return factor === ONE ? register : product(factor, register, this.#polynomial);
  }

  #power(k: number): number {
    for (let n = this.#powers.length; n <= k; n++) {
      const last = this.#powers[n - 1] ?? BYTE;
      this.#powers.push(product(last, last, this.#polynomial));
    }
    return this.#powers[k] ?? BYTE;
  }
}
