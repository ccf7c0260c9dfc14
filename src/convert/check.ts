import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { OutputFile } from "../io/source.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { inOrder } from "../tensor/in-order.ts";
import { byteLength } from "../tensor/shape.ts";
import type { NumericTensor, Tensor } from "../tensor/tensor.ts";
import type { Move, Plan } from "./plan-types.ts";
import type { PlanRun } from "./run.ts";

/** Bytes compared at a time. */
const chunk = 1 << 20;

/**
 * Compares every tensor of a written checkpoint, as its reader gives it, with what the plan makes of the source once more.
 * Throws `mismatch` naming the first tensor that is absent or differs.
 */
export async function checkOutput(written: Checkpoint, plan: Plan, run: PlanRun, ctx: Context): Promise<void> {
  let expected: OutputFile | undefined;
  // Keras' files keep layer/variable under paths of their own and give it as the label.
  const labelled = new Map([...written.tensors.values()].map((tensor) => [tensor.label, tensor]));
  for (const move of plan.moves) {
    const tensor = written.tensors.get(move.to) ?? labelled.get(move.to);
    const found = compareDescription(tensor, move);
    if (byteLength(move.toShape, move.toDtype) === 0) continue;
    expected ??= await ctx.temporary();
    await run.fill(move.to, expected, 0, "row", ctx);
    await compareBytes(await inOrder(found, ctx), expected, move, ctx);
  }
}

function compareDescription(tensor: Tensor | undefined, move: Move): NumericTensor {
  const wanted = `${move.toDtype} [${move.toShape.join(", ")}]`;
  if (tensor === undefined) throw failed(move, `it is not in what was written, ${wanted} was needed`);
  const found = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
  if (tensor.dtype === "string" || found !== wanted) throw failed(move, `${found} was written, ${wanted} was needed`);
  return tensor;
}

async function compareBytes(found: NumericTensor, expected: OutputFile, move: Move, ctx: Context): Promise<void> {
  const [part] = await found.parts();
  if (part === undefined) throw failed(move, "it holds no values");
  const size = byteLength(move.toShape, move.toDtype);
  const buffers = [new Uint8Array(Math.min(chunk, size)), new Uint8Array(Math.min(chunk, size))] as const;
  for (let at = 0; at < size; at += chunk) {
    const length = Math.min(chunk, size - at);
    const a = await part.source.read(part.offset + at, length, buffers[0]);
    const b = await expected.read(at, length, buffers[1]);
    if (Buffer.compare(a, b) !== 0) {
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
