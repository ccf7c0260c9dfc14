import { isStored } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { excludePatterns } from "../../text/excluding.ts";
import { few } from "../../text/few.ts";
import { Refusal, type Way } from "../../text/refusal.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { findTarget } from "../target/targets.ts";
import { type Left, noPlace } from "./plan-types.ts";

/** Throws `mismatch` where a target that holds a network cannot store tensors that nobody said to leave out. */
export function refuseHomeless(unused: readonly Left[], source: Checkpoint, { format, identity }: ConversionTarget): void {
  const left = unused.filter(({ reason }) => reason === noPlace);
  const keys = left.map(({ key }) => key);
  if (keys.length === 0) return;
  const homeless = new Set(keys);
  const kept = [...source.tensors.values()].filter(({ name }) => !homeless.has(name));
  const roles = [...(identity?.roles ?? [])].filter(([, slot]) => isStored(slot) && !homeless.has(slot.key)).map(([role]) => role);
  const others = [...kept.flatMap(({ name, label }) => (label === undefined ? [name] : [name, label])), ...roles];
  const without: Way = {
    options: { exclude: excludePatterns(keys, others) },
    say: (options) => `leave ${keys.length === 1 ? "it" : "them"} out: ${options}`,
  };
  const alone: Way = { options: { part: "body" }, say: (options) => `${options} converts the network alone`, mentioned: true };
  const whole: Way = {
    options: { to: findTarget(undefined, undefined).id },
    say: (options) => `${options} writes all of them`,
    mentioned: true,
  };
  const ways = left.some(({ role }) => role !== undefined) ? [without, whole] : [without, alone, whole];
  throw new Refusal("mismatch", `${format.id} cannot store ${few(keys)}`, ways);
}
