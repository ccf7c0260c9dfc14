import { plainAxes } from "../tensor/axes.ts";
import type { NumericDType } from "../tensor/dtype.ts";
import type { TensorSpec } from "../writers/layout.ts";
import type { Fill, Move } from "./plan-types.ts";

/** A getter that all of them share takes no room in any. */
const fills = {
  enumerable: true,
  get(this: CarriedMove): readonly Fill[] {
    return [{ formula: "value", from: [{ key: this.to, axes: plainAxes(this.toShape.length), shape: this.toShape }] }];
  },
};

/**
 * The move of a tensor of no role, under its own name and with its own axes. A class that makes up its fills as they are asked for, since a
 * checkpoint may have a hundred thousand: written out, each takes three times its name.
 */
export class CarriedMove implements Move, TensorSpec {
  // Set in the order in which JSON has them.
  declare readonly to: string;
  declare readonly toShape: readonly number[];
  declare readonly toDtype: NumericDType;
  declare readonly move: Move["move"];
  declare readonly fills: readonly Fill[];

  constructor(name: string, shape: readonly number[], dtype: NumericDType, move: Move["move"]) {
    this.to = name;
    this.toShape = shape;
    this.toDtype = dtype;
    this.move = move;
    Object.defineProperty(this, "fills", fills);
  }

  get key(): string {
    return this.to;
  }

  get shape(): readonly number[] {
    return this.toShape;
  }

  get dtype(): NumericDType {
    return this.toDtype;
  }
}

/** The target tensor of a move, as a writer needs to know it. */
export function specOf(move: Move): TensorSpec {
  if (move instanceof CarriedMove) return move;
  const role = move.fills[0]?.role;
  return { key: move.to, dtype: move.toDtype, shape: move.toShape, ...(role === undefined ? {} : { role }) };
}
