/** What a value or a meaning is taken from, and not from the file's own statement. */
export interface Assumption {
  /** Which of them it is; `size` is a guess at a shape, the others change or place values. */
  readonly of: "size" | "epsilon" | "kernels" | "dropout" | "moments" | "flatten" | "colours" | "head" | "stand-in";
  /** "fc7 and fc8 are multiplied with 0.5" */
  readonly what: string;
  /** "the names are those of PaddleClas, whose dropout scales at inference" */
  readonly grounds: string;
  /** What to type for the other meaning; null where there is none. */
  readonly switch: string | null;
}

/** One line for people. */
export function assumptionText({ what, grounds, switch: other }: Assumption): string {
  return `${what}: ${grounds}${other === null ? "" : `; ${other}`}`;
}
