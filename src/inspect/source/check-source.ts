import type { Identity } from "../../model/identity.ts";
import { few } from "../../text/few.ts";
import type { Finding } from "../findings/check.ts";
import { findProblems, type SourceProblem } from "./problems.ts";

export interface SourceReport {
  readonly problems: readonly SourceProblem[];
  readonly findings: readonly Finding[];
}

/**
 * Checks the Python file that built a network for layers that the framework never learns of; with a checkpoint's identity
 * it says which of the missing layers each place explains.
 */
export function checkSource(text: string, file: string, identity?: Identity): SourceReport {
  const problems = findProblems(text);
  return { problems, findings: problems.map((problem) => asFinding(problem, file, identity)) };
}

function asFinding(problem: SourceProblem, file: string, identity: Identity | undefined): Finding {
  const explained = explains(problem, identity);
  const made = problem.madeOn.filter((line) => line !== problem.line);
  const places = made.length === 0 ? "" : ` (made on line ${made.join(", ")})`;
  return {
    code: "layers-unregistered",
    severity: "error",
    message: `${file}:${problem.line}: ${problem.message}${places}${explained.text}`,
    layers: explained.layers,
    fix: problem.fix,
  };
}

/** Which missing layers of the checkpoint a place accounts for, by what its layers learn. */
function explains(problem: SourceProblem, identity: Identity | undefined): { readonly layers: readonly string[]; readonly text: string } {
  const missing = identity?.network.missing ?? [];
  const convs = problem.types.has("conv") ? missing.filter((name) => name.startsWith("conv")) : [];
  const fcs = problem.types.has("linear") ? missing.filter((name) => name.startsWith("fc")) : [];
  const layers = [...convs, ...fcs];
  if (layers.length > 0) {
    const norm = problem.types.has("norm") ? ", and their batch norm" : "";
    return {
      layers,
      text: `; this explains why ${few(layers)}${norm} ${layers.length === 1 && norm === "" ? "is" : "are"} missing from the checkpoint`,
    };
  }
  const lacksNorm = identity !== undefined && problem.types.has("norm") && !identity.network.batchNorm;
  return lacksNorm ? { layers, text: "; this explains why the checkpoint has no batch norm" } : { layers, text: "" };
}
