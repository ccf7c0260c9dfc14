import type { Described } from "../described.ts";
import { type Member, vectorLength } from "./layer.ts";
import { naturalCompare } from "./order.ts";
import type { Leaf } from "./parts.ts";

/**
 * Tensors that only a number distinguishes (`params(7).value`, `variables/7`, `onnx::Conv_150`): in the order of their
 * numbers each weight begins a layer and the vectors behind it are its bias and its batch norm.
 */
export function splitSequence(name: string, members: readonly Member[]): readonly (readonly [string, readonly Member[]])[] {
  // Where vectors have one axis, a matrix of one row is a dense layer with one input.
  const flat = members.some((member) => member.tensor.shape.length === 1);
  const begins = ({ tensor }: Member): boolean => isMatrix(tensor) || (flat && tensor.shape.length === 2);
  const matrices = members.filter(({ tensor }) => vectorLength(tensor.shape) === undefined || (flat && tensor.shape.length === 2)).length;
  const positional = members.every((member) => typeof member.leaf !== "string");
  if (!positional || (!name.startsWith("sequence ") && (matrices <= 1 || members.length <= 3))) return [[name, members]];
  const sorted = [...members].sort((a, b) => naturalCompare(a.tensor.name, b.tensor.name));
  const layers: (readonly [string, Member[]])[] = [];
  let run: Member[] = [];
  let number = 0;
  const flush = (): void => {
    const first = run[0];
    if (first === undefined) return;
    // Numbered by layer: the numbers in the names count tensors and say nothing about pools.
    for (const [suffix, part] of nameRun(run, begins)) layers.push([`${name} ${number}${suffix}`, part]);
    run = [];
    number++;
  };
  for (const member of sorted) {
    if (begins(member)) flush();
    run.push(member);
  }
  flush();
  return layers;
}

/** dagnn's moments are C×2 and belong to the vectors before them; all else with two long axes begins a layer. */
function isMatrix(tensor: Described): boolean {
  if (tensor.shape.length > 2) return true;
  return vectorLength(tensor.shape) === undefined && !(tensor.shape[1] === 2 && /(^|\.)params\(\d+\)\.value$/.test(tensor.name));
}

/** Says what the vectors behind a weight are, by how many there are: bias; gamma, beta, mean, var; or a bias before those. */
function nameRun(run: readonly Member[], begins: (member: Member) => boolean): readonly (readonly [string, Member[]])[] {
  const [weight, ...vectors] = run;
  if (weight === undefined) return [];
  if (!begins(weight)) return run.map((member) => [` ${member.tensor.name}`, [member]]);
  const moments = vectors.some((member) => vectorLength(member.tensor.shape) === undefined);
  const count = vectors.length;
  const norm: readonly Leaf[] = moments ? ["gamma", "beta", "moments"] : ["gamma", "beta", "mean", "var"];
  const biased = count === 1 || count === norm.length + 1;
  const leaves: readonly Leaf[] = biased ? ["bias", ...norm] : norm;
  const named = vectors.map((member, i): Member => ({ ...member, leaf: leaves[i] }));
  const conv: Member[] = [{ ...weight, leaf: "weight" }, ...named.filter((member) => member.leaf === "bias")];
  const rest = named.filter((member) => member.leaf !== "bias");
  return rest.length === 0
    ? [["", conv]]
    : [
        ["", conv],
        [" norm", rest],
      ];
}
