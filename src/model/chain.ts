import type { Conventions } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";
import type { WeightLayer } from "./groups.ts";
import { naturalCompare, template } from "./names.ts";

/** How a file keeps convolution kernels; flat: [out, in · 9], Torch7's SpatialConvolutionMM. */
export type ConvLayout = "o i h w" | "h w i o" | "o (i h w)";

/** A layer's weight, read as a convolution. */
export interface Conv {
  readonly layer: WeightLayer;
  readonly inputs: number;
  readonly outputs: number;
  /** Height, width. */
  readonly kernel: readonly [number, number];
  /** The stored axes; leading and trailing axes of one included. */
  readonly axes: string;
}

/** Convolutions in forward order, each taking the channels that the one before gives. */
export interface Run {
  readonly layout: ConvLayout;
  readonly convs: readonly Conv[];
  /** Neighbours whose channels do not fit: layers are missing between them. */
  readonly breaks: number;
}

/** Fewer chained convolutions are no VGG (decisions.md). */
export const fewestConvs = 8;

/** Of a feature map's side at the end of a network, and of AlexNet's first layer. */
const largestKernel = 11;
/** No VGG, nor a network around one, has more; bounds the time that a hostile file can cost. */
const mostConvs = 4096;

const layouts: readonly ConvLayout[] = ["o i h w", "h w i o", "o (i h w)"];

/** The longest chain of convolutions in the file, whichever way its kernels are kept; undefined where it has fewer than `fewest`. */
export function findRun(checkpoint: DescribedCheckpoint, layers: readonly WeightLayer[], fewest = fewestConvs): Run | undefined {
  const home = checkpoint.conventions.kernel;
  const runs = layouts.map((layout) => bestRun(checkpoint, layers, layout, fewest));
  // A wrong reading can chain too ([3, 3, 4, 4] in both), but its kernels have no kernel's shape.
  const longest = Math.max(...runs.map(plausible));
  const fits = runs.filter((run) => run !== undefined && plausible(run) === longest);
  const best = fits.find((run) => run?.layout === home) ?? fits[0];
  return best !== undefined && best.convs.length >= fewest ? best : undefined;
}

function plausible(run: Run | undefined): number {
  return run?.convs.filter(isSmall).length ?? 0;
}

/** 3×3 or 1×1, as all of VGG's. */
export function isSmall(conv: Conv): boolean {
  const [height, width] = conv.kernel;
  return height === width && (height === 3 || height === 1);
}

/** Reads a weight as a convolution in one layout; undefined where it cannot be one. */
export function asConv(layer: WeightLayer, layout: ConvLayout, { dropsOnes }: Conventions): Conv | undefined {
  const shape = layer.weight.shape;
  if (layout === "o (i h w)") return asFlatConv(layer);
  if (layout === "h w i o") {
    // A filter bank with one output then has three axes.
    const [h, w, i, o] = dropsOnes === true && shape.length === 3 ? [...shape, 1] : shape;
    if (h === undefined || w === undefined || i === undefined || o === undefined || shape.length > 4) return undefined;
    return { layer, inputs: i, outputs: o, kernel: [h, w], axes: shape.length === 3 ? "h w i" : "h w i o" };
  }
  const [o, i, h, w] = shape;
  if (o === undefined || i === undefined || h === undefined || w === undefined || shape.length !== 4) return undefined;
  // Caffe's legacy matrices have two leading axes of one.
  if (o === 1 && i === 1 && !(h === w && h <= largestKernel)) return undefined;
  return { layer, inputs: i, outputs: o, kernel: [h, w], axes: "o i h w" };
}

function asFlatConv(layer: WeightLayer): Conv | undefined {
  const [o, columns] = layer.weight.shape;
  if (o === undefined || columns === undefined || layer.weight.shape.length !== 2 || columns % 9 !== 0) return undefined;
  return { layer, inputs: columns / 9, outputs: o, kernel: [3, 3], axes: "o (i h w)" };
}

