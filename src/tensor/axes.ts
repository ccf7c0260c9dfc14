import { CheckpointError } from "../errors.ts";
import { elementCount } from "./shape.ts";

/** One entry for each axis of a stored array, outermost first: the elementary axes that it is composed of, slowest first. */
type Groups = readonly (readonly string[])[];

/**
 * The axes of a stored array, written as einops writes them: `(h w i) o` has the groups [[h, w, i], [o]]; `1` is an axis of size 1 made of
 * none: []. Made by `parseAxes` and `axesOf`, and carried instead of the text: in JSON and in sentences it is the text again.
 */
export class Axes {
  readonly text: string;
  readonly groups: Groups;
  /** All elementary axes, outermost first. */
  readonly names: readonly string[];

  constructor(text: string, groups: Groups) {
    this.text = text;
    this.groups = groups;
    this.names = groups.flat();
  }

  /** Whether `name` is a stored axis by itself, as h is of `h w i o` and not of `(h w i) o`. */
  alone(name: string): boolean {
    return this.groups.some((names) => names.length === 1 && names[0] === name);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Sizes of elementary axes. A key of several names, "h w", is the product of axes whose own sizes are not known. */
export type AxisSizes = ReadonlyMap<string, number>;

const token = /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(1)|([()]))/y;

/** A conversion names some ten layouts; texts from files are kept no longer than so many others. */
const mostKept = 1000;
const kept = new Map<string, Axes>();

/** The same text gives the same value, parsed once. Throws `usage` where it is no pattern or names an axis twice. */
export function parseAxes(text: string): Axes {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const made = new Axes(text, parse(text));
  if (kept.size >= mostKept) kept.clear();
  kept.set(text, made);
  return made;
}

/** Axes from their groups. */
export function axesOf(groups: Groups): Axes {
  return parseAxes(
    groups.map((names) => (names.length === 1 ? names.join("") : names.length === 0 ? "1" : `(${names.join(" ")})`)).join(" "),
  );
}

function parse(text: string): Groups {
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
      if (seen.has(name)) throw bad(text, `${name} occurs twice`);
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

/** Names for axes of which nothing is known: `d0 d1 d2`. */
export function plainAxes(rank: number): Axes {
  return axesOf(Array.from({ length: rank }, (_, axis) => [`d${axis}`]));
}

/** What a function takes that is called with a layout written in the code. */
export function asAxes(axes: Axes | string): Axes {
  return typeof axes === "string" ? parseAxes(axes) : axes;
}

/** One array of a layout: what `axisSizes` derives sizes from. */
export interface Laid {
  readonly axes: Axes;
  readonly shape: readonly number[];
}

/**
 * The sizes of all axes that a shape and the sizes known beforehand determine, known ones included. Neighbours whose own
 * sizes stay open (h, w in `(h w i)` with i known) are kept as one entry, "h w": a move that leaves them together needs
 * no more. Throws `mismatch` where shape and pattern contradict each other.
 */
export function axisSizes(axes: Axes | string, shape: readonly number[], known: AxisSizes = new Map()): AxisSizes {
  return jointSizes([{ axes: asAxes(axes), shape }], known);
}

/** `axisSizes` of several arrays that share their axes (the two sides of a move): what one leaves open another may say. */
export function jointSizes(sides: readonly Laid[], known: AxisSizes = new Map()): AxisSizes {
  const sizes = new Map(known);
  for (const { axes, shape } of sides) {
    const rank = axes.groups.length;
    if (rank !== shape.length) {
      throw new CheckpointError("mismatch", `shape [${shape.join(", ")}] has ${shape.length} axes, "${axes.text}" has ${rank}`);
    }
    elementCount(shape);
  }
  while (true) {
    const open = sides.flatMap((side) => side.axes.groups.flatMap((names, axis) => settle(names, side.shape[axis] ?? 1, sizes)));
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

/** The sizes, and 1 for those of the axes that they say nothing of: the h and w of a dense layer kept as a convolution. */
export function withOnes(axes: Axes, sizes: AxisSizes): AxisSizes {
  const known = new Set([...sizes.keys()].flatMap((name) => name.split(" ")));
  const absent = axes.names.filter((name) => !known.has(name));
  return absent.length === 0 ? sizes : new Map([...sizes, ...absent.map((name) => [name, 1] as const)]);
}

/** Whether `elementary` finds every size that it needs. */
export function allKnown(axes: Axes, sizes: AxisSizes): boolean {
  return axes.groups.every((names) => units(names, sizes).every(({ size }) => size !== undefined));
}

/** The elementary axes of each stored axis, all sizes known; throws `mismatch` naming those whose size is not. */
export function elementary(axes: Axes, sizes: AxisSizes): readonly (readonly { readonly name: string; readonly size: number }[])[] {
  return axes.groups.map((names) =>
    units(names, sizes).map(({ name, size }) => {
      if (size === undefined) {
        throw new CheckpointError("mismatch", `size of axis ${name} in "${axes.text}" is not known, needed it to reorder values`);
      }
      return { name, size };
    }),
  );
}

/** The shape of an array with these axes; throws `mismatch` where a size is not known. */
export function shapeFor(axes: Axes | string, sizes: AxisSizes): readonly number[] {
  return elementary(asAxes(axes), sizes).map((group) => group.reduce((product, axis) => product * axis.size, 1));
}
