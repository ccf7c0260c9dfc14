import type { DescribedCheckpoint } from "../../described.ts";
import type { Missing } from "../../identity.ts";
import type { Layers } from "../../layers/layer.ts";
import { parseName } from "../../layers/parts.ts";
import { candidates } from "../../layers/read-layers.ts";
import { keyOf, type Tokens, tokensOf } from "../../layers/tokens.ts";
import { configs, convNames } from "../../network/configs.ts";
import type { IdentifyOptions } from "../../options.ts";
import { roleOf } from "../../role.ts";
import type { Scheme } from "../../scheme.ts";
import { schemes } from "../../schemes.ts";
import { type Draft, headRoles } from "../body.ts";
import type { Entries, Entry } from "../entries.ts";
import { missingBiases } from "../missing.ts";
import type { Reading } from "../readings.ts";
import { denseReader, type Fc } from "./dense.ts";
import { type FcName, fcNames, literalHeads, numberedHeads } from "./fc-names.ts";
import type { Head, HeadLayer } from "./question.ts";

/** Inputs of fc6 of every published configuration: 512 channels of 7 × 7. */
const publishedInputs = 25088;
/** Pictures as rows, not feature maps: 28×28, 32×32 and those in colour. */
const pictureInputs = new Set([784, 1024, 2352, 3072]);
/** Torchvision's and Paddle's, before and since 2017; with 25,088 inputs alone. */
const classifiers = new Set(["classifier"]);

/**
 * Fully connected layers and nothing that produces what they take: with 25,088 inputs, or under the names that a convention of this very
 * format gives, this is the head of a VGG-16 whose convolutions are missing (docs/decisions.md).
 */
export function headOnly(checkpoint: DescribedCheckpoint, layers: Layers, entries: Entries, options: IdentifyOptions): Draft | undefined {
  const weighted = entries.all.filter(({ layer }) => layer !== undefined);
  if (weighted.length < 2 || layers.recurrent.length > 0) return undefined;
  // A kernel whose layer could not be read is no reason to say that there is none.
  if (candidates(checkpoint).some(({ shape }) => shape.length > 2)) return undefined;
  if (weighted.some(({ layer }) => layer?.weight.shape.length !== 2)) return undefined;
  const read = denseReader(entries.all, checkpoint.conventions.kernel, checkpoint.conventions);
  const found = headLayers(checkpoint.format, entries, weighted, read);
  const first = found?.find(({ fc }) => fc !== undefined)?.fc;
  if (found === undefined || first === undefined) return undefined;
  const head: Head = {
    layers: found,
    final: found.some(({ name, fc }) => name === "fc8" && fc !== undefined),
    missing: [],
    replaced: false,
    source: "names",
  };
  const published = found[0]?.name === "fc6" && first.inputs === publishedInputs;
  const fcMissing = fcNames.filter((name) => !found.some((layer) => layer.name === name && layer.fc !== undefined));
  const missing: readonly Missing[] = [
    ...convNames(configs.D).map((role) => ({
      role,
      why: `no convolution is there, and nothing produces the ${first.inputs} values that the first dense layer takes`,
      likelihood: "certain" as const,
    })),
    ...fcMissing.map((role) => ({ role, why: "the names of the other dense layers leave a place for it", likelihood: "certain" as const })),
    ...missingBiases(found, 0),
  ];
  const roles = new Map(headRoles(checkpoint, entries, [], head, new Map()));
  const fcs = found.flatMap(({ name, fc }) => (fc === undefined ? [] : [{ name, fc, bias: roles.has(roleOf(name, "bias")), norm: false }]));
  return {
    reading,
    head,
    parts: {
      config: "D",
      convs: [],
      fcs,
      final: head.final,
      missing: missing.map(({ role }) => role).filter((role) => !role.includes(".")),
      complete: false,
      pools: 5,
      sizes: published ? { feature: [7, 7], input: options.inputSize ?? [224, 224] } : {},
      ...(published && { channels: 512 }),
      assumed: [
        {
          of: "head",
          what: "a head without convolutions is taken for that of a VGG-16",
          grounds: published ? "fc6 has 25,088 inputs, 512 channels of 7 × 7" : "its names are those of a VGG's head",
          switch: null,
        },
      ],
    },
    roles,
    missing,
    unread: [],
    through: found.findLast(({ fc }) => fc !== undefined)?.name ?? "fc8",
    evidence: [
      `${fcs.length} fully connected layers of ${fcs.map(({ fc }) => fc.outputs).join(", ")} and no convolution`,
      published ? "fc6 takes 25,088 = 512 × 7 × 7 values" : `the first takes ${first.inputs} values; the names are those of a VGG's head`,
    ],
    entries: new Set(found.map(({ entry }) => entry)),
  };
}

