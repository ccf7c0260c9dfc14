import { CheckpointError } from "../../errors.ts";
import { resolve } from "../../io/path.ts";
import { type CheckpointInput, nameOfInput } from "../../tensor/checkpoint-input.ts";
import type { RunOptions } from "../run-options.ts";
import { makeContext, spoken } from "../with-context.ts";
import type { FoundCheckpoint } from "./find-checkpoints.ts";

/** What decides the names of outputs: of `convert`'s options those that name the format. */
export interface OutputsBelowOptions extends RunOptions {
  readonly to?: string;
  readonly like?: CheckpointInput;
  /** Existing files may be replaced. */
  readonly force?: boolean;
}

/**
 * Where `convert` is to write each of many checkpoints below a folder: the tree of the places that they were found at, with the endings of
 * the format. Nothing is written.
 *
 * @throws CheckpointError `usage` where two would have one name, also on a disk that knows no capitals, and where one is there already.
 * @example
 * const { checkpoints } = await findCheckpoints(["zoo"]);
 * const outs = await outputsBelow("converted", checkpoints, { to: "torch" });
 * for (const [k, { source }] of checkpoints.entries()) await convert(source, { to: "torch", out: outs[k] ?? "" });
 */
export async function outputsBelow(
  folder: string,
  checkpoints: readonly FoundCheckpoint[],
  options: OutputsBelowOptions = {},
): Promise<readonly string[]> {
  return spoken(undefined, async () => {
    const [{ placeBelow }, { firstInTheWay }, { isAddress }] = await Promise.all([
      import("../../convert/target/output-name.ts"),
      import("../../io/many/in-the-way.ts"),
      import("../../io/remote/address.ts"),
    ]);
    const row = await rowOf(options);
    const outputs = checkpoints.map(({ place }) => placeBelow(row, folder, place));
    const inputs = checkpoints.flatMap(({ files }) => files.filter((file) => !isAddress(file)).map((file) => resolve(file)));
    const clash = firstInTheWay(outputs, { inputs, existing: options.force !== true });
    if (clash === undefined) return outputs;
    const { at, with: other } = clash;
    const named = checkpoints[at]?.source ?? "";
    const reason =
      typeof other === "number"
        ? `${named} and ${checkpoints[other]?.source ?? ""} would both be written to it`
        : other === "input"
          ? "this is one of the checkpoints that are read"
          : `it is there already, and ${named} would be written to it`;
    throw new CheckpointError("usage", `${reason}; nothing was written`, {
      file: outputs[at] ?? folder,
      hint: other === "existing" ? "add --force to replace it, or name another folder" : "convert them into folders of their own",
    });
  });
}

/** The row of targets that convert takes for these options. */
async function rowOf(options: OutputsBelowOptions) {
  const { findTarget } = await import("../../convert/target/targets.ts");
  const { like } = options;
  if (like === undefined || options.to !== undefined) return findTarget(options.to, undefined);
  const [{ open }, { likeRow }, ctx] = await Promise.all([
    import("../../open.ts"),
    import("../../convert/like/like.ts"),
    makeContext(options, { values: false }),
  ]);
  try {
    const checkpoint = await open(like, ctx);
    await checkpoint.close();
    return likeRow({ checkpoint, identity: undefined, path: nameOfInput(like) }, undefined);
  } finally {
    await ctx.dispose();
  }
}