function bestRun(checkpoint: DescribedCheckpoint, layers: readonly WeightLayer[], layout: ConvLayout, fewest: number): Run | undefined {
  if (layout === "o (i h w)" && checkpoint.conventions.flatKernels !== true) return undefined;
  const convs = layers.flatMap((layer) => asConv(layer, layout, checkpoint.conventions) ?? []);
  if (convs.length < fewest || convs.length > mostConvs) return undefined;
  let best: Run | undefined;
  for (const scope of [convs, ...scopes(convs)]) {
    for (const ordered of orderings(checkpoint, scope)) {
      const run = longestRun(ordered, layout);
      if (run !== undefined && (best === undefined || better(run, best))) best = run;
      if (best !== undefined && best.breaks === 0 && best.convs.length === scope.length) return best;
    }
    if (best !== undefined && best.convs.length >= fewestConvs) return best;
  }
  return best;
}

function better(a: Run, b: Run): boolean {
  return a.breaks < b.breaks ? a.convs.length >= b.convs.length : a.breaks === b.breaks && a.convs.length > b.convs.length;
}

/** Parts of a bigger network: the layers below one folder or module, where there are enough of them. */
function scopes(convs: readonly Conv[]): readonly (readonly Conv[])[] {
  const byPrefix = new Map<string, Conv[]>();
  for (const conv of convs) {
    const parts = conv.layer.name.split(/(?<=[./])/);
    for (let length = 1; length < parts.length; length++) {
      const prefix = parts.slice(0, length).join("");
      const members = byPrefix.get(prefix) ?? [];
      if (members.length === 0) byPrefix.set(prefix, members);
      members.push(conv);
    }
  }
  return [...byPrefix.values()].filter((members) => members.length >= fewestConvs && members.length < convs.length);
}

/** Orders in which the layers may follow each other, the likeliest first; a wrong one does not chain. */
function orderings(checkpoint: DescribedCheckpoint, convs: readonly Conv[]): readonly (readonly Conv[])[] {
  const natural = [...convs].sort((a, b) => naturalCompare(a.layer.name, b.layer.name));
  const file = [...convs].sort((a, b) => a.layer.position - b.layer.position);
  const shapes = new Set(convs.map((conv) => template(conv.layer.name).shape));
  const numbered = shapes.size <= convs.length / 2;
  const widening = [...natural].sort((a, b) => a.outputs - b.outputs || a.inputs - b.inputs);
  const byName = numbered ? [natural, file, widening] : [file, natural, widening];
  const recorded = recordOrder(checkpoint, convs);
  return recorded === undefined ? byName : [recorded, ...byName];
}

function recordOrder(checkpoint: DescribedCheckpoint, convs: readonly Conv[]): readonly Conv[] | undefined {
  const place = new Map<string, number>();
  checkpoint.layers.forEach((record, index) => {
    for (const key of record.tensors) if (!place.has(key)) place.set(key, index);
  });
  const known = convs.filter((conv) => place.has(conv.layer.weight.name));
  if (known.length < fewestConvs) return undefined;
  return known.sort((a, b) => (place.get(a.layer.weight.name) ?? 0) - (place.get(b.layer.weight.name) ?? 0));
}

/**
 * The longest stretch of neighbours that chain. A break is bridged where both sides carry the same name but for its
 * numbers and the channels do not shrink: a layer in between is missing from the file. More than two holes are another
 * kind of network.
 */
function longestRun(ordered: readonly Conv[], layout: ConvLayout): Run | undefined {
  const found = { start: 0, end: 0, breaks: 0 };
  let start = 0;
  let breaks = 0;
  ordered.forEach((conv, index) => {
    const last = ordered[index - 1];
    if (index > start && last !== undefined && last.outputs !== conv.inputs) {
      breaks += bridges(last, conv) ? 1 : 3;
      if (breaks > 2) {
        start = index;
        breaks = 0;
      }
    }
    if (index + 1 - start > found.end - found.start) Object.assign(found, { start, end: index + 1, breaks });
  });
  return found.end === 0 ? undefined : { layout, convs: ordered.slice(found.start, found.end), breaks: found.breaks };
}

function bridges(last: Conv, next: Conv): boolean {
  const small = (conv: Conv): boolean => conv.kernel.every((size) => size === 3);
  if (!small(last) || !small(next) || next.inputs < last.outputs) return false;
  return template(last.layer.name).shape === template(next.layer.name).shape;
}
