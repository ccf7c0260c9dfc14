import type { DescribedCheckpoint } from "../../../src/model/described.ts";
import { identify } from "../../../src/model/identify.ts";
import { naturalCompare } from "../../../src/model/layers/order.ts";
import { layerOf } from "../../../src/model/role.ts";

/** What the recogniser says of a file, in the words of the properties (docs/recognition.md). */
export interface Statement {
  /** Key → its roles in one body, `body role`, in a fixed order; moments of MatConvNet have two. */
  readonly roles: ReadonlyMap<string, string>;
  /** Bodies that are called complete. Bodies are numbered by their names: the largest is another one where a layer is left out. */
  readonly complete: ReadonlySet<string>;
  readonly batchNorm: boolean;
  /** Layers and roles that are said to be missing: conv3_1, fc7, conv2_1.bias. */
  readonly missing: ReadonlySet<string>;
}

export function stateOf(checkpoint: DescribedCheckpoint): Statement | undefined {
  const identity = identify(checkpoint);
  if (identity === undefined) return undefined;
  const roles = new Map<string, string>();
  const keyed = identity.bodies.map((body) => ({
    body,
    first: [...body.roles.values()].flatMap((slot) => ("key" in slot ? [slot.key] : [])).toSorted(naturalCompare)[0] ?? "",
  }));
  const bodies = keyed.toSorted((a, b) => naturalCompare(a.first, b.first)).map(({ body }) => body);
  for (const [index, body] of bodies.entries()) {
    for (const [role, slot] of body.roles) {
      if (!("key" in slot)) continue;
      const before = roles.get(slot.key);
      roles.set(slot.key, before === undefined ? `${index} ${role}` : `${before} ${role}`);
      if (slot.over !== undefined) roles.set(slot.over, `${index} ${layerOf(role)}.bn.factor`);
    }
  }
  const missing = bodies.flatMap((body) => body.missing.flatMap(({ role }) => [role, role.replace(/\..*/, "")]));
  const complete = new Set(bodies.flatMap(({ network }, index) => (network.complete ? [String(index)] : [])));
  return { roles, complete, batchNorm: identity.network.batchNorm, missing: new Set(missing) };
}
