import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";

/** One of the two checkpoints that are compared. */
export interface Side {
  /** What sentences call it: A, or its file. */
  readonly name: string;
  readonly checkpoint: Checkpoint;
  readonly identity?: Identity;
}

/** What this checkpoint's batch norm adds to a variance; 0 where it has none. */
export function epsilonOf({ identity }: Side): number {
  return identity?.epsilon?.value ?? identity?.network.epsilon ?? 0;
}

/** The two that are compared, and how far two values may be apart, over the largest of B, to count as equal. */
export interface Compared {
  readonly a: Side;
  readonly b: Side;
  readonly rtol: number;
}
