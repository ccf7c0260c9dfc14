import type { Axes } from "../../tensor/axes.ts";
import { expandRoles } from "../network/expand.ts";
import type { Network } from "../network/network.ts";
import type { Role } from "../role.ts";
import type { Scheme, Slot } from "../scheme.ts";
import { schemes } from "../schemes.ts";

/** The scheme whose names a checkpoint carries, up to a common prefix and the spelling of its container. */
export interface Recognised {
  readonly scheme: Scheme;
  /** What comes before each of the scheme's keys: "module.", "state_dict.", "net.". */
  readonly prefix: string;
}

/** Finds the scheme that gives every stored role the key it has in the file; fully connected layers may be absent. */
export function recogniseScheme(
  roles: ReadonlyMap<Role, Slot>,
  network: Network,
  format: string,
  label: (key: string) => string | undefined,
): Recognised | undefined {
  const home = [...schemes].sort((a, b) => Number(b.formats.includes(format)) - Number(a.formats.includes(format)));
  // Keras 1 keeps Theano's axes under the same names.
  const found = { roles, scope: scopeOf(roles), spellings: spellingsOf(roles, label), strict: !format.startsWith("keras") };
  for (const scheme of home) {
    const prefix = fits(scheme, network, found);
    if (prefix !== undefined) return { scheme, prefix };
  }
  return undefined;
}

interface Found {
  readonly roles: ReadonlyMap<Role, Slot>;
  readonly scope: string | undefined;
  /** Of the roles that are stored: key and label, without what containers add. */
  readonly spellings: ReadonlyMap<Role, readonly string[]>;
  readonly strict: boolean;
}

function spellingsOf(roles: ReadonlyMap<Role, Slot>, label: (key: string) => string | undefined): ReadonlyMap<Role, readonly string[]> {
  const spellings = new Map<Role, readonly string[]>();
  for (const [role, slot] of roles) {
    if ("constant" in slot) continue;
    const other = label(slot.key);
    spellings.set(role, other === undefined ? [plainKey(slot.key)] : [plainKey(slot.key), plainKey(other)]);
  }
  return spellings;
}

function fits(scheme: Scheme, network: Network, { roles, scope, spellings, strict }: Found): string | undefined {
  let prefix: string | undefined;
  let seen = 0;
  let strangers = 0;
  for (const [role, wanted] of expandRoles(scheme, network, { ...(scope !== undefined && { scope }) })) {
    const slot = roles.get(role);
    if (slot === undefined || "constant" in slot) continue;
    if ("constant" in wanted) return undefined;
    if (strict && isKernel(role) && !sameAxes(slot.axes, wanted.axes)) return undefined;
    seen++;
    const before = spellings
      .get(role)
      ?.map((key) => prefixOf(key, wanted.key))
      .find((p) => p !== undefined);
    if (before === undefined) {
      strangers++;
      // A renamed head and a tied weight under its other name leave the convention what it is.
      if (strangers * 10 > roles.size) return undefined;
      continue;
    }
    if (prefix !== undefined && before !== prefix && before !== "" && prefix !== "") return undefined;
    prefix = prefix === undefined || before.length > prefix.length ? before : prefix;
  }
  return seen < spellings.size ? undefined : prefix;
}

function isKernel(role: Role): boolean {
  return /^(conv\d_\d|fc[67])\.weight$/.test(role);
}

/** Up to Caffe's leading axes of one, and Torch7's [out, in · h · w]: the same numbers in the same order. */
function sameAxes(axes: Axes, wanted: Axes): boolean {
  return axes.text.replace(/^1 1 /, "") === wanted.text || (axes.text === "o (i h w)" && wanted.text === "o i h w");
}

/** tf-slim's first scope: vgg_16. */
function scopeOf(roles: ReadonlyMap<Role, Slot>): string | undefined {
  const slot = roles.get("conv1_1.weight") ?? roles.get("fc6.weight");
  if (slot === undefined || "constant" in slot) return undefined;
  const conv = /([^/]+)\/conv\d+\/conv\d+_\d+\/weights$/.exec(slot.key);
  return (conv ?? /([^/]+)\/fc\d\/weights$/.exec(slot.key))?.[1];
}

/** What is left of a plain key before the scheme's; undefined where it does not end in it at a boundary. */
function prefixOf(plain: string, wanted: string): string | undefined {
  if (!plain.endsWith(wanted)) return undefined;
  const prefix = plain.slice(0, plain.length - wanted.length);
  return prefix === "" || /[./]$/.test(prefix) ? prefix : undefined;
}

/** The key without what containers add: `:0`, `arg:`, Keras' doubled layer name, Keras 1's `_W_1`. */
function plainKey(key: string): string {
  return key
    .replace(/\/\.ATTRIBUTES\/VARIABLE_VALUE$/, "")
    .replace(/:\d+$/, "")
    .replace(/^(arg|aux):/, "")
    .replace(
      /(^|\/)([^/]+)\/\2_(W|b)(_\d+)?$/,
      (_, before: string, layer: string, part: string) => `${before}${layer}/${part === "W" ? "kernel" : "bias"}`,
    )
    .replace(/(^|\/)([^/]+)\/\2\//, "$1$2/")
    .replace(/^model_weights\//, "");
}
