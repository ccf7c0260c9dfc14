import { CheckpointError } from "../../errors.ts";
import { compareBytes } from "../../io/bytes.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource, OutputFile } from "../../io/source/source.ts";
import { axesOf, withOnes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { identical } from "../../tensor/compare.ts";
import { denseRun } from "../../tensor/dense-run.ts";
import { inOrder } from "../../tensor/move/in-order.ts";
import { byteLength } from "../../tensor/shape.ts";
import type { NumericTensor, Tensor } from "../../tensor/tensor.ts";
import { type View, view } from "../../tensor/view.ts";
import type { Move, Plan } from "../plan/plan-types.ts";
import { type PlanRun, placedFrom, type WrittenPlace } from "./run.ts";

/** Bytes compared at a time. */
const chunk = 1 << 20;

/**
 * Compares a written checkpoint, as its reader gives it, with the plan: names, types and shapes, and where the values are. What is where it
 * was written was compared then: each tile backwards with what was read of the source (`turnsBack`), and what the disk has with the tile
 * (`readBack`). Small tensors, and whatever the format keeps in another way, are compared with the source through the reader. Throws `mismatch` naming the first tensor that is absent or differs.
 */
export async function checkOutput(written: Checkpoint, plan: Plan, run: PlanRun, ctx: Context): Promise<void> {
  let expected: OutputFile | undefined;
  // Keras' files keep layer/variable under paths of their own and give it as the label.
  const labelled = new Map<string, Tensor>();
  for (const tensor of written.tensors.values()) if (tensor.label !== undefined) labelled.set(tensor.label, tensor);
  for (const move of plan.moves) {
    const tensor = written.tensors.get(move.to) ?? labelled.get(move.to);
    const found = compareDescription(tensor, move);
    const size = byteLength(move.toShape, move.toDtype);
    if (size === 0 || (size > placedFrom && (await liesWhereWritten(found, run.places.get(move.to))))) continue;
    const same = await sameBytes(found, move, run, ctx);
    if (same === false) throw failed(move, "its values differ from the source's");
    if (same === true) continue;
    const exact = await run.exact(move, ctx);
    if (exact === undefined) {
      expected ??= await ctx.temporary();
      await run.fill(move.to, expected, 0, "row", ctx);
      await compareStored(await inOrder(found, ctx), expected, move, ctx);
    } else {
      if (!(await identical(exact, await alike(found, move, exact), ctx))) throw failed(move, "its values differ from the source's");
    }
  }
}

/** Compares a small tensor that took its source's bytes as they are; undefined for all others. */
async function sameBytes(found: NumericTensor, move: Move, run: PlanRun, ctx: Context): Promise<boolean | undefined> {
  const wanted = await run.bytesOf(move, ctx);
  const place = wanted === undefined ? undefined : await denseRun(found);
  if (wanted === undefined || place === undefined) return undefined;
  await ctx.tick(0);
  return compareBytes(wanted, await place.source.read(place.offset, wanted.length, ctx.scratch(1, wanted.length))) === 0;
}

/** What was written along the axes of its source; axes that only the target names have size 1. */
async function alike(found: NumericTensor, move: Move, source: View): Promise<View> {
  const axes = move.toAxes ?? axesOf(source.axes.map((axis) => axis.split(" ")));
  return view(found, axes, withOnes(axes, new Map(source.axes.map((axis, k) => [axis, source.shape[k] ?? 1]))));
}

/** Whether a tensor's values are, for its reader, the very bytes that were written for it, in their order. */
async function liesWhereWritten(tensor: NumericTensor, place: WrittenPlace | undefined): Promise<boolean> {
  const run = place === undefined ? undefined : await denseRun(tensor, place.order);
  if (place === undefined || run === undefined) return false;
  const [found, wanted] = [rootOf(run.source, run.offset), rootOf(place.file, place.at)];
  return found.source === wanted.source && found.offset === wanted.offset;
}

/** The file that a window, or a window of a window, looks at, and where. */
function rootOf(source: ByteSource, offset: number): { readonly source: ByteSource; readonly offset: number } {
  const outer = source.within ?? source.checks;
  return outer === undefined ? { source, offset } : rootOf(outer.source, outer.offset + offset);
}

function compareDescription(tensor: Tensor | undefined, move: Move): NumericTensor {
  const wanted = `${move.toDtype} [${move.toShape.join(", ")}]`;
  if (tensor === undefined) throw failed(move, `it is not in what was written, ${wanted} was needed`);
  const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
  if (tensor.dtype === "string" || found !== wanted) throw failed(move, `${found} was written, ${wanted} was needed`);
  return tensor;
}

async function compareStored(found: NumericTensor, expected: OutputFile, move: Move, ctx: Context): Promise<void> {
  const [part] = await found.parts();
  if (part === undefined) throw failed(move, "it holds no values");
  const size = byteLength(move.toShape, move.toDtype);
  const buffers = [new Uint8Array(Math.min(chunk, size)), new Uint8Array(Math.min(chunk, size))] as const;
  for (let at = 0; at < size; at += chunk) {
    const length = Math.min(chunk, size - at);
    const a = await part.source.read(part.offset + at, length, buffers[0]);
    const b = await expected.read(at, length, buffers[1]);
    if (compareBytes(a, b) !== 0) {
      const byte = a.findIndex((value, k) => value !== b[k]);
      throw failed(move, `its values differ from the source's at byte ${at + byte} of ${size}`);
    }
    await ctx.tick(0);
  }
}

function failed(move: Move, message: string): CheckpointError {
  return new CheckpointError("mismatch", `the check of the output failed: ${message}`, {
    tensor: move.to,
    hint: "nothing was written; please report this",
  });
}
