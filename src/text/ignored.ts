import { CheckpointError } from "../errors.ts";

/** An option that counts only beside something else. Where that is not there it would change nothing, and is refused. */
export interface DependentOption<Facts> {
  /** As it is typed: --seed. */
  readonly option: string;
  readonly given: (facts: Facts) => boolean;
  readonly counts: (facts: Facts) => boolean;
  /** Completes "… changes nothing without …". */
  readonly without: string;
  /** What to add, where leaving the option out is not all that helps: --num-classes N. */
  readonly add?: string;
}

/** Throws `usage` for the first option of the table that is given and would change nothing. */
export function refuseIgnored<Facts>(options: readonly DependentOption<Facts>[], facts: Facts): void {
  const ignored = options.find(({ given, counts }) => given(facts) && !counts(facts));
  if (ignored === undefined) return;
  const { option, without, add } = ignored;
  throw new CheckpointError("usage", `${option} changes nothing without ${without}`, {
    hint: add === undefined ? `leave ${option} out` : `add ${add}, or leave ${option} out`,
  });
}
