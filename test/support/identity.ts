import type { Body, Identity } from "../../src/model/identity.ts";
import type { Network } from "../../src/model/network/network.ts";
import type { Role } from "../../src/model/role.ts";
import type { Slot } from "../../src/model/scheme.ts";

/** The identity of a file that holds one network and nothing else. */
export function identityOf(network: Network, roles: ReadonlyMap<Role, Slot> = new Map(), more: Partial<Body> = {}): Identity {
  const body: Body = {
    network,
    roles,
    through: network.layers.at(-1)?.name ?? "",
    missing: [],
    unread: [],
    prefix: "",
    geometry: "assumed",
    confidence: "sure",
    evidence: [],
    assumed: [],
    ...more,
  };
  return { ...body, bodies: [body], complete: network.complete, foreign: [], others: [] };
}
