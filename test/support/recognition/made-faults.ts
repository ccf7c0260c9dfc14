import { identify } from "../../../src/model/identify.ts";
import type { Identity } from "../../../src/model/identity.ts";
import type { InHost } from "./in-hosts.ts";
import { spelled, spellings } from "./spell.ts";

/** What is false of a made host in one spelling. */
export function madeFaults(host: InHost, spelling: string): readonly string[] {
  const how = spellings[spelling];
  if (how === undefined) throw new Error(`no spelling ${spelling}`);
  if (host.named === true && !how.named) return [];
  const { checkpoint, roles } = spelled(host.layers, how);
  const identity = identify(checkpoint);
  // Where layers are only counted, silence is right too, of the whole or of a part.
  if (identity === undefined) return how.named ? ["nothing is said"] : [];
  const faults: string[] = [];
  const either = new Set(host.either);
  const may = (role: string): boolean => either.has(role.replace(/\..*/, ""));
  for (const [role, key] of how.named ? roles : []) {
    const found = keyOf(identity, role);
    if (found !== key && !(found === undefined && may(role))) faults.push(`${role} is ${found ?? "nothing"}, wanted ${key}`);
  }
  for (const [role, slot] of identity.roles) {
    if ("key" in slot && roles.get(role) !== slot.key) faults.push(`${slot.key} is called ${role}`);
  }
  const { network, through, missing, bodies } = identity;
  const ends = through === host.through || (may(through) && roles.has(`${through}.weight`)) || may(host.through);
  const convs = host.layers.filter(({ role }) => role?.startsWith("conv") === true && !role.includes(".")).length;
  const may8 = network.classes === undefined && (either.size > 0 || !how.named);
  const said: readonly (readonly [string, boolean, unknown])[] = [
    ["config", network.config === host.config, network.config],
    ["through", ends || !how.named, through],
    ["complete", host.complete === null || identity.complete === host.complete || !(how.named || identity.complete), identity.complete],
    ["classes", network.classes === host.classes || may8, network.classes],
    ["missing", missing.every(({ role }) => may(role)), missing.map(({ role }) => role).join(", ")],
    ["convolutions", network.layers.filter(({ kind }) => kind === "conv").length === convs, convs],
    ["batch norm", network.batchNorm === host.layers.some(({ role }) => role?.endsWith(".bn") === true), network.batchNorm],
    ["bodies", bodies.length === (host.bodies ?? 1) || (!how.named && bodies.length < (host.bodies ?? 1)), bodies.length],
  ];
  for (const [what, right, is] of said) if (!right) faults.push(`${what}: ${String(is)}`);
  return faults;
}

function keyOf(identity: Identity, role: string): string | undefined {
  const slot = [...identity.roles].find(([name]) => name === role)?.[1];
  return slot !== undefined && "key" in slot ? slot.key : undefined;
}
