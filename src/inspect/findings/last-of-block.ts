import { configs, titles } from "../../model/configs.ts";
import type { DescribedCheckpoint } from "../../model/described.ts";
import { convPlace } from "../../model/expand.ts";
import { findFeatures } from "../../model/features.ts";
import { groupLayers } from "../../model/groups.ts";
import { findHead } from "../../model/head.ts";
import type { Identity } from "../../model/identity.ts";
import type { Finding } from "./check.ts";

const publishedDepths = (["A", "B", "D", "E"] as const).map((config) => [titles[config], configs[config]] as const);
const fix = "take the layer from the checkpoint that this one was made from";

/**
 * Features that are those of a published depth but for the last convolution of one block: its channels fit without it, and nothing in
 * the numbering tells. Only under names of a known convention, and in front of a whole head or of none: networks of one's own may
 * have any depth.
 */
export function lastOfBlock({ network, roles, scheme }: Identity): readonly Finding[] {
  const fcs = network.layers.filter((layer) => layer.kind === "fc");
  if (network.config !== "other" || scheme === undefined || network.missing.length > 0) return [];
  if (fcs.length !== 3 && (fcs.length !== 0 || network.head !== undefined)) return [];
  const places = network.layers.flatMap((layer) => (layer.kind === "conv" ? [convPlace(layer.name)] : []));
  const lengths = lengthsOf(places);
  const whole = publishedDepths.find(([, blocks]) => blocks.length === lengths.length && shortfall(blocks, lengths) === 1);
  if (whole === undefined) return [];
  const [title, blocks] = whole;
  const name = shorter(blocks, lengths);
  const counted = `${places.length} convolutions in blocks of ${lengths.join(", ")}, where ${title}`;
  // tf-slim's scopes name the depth: vgg_16/conv5/…
  const weight = roles.get("conv1_1.weight");
  const scope = weight !== undefined && "key" in weight ? /(?:^|\/)vgg_(\d+)\//.exec(weight.key)?.[1] : undefined;
  // Feature extractors are cut where their last map is wanted.
  const cut = fcs.length === 0 && (lengths.at(-1) ?? 0) < (blocks.at(-1) ?? 0);
  if (scope !== undefined && title === `VGG-${scope}` && !cut) {
    const message = `${counted}, whose name the tensors carry, has ${blocks.join(", ")}: ${name} is missing; the channels fit without it, so it loads and computes something else`;
    return [{ code: "layers-missing", severity: "error", message, layers: [name], fix }];
  }
  const message = cut
    ? `${counted} has ${blocks.join(", ")}: either the features were cut in front of ${name} on purpose, or it is missing; the channels fit without it`
    : `${counted} has ${blocks.join(", ")}: ${name} is probably missing; the channels fit without it, so it loads and computes something else`;
  return [{ code: "layers-missing", severity: cut ? "info" : "warning", message, layers: [name], fix }];
}

/**
 * Seven of VGG-11's convolutions in front of three fully connected layers: too few to be taken for a network (decisions.md), but the
 * names place each in its block, and one block is one short.
 */
export function oneOfEight(checkpoint: DescribedCheckpoint): readonly Finding[] {
  const grouped = groupLayers(checkpoint);
  // Each convolution and each matrix has a weight; more are another network, and fewer are none.
  if (grouped.weights.length !== sevenAndHead || grouped.recurrent.length > 0) return [];
  const features = findFeatures(checkpoint, grouped, configs.A.reduce((sum, count) => sum + count, 0) - 1);
  if (features === undefined || (features.blocks.source !== "names" && features.blocks.source !== "numbers")) return [];
  const { blocks, convs } = features;
  const used = new Set([...convs, ...features.headConvs].map((conv) => conv.layer));
  const channels = convs.at(-1)?.outputs ?? 0;
  const question = { convs: features.headConvs, channels, layout: features.run.layout, matrix: checkpoint.conventions.matrix };
  const head = findHead({ ...question, layers: grouped.weights.filter((layer) => !used.has(layer)) });
  if (head.layers.length !== 3 || convs.length + 3 !== sevenAndHead) return [];
  const gap = blocks.missing[0];
  if (gap !== undefined && blocks.missing.length === 1 && blocks.lengths.join() === configs.A.join()) {
    const message = `the numbering has a gap: ${gap} of ${titles.A} is missing`;
    return [{ code: "layers-missing", severity: "error", message, layers: [gap], fix }];
  }
  if (gap !== undefined || blocks.lengths.length !== configs.A.length || shortfall(configs.A, blocks.lengths) !== 1) return [];
  const name = shorter(configs.A, blocks.lengths);
  // tf-slim's scope of VGG-11.
  const named = convs.every(({ layer }) => /(?:^|\/)vgg_a\//.test(layer.name));
  const message = `7 convolutions in blocks of ${blocks.lengths.join(", ")} and three fully connected layers, where ${titles.A}${named ? ", whose name the tensors carry," : ""} has ${configs.A.join(", ")}: ${name} is ${named ? "" : "probably "}missing; the channels fit without it`;
  return [{ code: "layers-missing", severity: named ? "error" : "warning", message, layers: [name], fix }];
}

const sevenAndHead = 7 + 3;

function lengthsOf(places: readonly (readonly [block: number, index: number])[]): readonly number[] {
  return Array.from({ length: Math.max(...places.map(([block]) => block)) }, (_, k) =>
    Math.max(...places.filter(([block]) => block === k + 1).map(([, index]) => index)),
  );
}

/** How many convolutions are lacking at the ends of blocks; undefined where a block has more than the other. */
function shortfall(blocks: readonly number[], lengths: readonly number[]): number | undefined {
  const lacks = blocks.map((length, k) => length - (lengths[k] ?? 0));
  return lacks.some((lack) => lack < 0) ? undefined : lacks.reduce((sum, lack) => sum + lack, 0);
}

/** The last convolution of the first block that is shorter than the published one. */
function shorter(blocks: readonly number[], lengths: readonly number[]): string {
  const block = blocks.findIndex((length, k) => length > (lengths[k] ?? 0));
  return `conv${block + 1}_${blocks[block]}`;
}
