import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";

/** A checkpoint that is recognised: what can be run. */
export interface Subject {
  /** As the person named it. */
  readonly name: string;
  readonly checkpoint: Checkpoint;
  readonly identity: Identity;
  /** Sentences on how it is run. */
  readonly notes?: readonly string[];
}
