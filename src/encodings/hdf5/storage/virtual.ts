import { CheckpointError } from "../../../errors.ts";
import type { Part } from "../../../tensor/tensor.ts";
import { Fields, type Hdf5Layout } from "../bytes.ts";
import { checksumSize, compareChecksum, lookup3 } from "../checksum.ts";
import type { Hdf5Type } from "../datatype.ts";
import { has } from "../object-header.ts";
import { readSelection, type Selection, type Stretch } from "./selection.ts";

/** What a virtual dataset is made of: datasets of this file ("." or the same name) or of files beside it. */
export interface VirtualParts {
  readonly type: Hdf5Type;
  readonly shape: readonly number[] | null;
  parts(): Promise<readonly Part[]>;
}

export type FindSource = (file: string, path: string) => Promise<VirtualParts>;

/** Boxes of all mappings together. */
const mostBoxes = 65_536;
const mostMappings = 65_536;

interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/**
 * The parts of a virtual dataset: those of its sources, cut to what is chosen of them and moved to where it is chosen for. `block` is its
 * list of mappings in the global heap: u8 version, count, and for each its names (`readNames`), selection there, selection here; u32
 * checksum.
 * `filled` makes the parts that no source covers.
 */
export async function virtualParts(
  layout: Hdf5Layout,
  block: Uint8Array,
  own: { readonly type: Hdf5Type; readonly shape: readonly number[] },
  find: FindSource,
  filled: (start: readonly number[], shape: readonly number[]) => Part,
): Promise<readonly Part[]> {
  const fields = contentOf(new Fields(block, layout, 0, "virtual dataset"), layout);
  const version = fields.u8();
  if (version > 1) return fields.unsupported(`version ${version} of the list of mappings is not read`);
  const count = fields.length();
  if (count > mostMappings) throw new CheckpointError("unsafe", `${count} mappings, at most ${mostMappings} are followed`);
  const parts: Part[] = [];
  const before: Names[] = [];
  let open: readonly Box[] = [{ start: own.shape.map(() => 0), shape: own.shape }];
  let boxes = 0;
  for (let k = 0; k < count; k++) {
    const names = readNames(fields, version, before);
    const { file, path } = names;
    before.push(names);
    const [there, here] = [readSelection(fields), readSelection(fields)];
    if (there === "none" || here === "none") continue;
    if (file.includes("%")) fields.unsupported(`the pattern ${file} of files is not followed`);
    const source = await find(file, path);
    if (source.shape === null || JSON.stringify(plain(source.type)) !== JSON.stringify(plain(own.type))) {
      fields.unsupported(`${path} has elements of another type than the virtual dataset`);
    }
    const stored = await source.parts();
    for (const pair of pairs(axesOf(there, source.shape ?? [], fields), axesOf(here, own.shape, fields), fields)) {
      boxes++;
      if (boxes > mostBoxes) throw new CheckpointError("unsafe", `more than ${mostBoxes} pieces of virtual datasets`);
      parts.push(...stored.flatMap((part) => cut(part, pair) ?? []));
      open = open.flatMap((box) => without(box, pair.here));
      if (open.length > mostBoxes) throw new CheckpointError("unsafe", `more than ${mostBoxes} pieces of virtual datasets`);
    }
  }
  return [...parts, ...open.map((box) => filled(box.start, box.shape))];
}

/** What comes before the checksum. */
function contentOf(block: Fields, layout: Hdf5Layout): Fields {
  const content = block.sub(Math.max(0, block.remaining - checksumSize), block.what);
  compareChecksum(layout, block, block.u32(), lookup3(content.bytes));
  return content;
}

/** Where a mapping takes its elements from. */
interface Names {
  /** ".": this file. */
  readonly file: string;
  readonly path: string;
}

/**
 * Version 0: file name, dataset name. Version 1 (HDF5 2.0): u8 flags before them. Bit 2: it is this file, and no name follows. Bits 0 and
 * 1: instead of the name of the file, of the dataset, the number of an earlier mapping with the same one.
 */
function readNames(fields: Fields, version: number, before: readonly Names[]): Names {
  const flags = version === 0 ? 0 : fields.u8();
  const earlier = (): Names => {
    const number = fields.length();
    return before[number] ?? fields.fail(`it refers to mapping ${number}, of which ${before.length} came before`);
  };
  const file = has(flags, 4) ? "." : has(flags, 1) ? earlier().file : fields.text();
  return { file, path: has(flags, 2) ? earlier().path : fields.text() };
}

function plain(type: Hdf5Type): unknown {
  return { ...type, values: undefined };
}

function axesOf(selection: Exclude<Selection, "none">, shape: readonly number[], fields: Fields): readonly (readonly Stretch[])[] {
  if (selection === "all") return shape.map((length) => [{ start: 0, length }]);
  if (selection.length !== shape.length) fields.fail(`a selection of ${selection.length} axes in a dataset of ${shape.length}`);
  const beyond = selection.some((stretches, axis) => stretches.some(({ start, length }) => start + length > (shape[axis] ?? 0)));
  return beyond ? fields.fail(`a selection reaches beyond the extents ${shape.join("x")}`) : selection;
}

