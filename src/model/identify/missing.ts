import type { Missing } from "../identity.ts";
import type { NormLayer } from "../layers/layer.ts";
import { configs, titles } from "../network/configs.ts";
import type { NormPart } from "../role.ts";
import { type Entry, tensorsOf } from "./entries.ts";
import { type FitPlace, placeName } from "./fit.ts";
import type { Head } from "./head/question.ts";
import type { NormOf } from "./norms.ts";
import type { Reading } from "./readings.ts";

/** One of a network's layers that is there, at least in part. */
export interface Present {
  readonly name: string;
  readonly entry: Entry;
}

const grounds: Readonly<Record<Reading["source"], string>> = {
  graph: "the file's own graph has it",
  names: "the names of the other convolutions leave a place for it",
  numbers: "the numbering has a gap",
  count: "the numbering has a gap",
};

/** Layers without a tensor, and layers without their weight. */
export function missingLayers(reading: Reading, head: Head, others: number): readonly Missing[] {
  const convs = emptyPlaces(reading, head, others).map((place) => missingConv(reading, head, place));
  const weightless = reading.places.filter(({ entry }) => entry?.layer === undefined);
  const bare = weightless.map((place) => certain(`${placeName(place)}.weight`, restOf(place.entry)));
  const fcs = head.missing.map((name): Missing => {
    const rest = head.layers.find((layer) => layer.name === name);
    if (rest !== undefined) return certain(`${name}.weight`, restOf(rest.entry));
    const there = head.layers.filter(({ fc }) => fc !== undefined).map((layer) => layer.name);
    return certain(name, `${there.join(" and ")} ${there.length === 1 ? "is" : "are"} there`);
  });
  return [...convs, ...bare, ...fcs];
}

function certain(role: string, why: string): Missing {
  return { role, why, likelihood: "certain" };
}

/**
 * A gap in numbers is certain. What no layer follows leaves none: features without a head may have been cut anywhere on purpose (style
 * transfer ends with conv4_1 or conv5_1), and the last convolution of a block is probably missing, where the names do not say the depth.
 */
function missingConv(reading: Reading, head: Head, place: FitPlace): Missing {
  const role = placeName(place);
  const isLast = place.index === reading.lengths[place.block - 1];
  const inTail = reading.tail.includes(place);
  const cut = inTail && head.layers.length === 0;
  const gapless = (cut || (isLast && (inTail || reading.source === "names"))) && reading.source !== "graph" && reading.ends !== true;
  if (!gapless) return certain(role, grounds[reading.source]);
  const found = reading.lengths.map((_, b) => reading.places.filter(({ block }) => block === b + 1).length);
  const config = (["A", "B", "D", "E"] as const).find((each) => configs[each].join() === reading.lengths.join());
  const named = config !== undefined && saysDepth(reading, config);
  const title = config === undefined ? "the published network" : titles[config];
  const why = `${reading.places.length} convolutions in blocks of ${found.join(", ")}, where ${title}${named ? ", whose name the tensors carry," : ""} has ${reading.lengths.join(", ")}`;
  return { role, why, likelihood: cut ? "possible" : named ? "certain" : "probable" };
}

/** A scope of the names says the depth: vgg_16/conv5/…, vgg_a/… */
function saysDepth({ prefix }: Reading, config: "A" | "B" | "D" | "E"): boolean {
  const depth = { A: 11, B: 13, D: 16, E: 19 }[config];
  return prefix.some((token, i) => token === "vgg" && (prefix[i + 1] === depth || (config === "A" && prefix[i + 1] === "a")));
}

function restOf(entry: Entry | undefined): string {
  const rest = entry === undefined ? [] : tensorsOf(entry).map(({ name }) => name);
  return rest.length === 1 ? `only ${rest[0]} is there` : `only ${rest.slice(0, -1).join(", ")} and ${rest.at(-1)} are there`;
}

/** Places of convolutions that are missing. */
export function emptyPlaces(reading: Reading, head: Head, others: number): readonly FitPlace[] {
  return [...reading.holes, ...missingTail(reading, head, others)];
}

