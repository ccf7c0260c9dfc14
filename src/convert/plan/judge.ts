import type { Network } from "../../model/network/network.ts";
import { isNorm, layerOf, partOf } from "../../model/role.ts";
import { isStored, keysOf } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { isNumeric } from "../../tensor/tensor.ts";
import { escaped } from "../../text/excluding.ts";
import { few } from "../../text/few.ts";
import { adding, Refusal, type Way } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";
import type { ConversionTarget, SizedNetwork } from "../target/conversion-target.ts";
import { plainTarget } from "../target/targets.ts";
import { refuseHomeless } from "./homeless.ts";
import { type Left, noPlace, type Planned } from "./plan-types.ts";

/**
 * Refuses a plan that leaves a network without a layer, or drops what nobody said to drop; gives sentences on what is lacking. Throws
 * `mismatch`, and `unsupported` where a tensor that is wanted cannot be read.
 */
export function judge({ plan }: Planned, source: Checkpoint, target: ConversionTarget, options: ConvertOptions): readonly string[] {
  // A plan that a person wrote says itself what it leaves out.
  if (target.plan !== undefined) return [];
  const { missing } = plan;
  if (target.sizes !== undefined && target.network !== undefined) {
    compareSizes(target.network, target.sizes, (layer) => missing.some(({ role, key }) => (role ?? key).startsWith(layer)));
    if (options.allowMissing !== true) refuseAbsent(target.network, target.sizes, options);
  }
  if (target.expected !== undefined) refuseLosses(plan.unused, target);
  if (target.expected !== undefined || target.format.carries === "network") refuseGaps(missing, target, options);
  if (target.format.carries === "network" && target.identity !== undefined) refuseHomeless(plan.unused, source, target);
  return gaps(plan, source, target, options);
}

function refuseGaps(missing: readonly Left[], { title, expected, network }: ConversionTarget, options: ConvertOptions): void {
  if (missing.length === 0 || options.allowMissing === true) return;
  // A network is written without a layer, but no layer without one of its parts.
  const layers = new Set(network?.layers.map(({ name }) => name));
  const inPart = expected === undefined && missing.some(({ role }) => role !== undefined && layers.has(layerOf(role)));
  throw new Refusal("mismatch", `the source has nothing for ${few(missing.map(({ role, key }) => role ?? key))}, which ${title} needs`, [
    inPart
      ? { options: { to: plainTarget }, say: (options) => `${options} writes what is there` }
      : withoutThem(expected === undefined ? "write the rest" : keepsOwn(title)),
  ]);
}

/**
 * Throws `mismatch` where a bias or a batch norm of the source would be lost although the output has its layer: the two would compute
 * different things.
 */
function refuseLosses(unused: readonly Left[], { identity, naming, title }: ConversionTarget): void {
  if (naming === "keep") return;
  for (const { role, key, reason } of unused) {
    if (role === undefined || reason !== noPlace || partOf(role) === "weight") continue;
    const layer = layerOf(role);
    if (!isStored(naming.get(`${layer}.weight`))) continue;
    const slot = identity?.roles.get(role);
    if (!isStored(slot) || !keysOf(slot).includes(key)) continue;
    const way = isNorm(role)
      ? adding({ foldBn: true })
      : { options: { exclude: [escaped(key)] }, say: (options: string) => `if the layer works without it, leave it out: ${options}` };
    throw new Refusal("mismatch", `${title} has ${layer}, and cannot store ${role}`, [way], { tensor: key });
  }
}

/** Throws `mismatch` where the other network has layers that the output would not have. */
function refuseAbsent(network: Network, { title, network: wanted }: SizedNetwork, { noTop }: ConvertOptions): void {
  const present = new Set(network.layers.map(({ name }) => name));
  const absent = wanted.layers.filter(({ kind, name }) => (kind === "conv" || (kind === "fc" && noTop !== true)) && !present.has(name));
  if (absent.length === 0) return;
  throw new Refusal("mismatch", `the source has nothing for ${few(absent.map(({ name }) => name))}, which ${title} has`, [
    withoutThem(keepsOwn(title)),
  ]);
}

const keepsOwn = (title: string): string => `keep ${title}'s own values for them`;

function withoutThem(purpose: string): Way {
  return { options: { allowMissing: true }, say: (options) => `add ${options} to ${purpose}` };
}

/** Throws `mismatch` where a layer has other sizes than that of its name in the network that the output has to be as large as. */
function compareSizes(network: Network, { title, network: wanted }: SizedNetwork, missing: (layer: string) => boolean): void {
  const last = network.layers.filter(({ kind }) => kind === "fc").at(-1);
  const others = new Map(wanted.layers.map((layer) => [layer.name, layer]));
  for (const layer of network.layers) {
    const other = others.get(layer.name);
    if ((layer.kind !== "conv" && layer.kind !== "fc") || other === undefined || other.kind !== layer.kind || missing(layer.name)) continue;
    if (layer.outputs !== other.outputs || layer.inputs !== other.inputs) {
      const head = layer === last && layer.inputs === other.inputs;
      throw new Refusal(
        "mismatch",
        `${layer.name} takes ${layer.inputs} and gives ${layer.outputs} in the source; ${other.inputs} and ${other.outputs} in ${title}`,
        head ? [newHead(other.outputs)] : [],
      );
    }
  }
}

/** A last layer made anew, of the size that the other side has. */
export function newHead(classes: number): Way {
  return { options: { numClasses: classes, init: "normal" }, say: (options) => `a new head: ${options}` };
}

/** Sentences on what is lacking. Throws `unsupported` where a tensor that is wanted cannot be read. */
function gaps(plan: Planned["plan"], source: Checkpoint, target: ConversionTarget, { part }: ConvertOptions): readonly string[] {
  const warnings: string[] = [];
  if (target.identity === undefined && target.expected === undefined) {
    const kept = target.ownAxes === undefined ? "names and axes are kept" : "names are kept";
    warnings.push(part === undefined ? `the network is not recognised as a VGG: ${kept}` : kept);
  }
  if (plan.missing.length > 0) warnings.push(`the source lacks ${few(plan.missing.map(({ role, key }) => role ?? key))}`);
  const broken = source.notes.filter(({ code }) => code === "unsupported-tensor" || code === "unknown-object");
  const left = new Set(plan.unused.map(({ key }) => key));
  const wanted = broken.flatMap(({ tensor, message }) => (tensor === undefined || left.has(tensor) ? [] : [{ tensor, message }]));
  const [first] = wanted;
  if (first !== undefined) {
    const exclude = [...new Set(wanted.map(({ tensor }) => escaped(tensor)))];
    const say = (options: string): string => `to convert the rest without ${exclude.length === 1 ? "it" : "them"}: ${options}`;
    throw new Refusal("unsupported", `a tensor that cannot be read: ${first.message}`, [{ options: { exclude }, say }], {
      tensor: first.tensor,
    });
  }
  let strings = 0;
  for (const tensor of source.tensors.values()) if (!isNumeric(tensor)) strings += 1;
  if (strings > 0) warnings.push(`${strings} text ${strings === 1 ? "tensor is" : "tensors are"} left out`);
  return warnings;
}
