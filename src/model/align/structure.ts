import { elementCount } from "../../tensor/shape.ts";
import { naturalCompare, template } from "../layers/order.ts";
import { parseName } from "../layers/parts.ts";
import { grouped } from "./grouped.ts";
import type { Ambiguity, Fits, FoundPairs, NumericInfo, TensorPair } from "./pairs.ts";

/*
 * What names do not say: tensors of one parent that follow each other as those of one parent of the other side do, and shapes that occur once
 * on both sides. Nothing is carried across parents but where one side has no more than one.
 */

/** Tensors of one module, or of one layer. */
interface Group {
  readonly tensors: readonly NumericInfo[];
}

export function byStructure(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): FoundPairs {
  const [parentsA, parentsB] = [parentsOf(a), parentsOf(b)];
  if (parentsA.length === 0 || parentsB.length === 0) return { tensors: [], ambiguous: [] };
  if (parentsA.length === 1 || parentsB.length === 1) {
    const [left, right] = [parentsA.flatMap(({ tensors }) => tensors), parentsB.flatMap(({ tensors }) => tensors)];
    const tensors = inOrder(left, right, fits);
    return tensors === undefined ? alone(left, right, fits) : { tensors, ambiguous: [] };
  }
  return parentByParent(parentsA, parentsB, fits);
}

/** Parents whose tensors fit one after the other, where no other parent would do as well. */
function parentByParent(a: readonly Group[], b: readonly Group[], fits: Fits): FoundPairs {
  const tensors: TensorPair[] = [];
  const ambiguous: Ambiguity[] = [];
  const alike = grouped(b, signature);
  const fitting = new Map(
    a.map((parent) => [
      parent,
      (alike.get(signature(parent)) ?? []).filter((other) => inOrder(parent.tensors, other.tensors, fits) !== undefined),
    ]),
  );
  for (const [parent, others] of fitting) {
    const [other] = others;
    if (other === undefined) continue;
    const rivals = a.filter((each) => fitting.get(each)?.includes(other));
    if (others.length === 1 && rivals.length === 1) tensors.push(...(inOrder(parent.tensors, other.tensors, fits) ?? []));
    else if (rivals[0] === parent) ambiguous.push({ a: keys(rivals), b: keys(others) });
  }
  return { tensors, ambiguous };
}

/** What groups that fit have in common: the sizes of their tensors, in any order. */
function signature({ tensors }: Group): string {
  return tensors
    .map(({ shape }) => elementCount(shape))
    .sort((x, y) => x - y)
    .join();
}

function keys(groups: readonly Group[]): readonly string[] {
  return groups.flatMap(({ tensors }) => tensors.map(({ name }) => name));
}

/** All of them one by one, where every pair fits and they are more than chance: two tensors, of different shapes. */
function inOrder(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): readonly TensorPair[] | undefined {
  if (a.length !== b.length || a.length < 2 || new Set(a.map(({ shape }) => shape.join())).size < 2) return undefined;
  const pairs: TensorPair[] = [];
  for (const [k, tensor] of a.entries()) {
    const other = b[k];
    const move = other === undefined || partOf(tensor) !== partOf(other) ? undefined : fits(tensor, other);
    if (other === undefined || move === undefined) return undefined;
    pairs.push({ by: "structure", a: tensor, b: other, move });
  }
  return pairs;
}

/** Layers that fit one of the other side and are fitted by no other; the rest that fits anything is ambiguous. */
function alone(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): FoundPairs {
  const tensors: TensorPair[] = [];
  const ambiguous: Ambiguity[] = [];
  const said = new Set<Group>();
  const [layersA, layersB] = [grouped(layersOf(a), signature), grouped(layersOf(b), signature)];
  for (const [size, group] of layersB) {
    for (const layer of group) {
      if (said.has(layer) || !layer.tensors.some(isTelling)) continue;
      const candidates = (layersA.get(size) ?? []).filter((from) => layerFits(from, layer, fits) !== undefined);
      const [only] = candidates;
      if (only === undefined) continue;
      const rivals = group.filter((other) => layerFits(only, other, fits) !== undefined);
      if (candidates.length === 1 && rivals.length === 1) tensors.push(...(layerFits(only, layer, fits) ?? []));
      else {
        for (const rival of rivals) said.add(rival);
        ambiguous.push({ a: keys(candidates), b: keys(rivals) });
      }
    }
  }
  return { tensors, ambiguous };
}

/** The pairs of two layers that have the same parts, all of which fit. */
function layerFits(a: Group, b: Group, fits: Fits): readonly TensorPair[] | undefined {
  const pairs: TensorPair[] = [];
  for (const tensor of a.tensors) {
    const other = b.tensors.find((candidate) => partOf(candidate) === partOf(tensor));
    const move = other === undefined ? undefined : fits(tensor, other);
    if (other === undefined || move === undefined) return undefined;
    pairs.push({ by: "structure", a: tensor, b: other, move });
  }
  return pairs.length === b.tensors.length ? pairs : undefined;
}

/** One number fits any other. */
function isTelling({ shape }: NumericInfo): boolean {
  return shape.some((size) => size > 1);
}

/** The part of its layer; where parts are numbered (Caffe's blobs), a matrix first is the weight, and what is second its bias. */
function partOf({ name, shape }: NumericInfo): string {
  const leaf = parseName(name).leaf ?? "";
  if (leaf === 0 && shape.length > 1) return "weight";
  return leaf === 1 ? "bias" : `${leaf}`;
}

function layersOf(tensors: readonly NumericInfo[]): readonly Group[] {
  return [...grouped(tensors, layerOf).values()].map((group) => ({ tensors: group }));
}

/** Tensors by the module that their layer is in, in file order; where names differ by numbers alone, in the order of the numbers. */
function parentsOf(tensors: readonly NumericInfo[]): readonly Group[] {
  const parents = grouped(tensors, (tensor) => {
    const layer = layerOf(tensor);
    return layer.slice(0, Math.max(0, layer.lastIndexOf("/"), layer.lastIndexOf(".")));
  });
  return [...parents.values()].map((group) => {
    const numbered = new Set(group.map((tensor) => template(layerOf(tensor)).shape)).size === 1;
    return { tensors: numbered ? group.toSorted((x, y) => naturalCompare(layerOf(x), layerOf(y))) : group };
  });
}

function layerOf({ name }: NumericInfo): string {
  return parseName(name).layer;
}
