import { CheckpointError, isCheckpointError } from "../errors.ts";
import type { ByteSource, StoredRange } from "../io/source/source.ts";
import { size } from "../text/byte-size.ts";
import type { Amplification, Checkpoint } from "./checkpoint.ts";
import { itemsize } from "./dtype.ts";
import { isNumeric, type NumericTensor, type Part, type Tensor, type TensorMap, withInfo } from "./tensor.ts";

/*
 * A file of 57 bytes can promise terabytes: a stride of 0, the fill value of an array that was never written, one value for a whole
 * constant, a sparse array of nothing, many names for one storage. The values are what the framework gives, and reading them all takes
 * hours: so it is not done unless it is asked for.
 */

/** Above deflate's own best, 1032 : 1, so that no array of zeros in a compressed file is meant. */
const RATIO = 2000;
/** Work of less than a tenth of a second is done anyway. */
const LEAST = 64 << 20;
/** A string has its length at least, as `hash` takes it. */
const STRING_BYTES = 8;

/** Finds what is amplified, and unless it is `allowed` guards its values. Strings are measured against the whole file. */
export async function guardAmplified(checkpoint: Checkpoint, allowed: boolean): Promise<Checkpoint> {
  const { dequantised: real } = checkpoint;
  const amplified = new Map(await findAmplified(checkpoint, !allowed));
  for (const [name, found] of real === undefined ? [] : await findAmplified({ ...checkpoint, ...real }, !allowed))
    amplified.set(name, found);
  if (amplified.size === 0 || allowed) return { ...checkpoint, amplified };
  const tensors = guarded(checkpoint.tensors, amplified);
  return {
    ...checkpoint,
    tensors,
    amplified,
    ...(real === undefined ? {} : { dequantised: { ...real, tensors: guarded(real.tensors, amplified) } }),
  };
}

function guarded(tensors: TensorMap, amplified: ReadonlyMap<string, Amplification>): TensorMap {
  const all = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const found = amplified.get(name);
    all.set(name, found === undefined ? tensor : withoutValues(tensor, refusal(name, found)));
  }
  return all;
}

/** Parts are looked at of tensors that are large, and of all where together they promise too much. */
async function findAmplified({ tensors, bytes: fileBytes }: Checkpoint, guarded: boolean): Promise<ReadonlyMap<string, Amplification>> {
  let total = 0;
  for (const tensor of tensors.values()) total += bytesOf(tensor);
  const found = new Map<string, Amplification>();
  if (total <= LEAST) return found;
  const suspicious = total > RATIO * fileBytes;
  /** Too small to matter, unless there are many. */
  const small = new Map<string, Amplification>();
  const others = new Regions();
  let rest = 0;
  for (const [name, tensor] of tensors) {
    const bytes = bytesOf(tensor);
    if (bytes === 0 || (bytes <= LEAST && !suspicious)) continue;
    const own = new Regions();
    if (isNumeric(tensor) && !(await own.add(tensor))) continue;
    const stored = isNumeric(tensor) ? own.bytes() : fileBytes;
    if (bytes > RATIO * stored) (bytes > LEAST ? found : small).set(name, { bytes, stored, guarded });
    else {
      rest += bytes;
      others.take(own);
    }
  }
  if (!suspicious) return found;
  let smallBytes = 0;
  for (const { bytes } of small.values()) smallBytes += bytes;
  if (smallBytes > LEAST) for (const [name, each] of small) found.set(name, each);
  // Each may be as large as what it comes from, and all come from the same bytes.
  const stored = others.bytes();
  if (rest <= LEAST || rest <= RATIO * stored) return found;
  for (const [name, tensor] of tensors) {
    const bytes = bytesOf(tensor);
    if (bytes > 0 && !found.has(name) && !small.has(name)) found.set(name, { bytes: rest, stored, guarded });
  }
  return found;
}

function bytesOf(tensor: Tensor): number {
  return tensor.shape.reduce((count, size) => count * size, 1) * (isNumeric(tensor) ? itemsize(tensor.dtype) : STRING_BYTES);
}

