import type { Context } from "../../io/context.ts";
import { crewOf } from "../../io/crew/crew.ts";
import { type JobAnswer, WORTH_ASKING } from "../../io/crew/job.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { openFileOf } from "../../io/source/window.ts";
import { type Axes, type AxisSizes, asAxes, axisSizes, shapeFor, withOnes } from "../axes.ts";
import { contiguous } from "../contiguous.ts";
import { itemsize } from "../dtype.ts";
import { byteLength, denseStrides } from "../shape.ts";
import type { NumericTensor, Part } from "../tensor.ts";
import { plainView, stridesFor, view } from "../view.ts";
import { memoryTarget } from "./memory-target.ts";
import { inFileOrder, move } from "./move.ts";
import { distance, mergeAxes } from "./tiles.ts";

/** Tensors up to this many bytes are put in order in memory, not in a file. */
const SMALL = 1 << 20;

/**
 * The tensor with one dense row-major part: itself where it already is, else moved into memory (when small) or into a
 * temporary file. With `from` and `to` the axes are reordered as well. Throws `mismatch` where the axes do not fit.
 */
export async function inOrder(
  tensor: NumericTensor,
  ctx: Context,
  from?: Axes | string,
  to?: Axes | string,
  sizes?: AxisSizes,
): Promise<NumericTensor> {
  const unit = itemsize(tensor.dtype);
  let shape = tensor.shape;
  let source = await plainView(tensor);
  let strides: readonly number[] = denseStrides(shape, unit);
  if (from !== undefined && to !== undefined) {
    const [stored, wanted] = [asAxes(from), asAxes(to)];
    source = await view(tensor, stored, sizes);
    strides = stridesFor(source, wanted);
    shape = shapeFor(wanted, withOnes(wanted, axisSizes(stored, tensor.shape, sizes)));
  }
  const { name, dtype } = tensor;
  const only = source.parts[0];
  if (only !== undefined && source.parts.length === 1 && runsAlong(only, strides)) {
    return shape === tensor.shape ? tensor : contiguous({ name, dtype, shape, source: only.source, offset: only.offset });
  }
  const length = byteLength(shape, dtype);
  const info = { ...tensor, shape };
  if (length <= SMALL) {
    const bytes = new Uint8Array(length);
    await move(source, strides, { file: memoryTarget(bytes), at: 0 }, ctx);
    return contiguous({ ...info, source: memorySource(bytes, name) });
  }
  const file = await ctx.temporary();
  await move(source, strides, { file, at: 0 }, ctx);
  return contiguous({ ...info, source: file });
}

/** Whether a part's elements lie one behind the other in the order that `strides` asks for. */
function runsAlong(part: Part, strides: readonly number[]): boolean {
  const merged = mergeAxes({ shape: part.shape, strides: [part.strides, strides] });
  return merged.shape.every((_, axis) => merged.strides[0]?.[axis] === merged.strides[1]?.[axis]);
}

/** One dense stretch of a tensor's row-major bytes. */
interface Stretch {
  readonly source: ByteSource;
  readonly offset: number;
  /** Bytes into the tensor. */
  readonly at: number;
  readonly length: number;
}

/**
 * The tensor's row-major little-endian bytes as a stream. A chunk is valid until the next is asked for, and until the
 * context's scratch buffers are used by something else. No temporary file where the parts are in order.
 */
export async function* bytes(tensor: NumericTensor, ctx: Context): AsyncGenerator<Uint8Array> {
  const stretches =
    denseStretches(await tensor.parts(), tensor) ?? denseStretches(await (await inOrder(tensor, ctx)).parts(), tensor) ?? [];
  const chunk = Math.max(Math.floor(ctx.memory / 8), itemsize(tensor.dtype));
  for (const { source, offset, length } of stretches) {
    let ahead: Ahead | undefined;
    try {
      for (let done = 0; done < length; done += chunk) {
        const take = Math.min(chunk, length - done);
        const into = ctx.scratch(done % (2 * chunk) === 0 ? 0 : 1, take);
        const ready = ahead?.answer() !== undefined;
        ahead = undefined;
        if (!ready) await source.read(offset + done, take, into);
        const next = done + take;
        const rest = Math.min(chunk, length - next);
        if (rest > 0) ahead = readAhead(source, offset + next, ctx.scratch(next % (2 * chunk) === 0 ? 0 : 1, rest));
        yield into;
        await ctx.tick(take);
      }
    } finally {
      // No helper is at work on the buffer when others use it.
      ahead?.answer();
    }
  }
}

interface Ahead {
  readonly answer: JobAnswer;
}

/** Has a helper thread fill a buffer, where there is one, and nothing has to be computed of the bytes on the way. */
function readAhead(source: ByteSource, from: number, into: Uint8Array): Ahead | undefined {
  const place = into.length < WORTH_ASKING ? undefined : openFileOf(source, from);
  if (place === undefined) return undefined;
  const runs = { stride: 0, count: 1, length: into.length, pitch: 0 };
  const answer = crewOf(into.buffer)?.ask({ kind: "read", ...place, ...runs, at: into.byteOffset });
  return answer === undefined ? undefined : { answer };
}

/** The parts as stretches in row-major order, or undefined where one is out of order or the stretches would be short. */
function denseStretches(parts: readonly Part[], tensor: NumericTensor): readonly Stretch[] | undefined {
  const unit = itemsize(tensor.dtype);
  const strides = denseStrides(tensor.shape, unit);
  const stretches: Stretch[] = [];
  for (const part of inFileOrder(parts)) {
    const merged = mergeAxes({ shape: part.shape, strides: [part.strides, strides] });
    const dense = merged.shape.length === 0 || (merged.shape.length === 1 && merged.strides.every((lane) => lane[0] === unit));
    if (!dense) return undefined;
    stretches.push({ source: part.source, offset: part.offset, at: distance(part.start, strides), length: unit * (merged.shape[0] ?? 1) });
  }
  return stretches.sort((x, y) => x.at - y.at);
}