/** The last convolutions are missing where the head is there; a host goes on, and features are cut, behind a whole block. */
function missingTail(reading: Reading, head: Head, others: number): readonly FitPlace[] {
  if (reading.source === "graph") return [];
  if (reading.ends === true) return [];
  if (head.layers.length > 0) return reading.tail;
  const last = reading.places.at(-1);
  return last === undefined || (last.index === 1 && others > 0) ? [] : reading.tail.filter(({ block }) => block === last.block);
}

/** Biases that most of the convolutions, or any of the dense layers, have and some have not. */
export function missingBiases(layers: readonly Present[], fewest: number = layers.length / 2): readonly Missing[] {
  const whole = layers.filter(({ entry }) => entry.layer !== undefined);
  const biased = layers.filter(({ entry }) => (entry.layer?.bias ?? entry.lone) !== undefined);
  if (biased.length <= fewest) return [];
  const lacking = whole.filter(({ entry }) => entry.layer?.bias === undefined && entry.layer?.norm === undefined);
  return lacking.map(({ name, entry }) => {
    const unread = entry.layer?.strays[0]?.name;
    const beside = unread === undefined ? "" : `; ${unread} is not read`;
    return { role: `${name}.bias`, likelihood: "certain", why: `${biased.length} of ${layers.length} such layers have one${beside}` };
  });
}

/** Dense layers without a bias where every convolution has one: made so, or lost. */
export function possibleBiases(convs: readonly Present[], fcs: readonly Present[]): readonly Missing[] {
  const biased = ({ entry }: Present): boolean => (entry.layer?.bias ?? entry.lone) !== undefined;
  if (fcs.length === 0 || fcs.some(biased) || !convs.every(biased)) return [];
  const why = `all ${convs.length} convolutions have a bias and no dense layer has: they were made without, or it is lost`;
  return fcs.map(({ name }) => ({ role: `${name}.bias`, likelihood: "possible", why }));
}

const parts = ["bn.weight", "bn.bias", "bn.mean", "bn.var"] as const satisfies readonly NormPart[];

/** Batch norms, and parts of them, that most of the layers have and some have not. */
export function missingNorms(layers: readonly Present[], norms: NormOf): readonly Missing[] {
  if (norms.size * 2 <= layers.length) return [];
  const factors = [...norms.values()].filter(({ factor }) => factor !== undefined).length;
  const undivided = layers.filter(
    ({ entry }) => factors > 0 && norms.get(entry)?.mean !== undefined && norms.get(entry)?.factor === undefined,
  );
  const factorless = undivided.map(
    ({ name }): Missing => ({
      role: `${name}.bn.factor`,
      likelihood: "certain",
      why: `${factors} of ${layers.length} such layers have one`,
    }),
  );
  return [...factorless, ...lackingParts(layers, norms)];
}

/** Names and numbers are those of a batch norm's place; what is there is what a group norm has, too. */
const noStatistics =
  "no norm of the file has one: batch norms whose buffers were not saved, or norms that have none (group, instance or layer norms)";

function lackingParts(layers: readonly Present[], norms: NormOf): readonly Missing[] {
  return parts.flatMap((part) => {
    const having = layers.filter(({ entry }) => hasPart(norms.get(entry), part)).length;
    // gamma and beta may be left away by a convention; without its statistics a batch norm computes something else.
    const needed = part === "bn.mean" || part === "bn.var";
    if (!needed && having * 2 <= layers.length) return [];
    return layers
      .filter(({ entry }) => !hasPart(norms.get(entry), part))
      .map(
        ({ name }): Missing => ({
          role: `${name}.${part}`,
          likelihood: "certain",
          why: having === 0 ? noStatistics : `${having} of ${layers.length} such layers have one`,
        }),
      );
  });
}

function hasPart(norm: NormLayer | undefined, part: NormPart): boolean {
  if (norm === undefined) return false;
  if (part === "bn.weight") return norm.gamma !== undefined;
  if (part === "bn.bias") return norm.beta !== undefined;
  return norm.moments !== undefined || (part === "bn.mean" ? norm.mean : norm.var) !== undefined;
}
