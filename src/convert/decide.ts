import type { ConvertOptions } from "./options.ts";
import { judge } from "./plan/judge.ts";
import { makePlan } from "./plan/plan.ts";
import type { Planned } from "./plan/plan-types.ts";
import type { ConversionTarget } from "./target/conversion-target.ts";
import { targetsFor } from "./target/make.ts";
import type { ConvertRequest } from "./target/request.ts";

/** A conversion decided, nothing written yet. */
export interface Decided extends Planned {
  readonly target: ConversionTarget;
}

/** Finds the target, makes the plan and judges it. Throws `usage`, `unsupported`, `mismatch`. */
export async function decide(request: ConvertRequest, options: ConvertOptions): Promise<Decided> {
  for await (const target of targetsFor(request, options)) {
    const planned = makePlan(request.checkpoint, target, options);
    if (!target.takes(planned.plan)) continue;
    const sentences = judge(planned, request.checkpoint, target, options);
    return { ...planned, target, warnings: [...planned.warnings, ...target.warnings, ...sentences] };
  }
  throw new Error("a conversion without a target");
}
