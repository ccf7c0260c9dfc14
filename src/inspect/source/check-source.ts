import type { Identity } from "../../model/identity.ts";
import { few } from "../../text/few.ts";
import type { Finding } from "../findings/check.ts";
import type { SourceProblem } from "./faults.ts";
import { type Place, placeText, type Unit } from "./places.ts";
import { checkProgram, type FileResult } from "./program.ts";

/** A class whose code was read to its end. */
export interface ReadClass {
  readonly class: string;
  readonly line: number;
  readonly cell: number | null;
}

/** What could not be read, and why; of a file as a whole the line is null. */
export interface UnreadSource {
  readonly reason: string;
  readonly line: number | null;
  readonly cell: number | null;
}

/** A finding about a line of code. */
export interface SourceFinding extends Finding {
  readonly file: string;
  readonly line: number | null;
  readonly cell: number | null;
  readonly class: string | null;
  readonly attribute: string | null;
}

export interface SourceReport {
  readonly file: string;
  readonly problems: readonly SourceProblem[];
  readonly read: readonly ReadClass[];
  readonly unread: readonly UnreadSource[];
  /** Layers that are made and never registered. */
  readonly faults: readonly SourceFinding[];
}

/**
 * Checks the Python files that built a network for layers that the framework never registers; what one imports from another
 * is followed. With a checkpoint's identity it says which of the missing layers each place explains.
 */
export function checkSources(files: readonly (readonly Unit[])[], identity?: Identity): readonly SourceReport[] {
  return checkProgram(files).map((result) => report(result, identity));
}

function report({ file, problems, read, unread }: FileResult, identity: Identity | undefined): SourceReport {
  return {
    file,
    problems,
    read: read.map(({ name, place }) => ({ class: name, line: place.line, cell: place.cell })),
    unread: unread.map(({ reason, place }) => ({ reason, line: place?.line ?? null, cell: place?.cell ?? null })),
    faults: problems.map((problem) => asFinding(problem, identity)),
  };
}

/** What was not read, as findings of the file. */
export function unreadFindings(file: string, unread: readonly UnreadSource[]): readonly SourceFinding[] {
  return unread.map(({ reason, line, cell }) => ({
    code: "source-unread",
    severity: "warning",
    message: `${where({ file, line, cell })}: ${reason}`,
    layers: [],
    file,
    line,
    cell,
    class: null,
    attribute: null,
  }));
}

/** "model.py:12", "train.ipynb, cell 3, line 4" */
function where({ file, line, cell }: Pick<Place, "file" | "cell"> & { readonly line: number | null }): string {
  if (line === null) return file;
  return cell === null ? `${file}:${line}` : `${file}, ${placeText({ cell, line })}`;
}

function asFinding(problem: SourceProblem, identity: Identity | undefined): SourceFinding {
  const explained = explains(problem, identity);
  const made = problem.madeOn.filter((line) => line !== problem.line);
  const places = made.length === 0 ? "" : ` (made on line ${made.join(", ")})`;
  return {
    code: "layers-unregistered",
    severity: problem.severity,
    message: `${where(problem)}: ${problem.message}${places}${explained.text}`,
    layers: explained.layers,
    fix: problem.fix,
    file: problem.file,
    line: problem.line,
    cell: problem.cell,
    class: problem.className,
    attribute: problem.attribute ?? null,
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
