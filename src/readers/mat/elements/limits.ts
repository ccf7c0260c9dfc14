import { CheckpointError, type ErrorWhere } from "../../../errors.ts";

/** Cells and structs inside each other: networks nest 10 deep; beyond this a path is no name any more. */
export const maxDepth = 200;
/** NumPy's own limit is 64; no network has more than 5. */
export const maxDims = 64;
/** Arrays in a file, cells and fields included: each costs up to a kilobyte once listed, and these stay within 300 MB. */
const maxArrays = 1 << 18;
/** Values kept in memory (small arrays and those that a reader asks for), and texts, in bytes each. */
const maxKept = 32 * 1024 * 1024;
/** A text longer than this is no name, label or option; its array is listed without it. */
export const maxText = 1 << 20;
/** Arrays up to this many bytes are kept with their values: pads, strides, rates, colour averages. */
export const smallBytes = 1024;
/** An array that a reader asks for: a colour average of 1024×1024×3 floats takes 12 MiB. */
export const maxAsked = 16 * 1024 * 1024;

/** What one file may still use; shared by all its variables. */
export interface MatBudget {
  arrays: number;
  kept: number;
  text: number;
}

export function createBudget(): MatBudget {
  return { arrays: maxArrays, kept: maxKept, text: maxKept };
}

export function countArray(budget: MatBudget, where: ErrorWhere): void {
  budget.arrays -= 1;
  if (budget.arrays < 0) {
    throw new CheckpointError("unsupported", `more than ${maxArrays} arrays, cells and fields in one file`, where);
  }
}

export function checkDepth(depth: number, where: ErrorWhere): void {
  if (depth > maxDepth) {
    throw new CheckpointError("unsupported", `cells and structs are nested more than ${maxDepth} deep`, where);
  }
}
