import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import type { NumericTensor } from "../../tensor/tensor.ts";

/** A float64 tensor that is computed as it is read: value `k` in row-major order is `at(k)`. */
function computed(name: string, shape: readonly number[], at: (k: number) => number): NumericTensor {
  const size = 8 * shape.reduce((product, n) => product * n, 1);
  const source: ByteSource = {
    name,
    size,
    access: "random",
    async read(offset, length, into) {
      if (offset < 0 || offset + length > size) {
        throw new CheckpointError("truncated", `${length} bytes at ${offset} of ${size} that are computed`, { file: name });
      }
      const out = into?.subarray(0, length) ?? new Uint8Array(length);
      const first = Math.floor(offset / 8);
      const values = new Float64Array(Math.ceil((offset + length) / 8) - first);
      for (let k = 0; k < values.length; k++) values[k] = at(first + k);
      out.set(new Uint8Array(values.buffer, offset - 8 * first, length));
      return out;
    },
    async close() {},
  };
  return contiguous({ name, shape, dtype: "float64", source });
}

export function filledTensor(name: string, shape: readonly number[], value: number): NumericTensor {
  return computed(name, shape, () => value);
}

/** Values that are there already, in row-major order. */
export function held(name: string, shape: readonly number[], values: Float64Array): NumericTensor {
  return computed(name, shape, (k) => values[k] ?? 0);
}

/**
 * Normal values of mean 0 and the given standard deviation. Value k depends on the seed and k alone, so that any part can be
 * made at any time and the same seed gives the same tensor whatever its layout: two hashes of a counter, then Box and Muller's formula.
 */
export function normal(name: string, shape: readonly number[], deviation: number, seed: number): NumericTensor {
  return computed(name, shape, (k) => {
    // Never 0: its logarithm is infinite. 2^-32 above keeps it below 1.
    const radius = (hash(2 * k, seed) + 0.5) / 2 ** 32;
    const angle = hash(2 * k + 1, seed) / 2 ** 32;
    return deviation * Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
  });
}

/** 32 bits of a counter and a seed: three rounds of multiply, xor and shift, each bit of the input reaching each of the output. */
function hash(counter: number, seed: number): number {
  let state = mix((seed >>> 0) ^ 0x9e3779b9);
  state = mix(state ^ Math.floor(counter / 2 ** 32));
  return mix(state ^ (counter % 2 ** 32));
}

/** Multipliers by Chris Wellons (hash-prospector, the triple32 permutation): public domain. */
function mix(value: number): number {
  let x = value >>> 0;
  x = Math.imul(x ^ (x >>> 17), 0xed5ad4bb);
  x = Math.imul(x ^ (x >>> 11), 0xac4c1b51);
  x = Math.imul(x ^ (x >>> 15), 0x31848bab);
  return (x ^ (x >>> 14)) >>> 0;
}
