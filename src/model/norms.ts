import type { Conv } from "./chain.ts";
import type { NormLayer, WeightLayer } from "./groups.ts";
import { naturalCompare } from "./names.ts";

/** The batch norm behind each layer, by the layer's weight. */
export type NormOf = ReadonlyMap<WeightLayer, NormLayer>;

/** Says which batch norm follows which convolution, and joins the halves that Caffe keeps apart. */
export function assignNorms(convs: readonly Conv[], norms: readonly NormLayer[]): NormOf {
  const assigned = new Map<WeightLayer, NormLayer>();
  for (const { layer } of convs) if (layer.norm !== undefined) assigned.set(layer, layer.norm);
  if (assigned.size > 0) return assigned;
  const ordered = joinHalves([...norms].sort((a, b) => naturalCompare(a.name, b.name)));
  if (ordered.length >= convs.length && zip(convs, ordered, assigned)) return assigned;
  assigned.clear();
  byPlace(convs, norms, assigned);
  return assigned;
}

/** Batch norms behind fully connected layers: those left, where their sizes fit one after another. */
export function assignHeadNorms(
  layers: readonly { readonly layer: WeightLayer; readonly outputs: number }[],
  norms: readonly NormLayer[],
): NormOf {
  const assigned = new Map<WeightLayer, NormLayer>();
  const rest = joinHalves([...norms].sort((a, b) => naturalCompare(a.name, b.name))).filter(
    (norm) => norm.mean !== undefined || norm.moments !== undefined,
  );
  let next = 0;
  for (const { layer, outputs } of layers) {
    const norm = rest[next];
    if (norm?.size !== outputs) continue;
    assigned.set(layer, norm);
    next++;
  }
  return next === rest.length ? assigned : new Map();
}

function hasStatistics(norm: NormLayer): boolean {
  return norm.mean !== undefined || norm.moments !== undefined;
}

/** Caffe: BatchNorm keeps mean, variance and factor, the Scale layer behind it gamma and beta. */
function joinHalves(norms: readonly NormLayer[]): readonly NormLayer[] {
  const statistics = norms.filter((norm) => hasStatistics(norm) && norm.gamma === undefined && norm.beta === undefined);
  const affine = norms.filter((norm) => !hasStatistics(norm));
  if (statistics.length === 0 || statistics.length !== affine.length) return norms;
  if (statistics.some((norm, i) => norm.size !== affine[i]?.size)) return norms;
  const joined = new Map(statistics.map((norm, i) => [norm, { ...affine[i], ...norm }]));
  return norms.filter((norm) => hasStatistics(norm)).map((norm) => joined.get(norm) ?? norm);
}

function zip(convs: readonly Conv[], norms: readonly NormLayer[], assigned: Map<WeightLayer, NormLayer>): boolean {
  for (let start = 0; start + convs.length <= norms.length; start++) {
    if (!convs.every((conv, i) => norms[start + i]?.size === conv.outputs)) continue;
    convs.forEach((conv, i) => {
      const norm = norms[start + i];
      if (norm !== undefined) assigned.set(conv.layer, norm);
    });
    return true;
  }
  return false;
}

/** Where not every convolution has one: the last convolution before it in the file that has as many channels. */
function byPlace(convs: readonly Conv[], norms: readonly NormLayer[], assigned: Map<WeightLayer, NormLayer>): void {
  const ordered = [...convs].sort((a, b) => a.layer.position - b.layer.position);
  for (const norm of norms) {
    const before = ordered.filter((conv) => conv.layer.position < norm.position && conv.outputs === norm.size).at(-1);
    if (before !== undefined && !assigned.has(before.layer)) assigned.set(before.layer, norm);
  }
}
