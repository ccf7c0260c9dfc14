import { CheckpointError } from "../../errors.ts";
import type { Format } from "../../formats.ts";
import type { Identity } from "../../model/identity.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { isNumeric } from "../../tensor/tensor.ts";
import type { ConvertOptions } from "../options.ts";
import { noPlace, type Planned } from "../target/plan-target.ts";

/** Refuses a plan that leaves a network without a layer, or drops what nobody said to drop. */
export function judge({ plan }: Planned, format: Format, options: ConvertOptions, unknown: boolean): void {
  if (format.carries !== "network") return;
  refuseGaps(plan.missing, format.id, options);
  const homeless = plan.unused.filter(({ reason }) => reason === noPlace);
  if (homeless.length > 0 && !unknown) {
    const keys = homeless.map(({ key }) => key);
    throw new CheckpointError("mismatch", `${format.id} has no place for ${list(keys)}`, {
      hint: `leave ${keys.length === 1 ? "it" : "them"} out: ${keys
        .slice(0, 3)
        .map((key) => `--exclude '${key}'`)
        .join(" ")}`,
    });
  }
}

export function refuseGaps(missing: Planned["plan"]["missing"], who: string, options: ConvertOptions): void {
  if (missing.length === 0 || options.allowMissing === true) return;
  throw new CheckpointError(
    "mismatch",
    `the source has nothing for ${list(missing.map(({ role, key }) => role ?? key))}, which ${who} needs`,
    {
      hint: "add --allow-missing to write the rest",
    },
  );
}

export function list(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
}

/** Sentences on what is lacking. Throws `unsupported` where a tensor that is wanted cannot be read. */
export function gaps({ plan }: Planned, checkpoint: Checkpoint, identity: Identity | undefined): readonly string[] {
  const warnings: string[] = [];
  if (identity === undefined) warnings.push("the network is not recognised: names and axes are kept");
  if (plan.missing.length > 0) warnings.push(`the source lacks ${list(plan.missing.map(({ role, key }) => role ?? key))}`);
  const broken = checkpoint.notes.filter(({ code }) => code === "unsupported-tensor" || code === "unknown-object");
  const wanted = broken.find(({ tensor }) => tensor !== undefined && !plan.unused.some(({ key }) => key === tensor));
  if (wanted !== undefined) {
    throw new CheckpointError("unsupported", `a tensor that cannot be read: ${wanted.message}`, {
      ...(wanted.tensor === undefined ? {} : { tensor: wanted.tensor }),
      hint: "without it the conversion would be incomplete",
    });
  }
  let strings = 0;
  for (const tensor of checkpoint.tensors.values()) if (!isNumeric(tensor)) strings += 1;
  if (strings > 0) warnings.push(`${strings} text ${strings === 1 ? "tensor is" : "tensors are"} left out`);
  return warnings;
}