/** A box of the source, and where it goes: `axes[k]` is the source's axis for axis k here, undefined where here has one place. */
interface Pair {
  readonly there: Box;
  readonly here: Box;
  readonly axes: readonly (number | undefined)[];
}

/** Axes of one place are passed over on both sides; the others must agree in their order and length. */
function pairs(there: readonly (readonly Stretch[])[], here: readonly (readonly Stretch[])[], fields: Fields): readonly Pair[] {
  const long = (axes: readonly (readonly Stretch[])[]): readonly number[] =>
    axes.flatMap((stretches, axis) => (total(stretches) === 1 ? [] : [axis]));
  const [from, to] = [long(there), long(here)];
  const fits = from.length === to.length && from.every((axis, k) => total(there[axis] ?? []) === total(here[to[k] ?? -1] ?? []));
  if (!fits) fields.unsupported("selections of different shapes are not read");
  const axes = here.map((_, axis) => from[to.indexOf(axis)]);
  let boxes: readonly Pair[] = [
    {
      axes,
      there: { start: there.map(([first]) => first?.start ?? 0), shape: there.map(() => 1) },
      here: { start: here.map(([first]) => first?.start ?? 0), shape: here.map(() => 1) },
    },
  ];
  for (const [k, axis] of from.entries()) {
    const at = to[k] ?? 0;
    const steps = common(there[axis] ?? [], here[at] ?? []);
    if (boxes.length * steps.length > mostBoxes) throw new CheckpointError("unsafe", `more than ${mostBoxes} pieces of virtual datasets`);
    boxes = boxes.flatMap((pair) =>
      steps.map(([a, b, length]) => ({ axes, there: along(pair.there, axis, a, length), here: along(pair.here, at, b, length) })),
    );
  }
  return boxes;
}

function total(stretches: readonly Stretch[]): number {
  return stretches.reduce((sum, { length }) => sum + length, 0);
}

function along({ start, shape }: Box, axis: number, first: number, length: number): Box {
  return { start: start.with(axis, first), shape: shape.with(axis, length) };
}

/** Both lists cut where either is: first index there, first index here, length. */
function common(there: readonly Stretch[], here: readonly Stretch[]): readonly (readonly [number, number, number])[] {
  const steps: [number, number, number][] = [];
  let [i, j, usedThere, usedHere] = [0, 0, 0, 0];
  for (let a = there[i], b = here[j]; a !== undefined && b !== undefined; a = there[i], b = here[j]) {
    const length = Math.min(a.length - usedThere, b.length - usedHere);
    if (length > 0) steps.push([a.start + usedThere, b.start + usedHere, length]);
    usedThere += length;
    usedHere += length;
    if (usedThere === a.length) [i, usedThere] = [i + 1, 0];
    if (usedHere === b.length) [j, usedHere] = [j + 1, 0];
  }
  return steps;
}

/** What of a part of the source is in the box, at its place in the virtual dataset; undefined where nothing is. */
function cut(part: Part, { there, here, axes }: Pair): Part | undefined {
  const low = there.start.map((start, axis) => Math.max(start, part.start[axis] ?? 0));
  const high = there.start.map((start, axis) =>
    Math.min(start + (there.shape[axis] ?? 0), (part.start[axis] ?? 0) + (part.shape[axis] ?? 0)),
  );
  if (low.some((first, axis) => first >= (high[axis] ?? 0))) return undefined;
  const offset = low.reduce((at, first, axis) => at + (first - (part.start[axis] ?? 0)) * (part.strides[axis] ?? 0), part.offset);
  return {
    source: part.source,
    offset,
    start: here.start.map((first, axis) => {
      const from = axes[axis];
      return from === undefined ? first : first + (low[from] ?? 0) - (there.start[from] ?? 0);
    }),
    shape: axes.map((from) => (from === undefined ? 1 : (high[from] ?? 0) - (low[from] ?? 0))),
    strides: axes.map((from) => (from === undefined ? 0 : (part.strides[from] ?? 0))),
  };
}

/** What is left of a box when another is taken out of it: at most two boxes an axis. */
function without(box: Box, taken: Box): readonly Box[] {
  const low = box.start.map((start, axis) => Math.max(start, taken.start[axis] ?? 0));
  const high = box.start.map((start, axis) =>
    Math.min(start + (box.shape[axis] ?? 0), (taken.start[axis] ?? 0) + (taken.shape[axis] ?? 0)),
  );
  if (low.some((first, axis) => first >= (high[axis] ?? 0))) return [box];
  const left: Box[] = [];
  let rest = box;
  for (const [axis, first] of low.entries()) {
    const [start, end] = [rest.start[axis] ?? 0, (rest.start[axis] ?? 0) + (rest.shape[axis] ?? 0)];
    const last = high[axis] ?? 0;
    if (first > start) left.push(along(rest, axis, start, first - start));
    if (last < end) left.push(along(rest, axis, last, end - last));
    rest = along(rest, axis, first, last - first);
  }
  return left;
}
