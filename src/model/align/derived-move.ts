import { type Axes, axesOf, parseAxes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";

/** How one array becomes another of the same elements, recognised by axes patterns over the same names. */
export interface DerivedMove {
  readonly kind: "copy" | "reshape" | "transpose";
  readonly from: Axes;
  readonly to: Axes;
}

/** Where an array is kept: a checkpoint. */
export type Home = Pick<Checkpoint, "format" | "conventions">;

interface Shaped {
  readonly shape: readonly number[];
}

/**
 * The move from an array of one format to an array of another, undefined where there is none or where it cannot be known: a square
 * matrix takes the axes of the two frameworks, and has no answer where one of them is unknown.
 */
export function derivedMove(a: Shaped, formatA: Home, b: Shaped, formatB: Home): DerivedMove | undefined {
  if (count(a) !== count(b)) return undefined;
  const from = trimmed(a.shape);
  const to = trimmed(b.shape);
  if (from.length !== to.length) return undefined;
  if (from.length < 2) return plain(a, b);
  // Formats of plain arrays say nothing of their axes.
  const known = [formatA, formatB].map(({ conventions }) => (conventions.plain === true ? undefined : conventions));
  const same = formatA.format === formatB.format;
  if (a.shape.length === 4 && b.shape.length === 4) return fourAxes(a, b, known[0]?.kernel, known[1]?.kernel, same);
  if (from.length === 2) return twoAxes(a, b, known[0]?.matrix, known[1]?.matrix, same);
  return from.join() === to.join() ? plain(a, b) : undefined;
}

function count({ shape }: Shaped): number {
  return shape.reduce((product, n) => product * n, 1);
}

function trimmed(shape: readonly number[]): readonly number[] {
  return shape.filter((n) => n !== 1);
}

/** The same elements in the same order. */
function plain(a: Shaped, b: Shaped): DerivedMove {
  const names = trimmed(a.shape).map((_, k) => `a${k}`);
  return { kind: a.shape.join() === b.shape.join() ? "copy" : "reshape", from: laidAs(a.shape, names), to: laidAs(b.shape, names) };
}

/** A pattern for a shape whose axes larger than 1 have these names. */
function laidAs(shape: readonly number[], names: readonly string[]): Axes {
  let k = 0;
  return axesOf(shape.map((n) => (n === 1 ? [] : names.slice(k, ++k))));
}

/** Matrices, in conv form too: `1 1 i o`. */
function twoAxes(a: Shaped, b: Shaped, matrixA: string | undefined, matrixB: string | undefined, same: boolean): DerivedMove | undefined {
  const from = trimmed(a.shape);
  const straight = from.join() === trimmed(b.shape).join();
  const turned = from.toReversed().join() === trimmed(b.shape).join();
  const order = (shape: Shaped, matrix: string | undefined): string | undefined => (shape.shape.length === 4 ? undefined : matrix);
  const [axesA, axesB] = [order(a, matrixA), order(b, matrixB)];
  const told = same || (axesA !== undefined && axesB !== undefined);
  const crosses = !same && told && axesA !== axesB;
  if (told && a.shape.length === b.shape.length)
    return crosses ? (turned ? transposed(a, b) : undefined) : straight ? plain(a, b) : undefined;
  if (straight && turned) return undefined;
  return straight ? plain(a, b) : turned ? transposed(a, b) : undefined;
}

function transposed(a: Shaped, b: Shaped): DerivedMove {
  return { kind: "transpose", from: laidAs(a.shape, ["a0", "a1"]), to: laidAs(b.shape, ["a1", "a0"]) };
}

function fourAxes(a: Shaped, b: Shaped, kernelA: string | undefined, kernelB: string | undefined, same: boolean): DerivedMove | undefined {
  if (same || (kernelA !== undefined && kernelA === kernelB)) return a.shape.join() === b.shape.join() ? plain(a, b) : undefined;
  const pairs =
    kernelA !== undefined && kernelB !== undefined
      ? [[kernelA, kernelB] as const]
      : ([
          ["o i h w", "h w i o"],
          ["h w i o", "o i h w"],
          ["o i h w", "o i h w"],
        ] as const);
  const fitting = pairs.filter(([from, to]) => laidOut(a.shape, from, to).join() === b.shape.join());
  const [only] = fitting;
  if (only === undefined || fitting.length > 1) return undefined;
  return { kind: only[0] === only[1] ? "copy" : "transpose", from: parseAxes(only[0]), to: parseAxes(only[1]) };
}

/** The shape of an array after its axes were put in another order. */
function laidOut(shape: readonly number[], from: string, to: string): readonly number[] {
  const names = from.split(" ");
  return to.split(" ").map((name) => shape[names.indexOf(name)] ?? 0);
}
