import { CheckpointError } from "../errors.ts";
import { elementCount } from "./shape.ts";

/**
 * A layout in einops notation: one entry for each axis of the stored array, outermost first, naming the elementary axes
 * that it is composed of, slowest first. `(h w i) o` is [[h, w, i], [o]]; `1` is an axis of size 1 made of none: [].
 */
export type Pattern = readonly (readonly string[])[];

/** Sizes of elementary axes. A key of several names, "h w", is the product of axes whose own sizes are not known. */
export type AxisSizes = ReadonlyMap<string, number>;

const token = /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(1)|([()]))/y;

/** Throws `usage` where the text is no pattern or names an axis twice. */
export function parsePattern(text: string): Pattern {
  const groups: string[][] = [];
  const seen = new Set<string>();
  let open: string[] | undefined;
  let at = 0;
  const end = text.trimEnd().length;
  while (at < end) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) throw bad(text, `unexpected "${text.slice(at).trim().charAt(0)}"`);
    at = token.lastIndex;
    const [, name, one, bracket] = match;
    if (name !== undefined) {
      if (seen.has(name)) throw bad(text, `${name} stands twice`);
      seen.add(name);
      if (open === undefined) groups.push([name]);
      else open.push(name);
    } else if (one !== undefined) {
      if (open === undefined) groups.push([]);
    } else if (bracket === "(" && open === undefined) {
      open = [];
    } else if (bracket === ")" && open !== undefined) {
      groups.push(open);
      open = undefined;
    } else {
      throw bad(text, "brackets do not match");
    }
  }
  if (open !== undefined) throw bad(text, "brackets do not match");
  return groups;
}

function bad(text: string, why: string): CheckpointError {
  return new CheckpointError("usage", `axes "${text}": ${why}, needed names like "h w i o" or "(h w i) o"`);
}

export function formatPattern(pattern: Pattern): string {
  return pattern.map((names) => (names.length === 0 ? "1" : names.length === 1 ? names.join("") : `(${names.join(" ")})`)).join(" ");
}

/** Names for axes of which nothing is known: `d0 d1 d2`. */
export function plainAxes(rank: number): string {
  return Array.from({ length: rank }, (_, axis) => `d${axis}`).join(" ");
}

/** One array of a layout: what `axisSizes` derives sizes from. */
export interface Laid {
  readonly pattern: Pattern;
  readonly shape: readonly number[];
}

/**
 * The sizes of all axes that a shape and the sizes known beforehand determine, known ones included. Neighbours whose own
 * sizes stay open (h, w in `(h w i)` with i known) are kept as one entry, "h w": a move that leaves them together needs
 * no more. Throws `mismatch` where shape and pattern contradict each other.
 */
export function axisSizes(pattern: Pattern | string, shape: readonly number[], known: AxisSizes = new Map()): AxisSizes {
  return jointSizes([{ pattern: typeof pattern === "string" ? parsePattern(pattern) : pattern, shape }], known);
}

/** `axisSizes` of several arrays that share their axes (the two sides of a move): what one leaves open another may say. */
export function jointSizes(sides: readonly Laid[], known: AxisSizes = new Map()): AxisSizes {
  const sizes = new Map(known);
  for (const { pattern, shape } of sides) {
    if (pattern.length !== shape.length) {
      throw new CheckpointError(
        "mismatch",
        `shape [${shape.join(", ")}] has ${shape.length} axes, "${formatPattern(pattern)}" has ${pattern.length}`,
      );
    }
    elementCount(shape);
  }
  while (true) {
    const open = sides.flatMap((side) => side.pattern.flatMap((names, axis) => settle(names, side.shape[axis] ?? 1, sizes)));
    if (open.includes("settled")) continue;
    // Nothing more follows from single axes: the shortest run of open neighbours becomes one axis, then look again.
    const runs = open.filter((entry) => entry !== "settled").sort((x, y) => x.names.length - y.names.length);
    const run = runs[0];
    if (run === undefined) return sizes;
    sizes.set(run.names.join(" "), run.size);
  }
}

interface OpenRun {
  readonly names: readonly string[];
  readonly size: number;
}

/** What one stored axis says: nothing new, a size ("settled"), or a run of neighbours whose product alone it gives. */
function settle(names: readonly string[], size: number, sizes: Map<string, number>): readonly ("settled" | OpenRun)[] {
  let rest = size;
  const open: string[][] = [];
  let gap = true;
  for (const unit of units(names, sizes)) {
    if (unit.size === undefined) {
      if (gap) open.push([]);
      open.at(-1)?.push(unit.name);
      gap = false;
    } else {
      gap = true;
      if (unit.size === 0 ? rest !== 0 : rest % unit.size !== 0) throw contradiction(names, size, sizes);
      rest = unit.size === 0 ? 1 : rest / unit.size;
    }
  }
  const first = open[0];
  if (first === undefined) {
    if (rest !== 1) throw contradiction(names, size, sizes);
    return [];
  }
  const all = open.flat();
  if (all.length === 1 || rest === 1) {
    for (const name of all) sizes.set(name, rest);
    return ["settled"];
  }
  // Open axes on both sides of a known one: nothing to be said without a size from elsewhere.
  return open.length === 1 ? [{ names: first, size: rest }] : [];
}

function contradiction(names: readonly string[], size: number, sizes: AxisSizes): CheckpointError {
  const told = units(names, sizes).map((unit) => `${unit.name} = ${unit.size ?? "?"}`);
  const axis = names.length === 0 ? "an axis of size 1" : told.join(", ");
  return new CheckpointError("mismatch", `axis of size ${size} found, needed ${axis}`);
}

/** One elementary axis, or neighbours that are kept as one; without a size where it is not known. */
export interface AxisUnit {
  readonly name: string;
  readonly size: number | undefined;
}

/** A stored axis as units: single names where their sizes are known, else the longest run that is known as one. */
export function units(names: readonly string[], sizes: AxisSizes): readonly AxisUnit[] {
  const found: AxisUnit[] = [];
  let at = 0;
  while (at < names.length) {
    let taken = 1;
    let name = names[at] ?? "";
    let size = sizes.get(name);
    for (let end = names.length; size === undefined && end > at + 1; end--) {
      const run = names.slice(at, end).join(" ");
      size = sizes.get(run);
      if (size !== undefined) {
        name = run;
        taken = end - at;
      }
    }
    found.push({ name, size });
    at += taken;
  }
  return found;
}

/** Whether `elementary` finds every size that it needs. */
export function allKnown(pattern: Pattern, sizes: AxisSizes): boolean {
  return pattern.every((names) => units(names, sizes).every(({ size }) => size !== undefined));
}

/** The elementary axes of each stored axis, all sizes known; throws `mismatch` naming those whose size is not. */
export function elementary(pattern: Pattern, sizes: AxisSizes): readonly (readonly { readonly name: string; readonly size: number }[])[] {
  return pattern.map((names) =>
    units(names, sizes).map(({ name, size }) => {
      if (size === undefined) {
        throw new CheckpointError(
          "mismatch",
          `size of axis ${name} in "${formatPattern(pattern)}" is not known, needed it to reorder values`,
        );
      }
      return { name, size };
    }),
  );
}

/** The shape of an array laid out by `pattern`; throws `mismatch` where a size is not known. */
export function shapeFor(pattern: Pattern | string, sizes: AxisSizes): readonly number[] {
  const parsed = typeof pattern === "string" ? parsePattern(pattern) : pattern;
  return elementary(parsed, sizes).map((axes) => axes.reduce((product, axis) => product * axis.size, 1));
}
