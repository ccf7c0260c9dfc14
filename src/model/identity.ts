import type { Assumption } from "./assumption.ts";
import type { Network } from "./network.ts";
import type { Role } from "./role.ts";
import type { Preprocessing, Slot } from "./scheme.ts";

/** What a checkpoint was recognised as. */
export interface Identity {
  readonly network: Network;
  /** Keys resolved to the checkpoint's own. */
  readonly roles: ReadonlyMap<Role, Slot>;
  /** Id of the scheme whose names and axes fit; absent where only the structure does. */
  readonly scheme?: string;
  readonly confidence: "sure" | "likely";
  /** Sentences for people: why. */
  readonly evidence: readonly string[];
  /** What is not in the file and was taken from the scheme or a rule. */
  readonly assumed: readonly Assumption[];
  /** Epsilon of batch norm and where it is from; absent without batch norm. */
  readonly epsilon?: { readonly value: number; readonly source: "read" | "option" | "assumed" };
  readonly preprocessing?: Preprocessing;
  /** Keys of floating tensors that belong to no role: a replaced head, mean_rgb, a user's own. */
  readonly others: readonly string[];
}
