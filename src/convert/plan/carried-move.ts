import type { Described } from "../../model/described.ts";
import { plainAxes } from "../../tensor/axes.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { isQuantised } from "../../tensor/stored.ts";
import type { TensorSpec } from "../../writers/layout.ts";
import type { Fill, Move } from "./plan-types.ts";

/** Getters that all of them share take no room in any; in the order in which JSON has them. */
const fields = {
  to: {
    enumerable: true,
    get(this: CarriedMove): string {
      return this.source.name;
    },
  },
  toShape: {
    enumerable: true,
    get(this: CarriedMove): readonly number[] {
      return this.source.shape;
    },
  },
  toDtype: {
    enumerable: true,
    get(this: CarriedMove): NumericDType {
      return this.dtype;
    },
  },
  move: {
    enumerable: true,
    get(this: CarriedMove): Move["move"] {
      const { stored, dtype } = this.source;
      if (isQuantised(stored)) return "dequantise";
      return dtype === this.dtype ? "copy" : "cast";
    },
  },
  fills: {
    enumerable: true,
    get(this: CarriedMove): readonly Fill[] {
      return [{ formula: "value", from: [{ key: this.to, axes: plainAxes(this.toShape.length), shape: this.toShape }] }];
    },
  },
};

/**
 * The move of a tensor of no role, under its own name and with its own axes. A class that makes up what it says as it is asked for, since a
 * checkpoint may have a hundred thousand: written out, each takes eight times its name.
 */
export class CarriedMove implements Move, TensorSpec {
  declare readonly to: string;
  declare readonly toShape: readonly number[];
  declare readonly toDtype: NumericDType;
  declare readonly move: Move["move"];
  declare readonly fills: readonly Fill[];
  readonly #source: Described;
  readonly #dtype: NumericDType;

  constructor(source: Described, dtype: NumericDType) {
    this.#source = source;
    this.#dtype = dtype;
    Object.defineProperties(this, fields);
  }

  get source(): Described {
    return this.#source;
  }

  get key(): string {
    return this.#source.name;
  }

  get shape(): readonly number[] {
    return this.#source.shape;
  }

  /** In the target. */
  get dtype(): NumericDType {
    return this.#dtype;
  }
}

/** The target tensor of a move, as a writer needs to know it. */
export function specOf(move: Move): TensorSpec {
  if (move instanceof CarriedMove) return move;
  const role = move.fills[0]?.role;
  return { key: move.to, dtype: move.toDtype, shape: move.toShape, ...(role === undefined ? {} : { role }) };
}
