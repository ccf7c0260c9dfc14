import type { Context } from "../../../src/io/context.ts";
import type { Checkpoint } from "../../../src/tensor/checkpoint.ts";
import { dtypes, itemsize } from "../../../src/tensor/dtype.ts";
import { hash } from "../../../src/tensor/hash.ts";
import { values } from "../../../src/tensor/load.ts";
import { decode } from "../../../src/tensor/numbers/numbers.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { type Answer, plainName, type Wanted, type WantedSparse } from "./answers.ts";

/** A tensor that we list, with the first 32 digits of its hash. */
export interface Listed {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly digest: string;
}

/** In what a file's tensors and its answer differ. */
export interface Differences {
  /** In the answer, and no array of ours has these values. */
  readonly missing: readonly Wanted[];
  /** Ours, and no array of the answer has these values. */
  readonly extra: readonly Listed[];
  /** Sentences on what is in both and not the same. */
  readonly wrong: readonly string[];
}

/**
 * Arrays are looked up by hash and then compared by shape, since names are written in two ways; sparse ones by name, then by
 * shape, by the number of their nonzero values and by their sum.
 */
export async function differences(checkpoint: Checkpoint, answer: Answer, ctx: Context): Promise<Differences> {
  const wrong: string[] = [];
  const sparse = new Map(answer.sparse.map((row) => [plainName(row.name), row]));
  const listed: Listed[] = [];
  for (const tensor of checkpoint.tensors.values()) {
    const digest = (await hash(tensor, ctx)).slice(0, 32);
    const row = sparse.get(plainName(tensor.name));
    if (row !== undefined) {
      sparse.delete(plainName(tensor.name));
      wrong.push(...(await sparseFaults(tensor, row, ctx)));
    } else if (!answer.others.has(tensor.name)) listed.push({ name: tensor.name, shape: tensor.shape, dtype: tensor.dtype, digest });
  }
  const missing: Wanted[] = [...sparse.values()].map(({ name, shape }) => ({ name, shape, hashes: ["sparse"] }));
  for (const want of answer.arrays) {
    const found = listed.filter(({ digest }) => want.hashes.includes(digest));
    const [first] = found;
    if (first === undefined) missing.push(want);
    else if (!found.some(({ shape }) => shape.join() === want.shape.join())) {
      wrong.push(`shape of ${want.name}: ${first.name} [${first.shape}], expected [${want.shape}]`);
    }
  }
  const known = new Set(answer.arrays.flatMap(({ hashes }) => hashes));
  // An answer without any values names what is in the file in its own words.
  const tells = answer.arrays.length + answer.sparse.length > 0;
  return { missing, wrong, extra: tells ? listed.filter(({ digest }) => !known.has(digest)) : [] };
}

async function sparseFaults(tensor: Tensor, want: WantedSparse, ctx: Context): Promise<readonly string[]> {
  if (tensor.dtype === "string") return [`${want.name}: strings, expected numbers`];
  const shape = tensor.shape.join() === want.shape.join() ? [] : [`shape of ${want.name}: [${tensor.shape}], expected [${want.shape}]`];
  const complex = dtypes[tensor.dtype].kind === "complex";
  const part = !complex ? tensor.dtype : tensor.dtype === "complex64" ? "float32" : "float64";
  const bytes = await values(tensor, ctx);
  const numbers = new Float64Array(bytes.length / itemsize(part));
  decode(bytes, 0, part, numbers, numbers.length);
  const step = complex ? 2 : 1;
  let nonzeros = 0;
  const sum: [number, number] = [0, 0];
  for (let k = 0; k < numbers.length; k += step) {
    const real = numbers[k] ?? 0;
    const imaginary = complex ? (numbers[k + 1] ?? 0) : 0;
    if (real !== 0 || imaginary !== 0) nonzeros += 1;
    sum[0] += real;
    sum[1] += imaginary;
  }
  const same = nonzeros === want.nonzeros && close(sum[0], want.sum[0]) && close(sum[1], want.sum[1]);
  if (same) return shape;
  return [...shape, `${want.name}: ${nonzeros} nonzero values, sum ${sum}; expected ${want.nonzeros}, ${want.sum}`];
}

/** Sums depend on the order of adding in their last digits. */
function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b));
}