function orNone(error: unknown): undefined {
  if (!isCheckpointError(error)) throw error;
}

/** Stored bytes: ranges of the sources that own them. */
class Regions {
  readonly #ranges = new Map<ByteSource, { ranges: [from: number, to: number][]; weight: number }>();

  /** Where a tensor's elements come from; false where they cannot be found: whoever reads them gets the reason. */
  async add(tensor: NumericTensor): Promise<boolean> {
    const width = itemsize(tensor.dtype);
    const parts = await tensor.parts().catch(orNone);
    for (const part of parts ?? []) {
      const { from, to, distinct } = reach(part, width);
      this.#addRange(part.source, from, to - from, distinct);
    }
    return parts !== undefined;
  }

  take(other: Regions): void {
    for (const [source, { ranges, weight }] of other.#ranges) {
      const own = this.#of(source);
      for (const range of ranges) own.ranges.push(range);
      own.weight += weight;
    }
  }

  /** Each byte once, and none that is only between those that are taken. */
  bytes(): number {
    let sum = 0;
    for (const { ranges, weight } of this.#ranges.values()) {
      ranges.sort(([a], [b]) => a - b);
      let covered = 0;
      let end = 0;
      for (const [from, to] of ranges) {
        covered += Math.max(0, to - Math.max(from, end));
        end = Math.max(end, to);
      }
      sum += Math.min(covered, weight);
    }
    return sum;
  }

  /** `weight`: how many of the bytes are taken. */
  #addRange(source: ByteSource, offset: number, length: number, weight: number): void {
    const inside = source.within ?? source.checks;
    if (inside !== undefined) {
      this.#addRange(inside.source, inside.offset + offset, length, weight);
      return;
    }
    const made: readonly StoredRange[] | undefined = source.stored ?? (source.decodes && [source.decodes]);
    if (made === undefined) {
      const own = this.#of(source);
      own.ranges.push([offset, offset + length]);
      own.weight += weight;
      return;
    }
    for (const range of made) this.#addRange(range.source, range.offset, range.length, Math.min(weight, range.length));
  }

  #of(source: ByteSource): { ranges: [from: number, to: number][]; weight: number } {
    const known = this.#ranges.get(source) ?? { ranges: [], weight: 0 };
    this.#ranges.set(source, known);
    return known;
  }
}

/** From the first to the last byte of a part's elements, and how many bytes are different places. */
function reach({ offset, shape, strides }: Part, width: number): { from: number; to: number; distinct: number } {
  let [from, to, distinct] = [offset, offset + width, width];
  for (const [axis, count] of shape.entries()) {
    const stride = strides[axis] ?? 0;
    if (stride < 0) from += (count - 1) * stride;
    else to += (count - 1) * stride;
    if (stride !== 0) distinct *= count;
  }
  return { from, to, distinct: Math.min(distinct, to - from) };
}

/** What is known of an amplified tensor, in words. */
export function amplificationText({ bytes, stored }: Amplification): string {
  return `${size(bytes)} of values come from ${size(stored)} of the file`;
}

function refusal(name: string, found: Amplification): () => CheckpointError {
  return () =>
    new CheckpointError("unsafe", `${amplificationText(found)}, and reading them all may take hours`, {
      tensor: name,
      hint: "--amplified reads them all the same",
    });
}

/** The same tensor, of which everything but the values can be asked. */
function withoutValues(tensor: Tensor, refuse: () => CheckpointError): Tensor {
  const same = withInfo(tensor, {});
  if (!isNumeric(same)) {
    const elements = (): never => {
      throw refuse();
    };
    return { ...same, elements };
  }
  const guard = (source: ByteSource): ByteSource => ({
    name: source.name,
    size: source.size,
    access: "random",
    within: { source, offset: 0 },
    read: () => Promise.reject(refuse()),
    close: async () => {},
  });
  return { ...same, parts: async () => (await same.parts()).map((part) => ({ ...part, source: guard(part.source) })) };
}
