import type { DescribedCheckpoint } from "../../../src/model/described.ts";
import { identify } from "../../../src/model/identify.ts";
import type { Identity } from "../../../src/model/identity.ts";
import { isRole } from "../../../src/model/role.ts";
import { isRecord } from "../golden.ts";

/** What is false of a file of golden/hosts, held against its expected.json (golden/hosts/README.md). */
export function hostFaults(checkpoint: DescribedCheckpoint, expected: Readonly<Record<string, unknown>>): readonly string[] {
  const identity = identify(checkpoint);
  if (expected.vgg === false) return identity === undefined ? [] : [`called ${identity.network.name}`];
  const host = expected.host;
  if (!isRecord(host)) return ["expected.json has no host"];
  if (identity === undefined) return ["nothing is said"];
  return [...roleFaults(identity, host), ...bodyFaults(identity, host), ...hostNameFaults(identity, host)];
}

function roleFaults(identity: Identity, host: Readonly<Record<string, unknown>>): readonly string[] {
  const faults: string[] = [];
  const aliases = new Map(Object.entries(isRecord(host.aliases) ? host.aliases : {}));
  const either = new Map(Object.entries(isRecord(host.either) ? host.either : {}));
  const roles = new Map(Object.entries(isRecord(host.body_roles) ? host.body_roles : {}));
  for (const [role, slot] of roles) {
    const [key, axes] = Array.isArray(slot) ? slot.map(String) : [];
    const found = isRole(role) ? identity.roles.get(role) : undefined;
    if (found === undefined || !("key" in found)) faults.push(`${role} is not found, wanted ${key}`);
    else if (found.key !== key && aliases.get(found.key) !== role) faults.push(`${role} is ${found.key}, wanted ${key}`);
    else if (found.axes.text !== axes) faults.push(`${role} has axes ${found.axes}, wanted ${axes}`);
  }
  for (const [role, slot] of identity.bodies.flatMap((body) => [...body.roles])) {
    if (!("key" in slot) || roles.has(role) || either.get(slot.key) === role || aliases.get(slot.key) === role) continue;
    faults.push(`${slot.key} is called ${role}`);
  }
  return faults;
}

function bodyFaults(identity: Identity, host: Readonly<Record<string, unknown>>): readonly string[] {
  const { network } = identity;
  const faults: string[] = [];
  const body = isRecord(host.body) ? host.body : {};
  const convs = network.layers.filter((layer) => layer.kind === "conv").length;
  const said: readonly (readonly [string, unknown, unknown])[] = [
    ["config", network.config, body.config === "VGGish" ? "other" : body.config],
    ["convolutions", convs, body.convolutions],
    ["batchNorm", network.batchNorm, body.batchNorm],
    ["inputChannels", network.inputChannels, body.inputChannels],
  ];
  for (const [what, is, wanted] of said) if (is !== wanted) faults.push(`${what} is ${String(is)}, wanted ${String(wanted)}`);
  const either = isRecord(host.either) ? Object.values(host.either).map((role) => String(role).replace(/\..*/, "")) : [];
  if (identity.through !== body.through && !either.includes(identity.through))
    faults.push(`through ${identity.through}, wanted ${String(body.through)}`);
  if (host.complete !== null && identity.complete !== host.complete) faults.push(`complete is ${identity.complete}`);
  const classes = network.classes ?? null;
  if (Array.isArray(host.classes) && !host.classes.includes(classes)) faults.push(`classes are ${classes}`);
  return faults;
}

function hostNameFaults(identity: Identity, host: Readonly<Record<string, unknown>>): readonly string[] {
  const name = identity.host?.name;
  return name === undefined || name === host.name ? [] : [`host is ${name}, wanted ${String(host.name)}`];
}
