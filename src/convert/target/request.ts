import type { Identity } from "../../model/identity.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { Like } from "../like/like.ts";

/** What is converted. */
export interface ConvertRequest {
  readonly checkpoint: Checkpoint;
  /** What it was recognised as; names and axes are kept without. */
  readonly identity: Identity | undefined;
  /** As the person named it; the default output is beside it. */
  readonly input?: string;
  /** What the output has to be like. */
  readonly like?: Like;
}