/** No convolution is there. */
const reading: Reading = { lengths: configs.D, published: true, places: [], holes: [], tail: [], source: "names", prefix: [] };

function headLayers(
  format: string,
  entries: Entries,
  weighted: readonly Entry[],
  read: (entry: Entry) => Fc | undefined,
): readonly HeadLayer[] | undefined {
  const numbered = numberedHeads(entries.all).filter(({ prefix }) => classifiers.has(String(prefix.at(-1))));
  const named = [...literalHeads(entries.all), ...numbered].find(({ slots }) => {
    const there = [...slots.values()].filter(({ layer }) => layer !== undefined).length;
    return there > 1 && (there === weighted.length || there === fcNames.length);
  });
  const slots =
    named?.slots ??
    (weighted.length === 3 ? new Map(weighted.map((entry, i): [FcName, Entry] => [fcNames[i] ?? "fc8", entry])) : undefined);
  if (slots === undefined) return undefined;
  const layers = fcNames.flatMap((name): readonly HeadLayer[] => {
    const entry = slots.get(name);
    if (entry === undefined) return [];
    const fc = read(entry);
    return [{ name, entry, ...(fc && { fc }) }];
  });
  const fc6 = layers[0]?.fc;
  const chains = layers.every(({ name, fc }, i) => {
    const before = layers[i - 1];
    const next = before !== undefined && fcNames.indexOf(name) === fcNames.indexOf(before.name) + 1;
    return !next || fc === undefined || before.fc === undefined || fc.inputs === before.fc.outputs;
  });
  if (!chains || (fc6 !== undefined && pictureInputs.has(fc6.inputs))) return undefined;
  if (fc6?.inputs === publishedInputs) return layers;
  const narrows = fc6 === undefined || fc6.inputs > fc6.outputs;
  return named?.literal === true && narrows && isConventional(format, layers) ? layers : undefined;
}

/** fc6 to fc8 are VGG's own names; fc1, fc2 and fc3 are anybody's but where a convention of the format keeps a VGG's head under them. */
function isConventional(format: string, layers: readonly HeadLayer[]): boolean {
  if (layers.every(({ name, entry }) => endsIn(entry, tokensOf(name)))) return true;
  const [first, second, third] = layers;
  // Two of unlike widths are a small network of their own.
  if (third === undefined && second?.name === "fc7" && first?.fc?.outputs !== second.fc?.outputs) return false;
  return schemes.some(
    (scheme) => scheme.formats.includes(format) && layers.every(({ name, entry }) => endsIn(entry, layerTokens(scheme, name))),
  );
}

function endsIn({ names }: Entry, wanted: Tokens): boolean {
  return wanted.length > 0 && names.some((tokens) => keyOf(tokens.slice(-wanted.length)) === keyOf(wanted));
}

function layerTokens({ slots }: Scheme, name: FcName): Tokens {
  const slot = slots[`${name}.weight`];
  return slot === undefined || "constant" in slot ? [] : tokensOf(parseName(slot.key).layer);
}
