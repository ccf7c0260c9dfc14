import { CheckpointError } from "../../errors.ts";
import { isStored } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { excludeOptions } from "../../text/excluding.ts";
import { few } from "../../text/few.ts";
import type { ConvertOptions } from "../options.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { type Left, noPlace } from "./plan-types.ts";

/** Throws `mismatch` where a target that holds a network has no place for tensors that nobody said to leave out. */
export function refuseHomeless(
  unused: readonly Left[],
  source: Checkpoint,
  { format, identity, network }: ConversionTarget,
  options: ConvertOptions,
): void {
  const left = unused.filter(({ reason }) => reason === noPlace);
  const keys = left.map(({ key }) => key);
  if (keys.length === 0) return;
  const homeless = new Set(keys);
  const kept = [...source.tensors.values()].filter(({ name }) => !homeless.has(name));
  const roles = [...(identity?.roles ?? [])].filter(([, slot]) => isStored(slot) && !homeless.has(slot.key)).map(([role]) => role);
  const others = [...kept.flatMap(({ name, label }) => (label === undefined ? [name] : [name, label])), ...roles];
  // A network's file says the size of its pictures: where nothing else does, the next refusal would ask for it.
  const known = network?.inputSize !== undefined || options.inputSize !== undefined;
  const size = known ? "" : ` --input-size HxWx${network?.inputChannels ?? 3}`;
  const alone = left.some(({ role }) => role !== undefined) ? "" : "; --part body converts the network alone";
  throw new CheckpointError("mismatch", `${format.id} has no place for ${few(keys)}${alone}`, {
    hint: `leave ${keys.length === 1 ? "it" : "them"} out: ${excludeOptions(keys, others)}${size}`,
  });
}
