import type { Identity } from "../../model/identity.ts";
import { judgeKinds } from "../../model/kinds.ts";
import { parseName } from "../../model/layers/parts.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { isNumeric, type Tensor } from "../../tensor/tensor.ts";
import { product } from "./shape.ts";

/** What some tensors hold. */
export interface Counts {
  readonly parameters: number;
  readonly weights: number;
  readonly biases: number;
  readonly statistics: number;
  /** Of parameters. */
  readonly bytes: number;
  /** Nothing but vectors: a batch norm. */
  readonly norm: boolean;
}

/** What a row shows of the counts. */
export function rowCounts({ parameters, weights, biases, statistics, bytes }: Counts): Omit<Counts, "norm"> {
  return { parameters, weights, biases, statistics, bytes };
}

/** Counts tensors by what they are: roles where the network is recognised, else names and shapes. */
export function counter(checkpoint: Checkpoint, identity: Identity | undefined): (keys: readonly string[]) => Counts {
  const kindOf = judgeKinds(identity);
  const biases = new Set<string>();
  for (const [role, slot] of identity?.roles ?? []) {
    if (/^(conv\d+_\d+|fc\d+)\.bias$/.test(role) && "key" in slot) biases.add(slot.key);
  }
  return (keys) => {
    const tensors = keys.flatMap((key) => checkpoint.tensors.get(key) ?? []);
    const sum = (of: readonly Tensor[]): number => of.reduce((total, tensor) => total + product(tensor.shape), 0);
    const own = tensors.filter((tensor) => kindOf(tensor) === "parameter");
    const norm = own.length > 0 && own.every((tensor) => longAxes(tensor) <= 1) && !own.some((tensor) => biases.has(tensor.name));
    const isBias = (tensor: Tensor): boolean => biases.has(tensor.name) || (!norm && longAxes(tensor) <= 1 && namedBias(tensor));
    const parameters = sum(own);
    const biased = sum(own.filter(isBias));
    return {
      parameters,
      weights: sum(own.filter((tensor) => tensor.shape.length > 1 && !isBias(tensor))),
      biases: biased,
      statistics: sum(tensors.filter((tensor) => kindOf(tensor) === "buffer")),
      bytes: own.reduce((total, tensor) => total + (isNumeric(tensor) ? product(tensor.shape) * itemsize(tensor.dtype) : 0), 0),
      norm,
    };
  };
}

function longAxes(tensor: Tensor): number {
  return tensor.shape.filter((size) => size !== 1).length;
}

/** A vector beside a weight; where its name is a number, it is not the first. */
function namedBias(tensor: Tensor): boolean {
  const leaf = parseName(tensor.label ?? tensor.name).leaf;
  return leaf === "bias" || leaf === undefined || leaf === 1 || leaf === 2;
}
