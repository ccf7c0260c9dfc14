import type { NumericInfo } from "../../model/align/pairs.ts";
import { plainAxes } from "../../tensor/axes.ts";
import type { Move } from "./plan-types.ts";

/** Before the key of a tensor that keeps the value it has in the checkpoint that the output is like. */
const ownPrefix = "like:";

/** The key by which a move draws on such a value. */
export function ownKey(key: string): string {
  return ownPrefix + key;
}

/** Whether a move only repeats such values. */
export function keepsOwn(move: Move): boolean {
  return move.fills.every(({ from }) => from.length > 0 && from.every(({ key }) => key.startsWith(ownPrefix)));
}

export function ownMove({ name, shape, dtype }: NumericInfo): Move {
  return {
    to: name,
    toShape: shape,
    toDtype: dtype,
    move: "copy",
    fills: [{ formula: "value", from: [{ key: ownKey(name), axes: plainAxes(shape.length), shape }] }],
  };
}
