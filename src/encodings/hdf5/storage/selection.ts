import { CheckpointError } from "../../../errors.ts";
import type { Fields } from "../bytes.ts";

/** A stretch of one axis: first index and length. */
export interface Stretch {
  readonly start: number;
  readonly length: number;
}

/** What is chosen of a dataset: all combinations of the stretches of each axis, in row-major order. "all": everything. */
export type Selection = "all" | "none" | readonly (readonly Stretch[])[];

/** Stretches of one axis, and blocks that are listed one by one; more is no layout that anybody wrote by hand. */
const most = 65_536;

/**
 * A dataspace selection as virtual datasets keep it (H5S_SELECT_SERIALIZE): u32 kind (0 none, 1 points, 2 hyperslab, 3 all), u32 version,
 * then by kind. Throws `unsupported` for points, unlimited ones and blocks that are no combination of stretches.
 */
export function readSelection(fields: Fields): Selection {
  const kind = fields.u32();
  const version = fields.u32();
  if (kind === 0 || kind === 3) {
    fields.skip(8);
    return kind === 0 ? "none" : "all";
  }
  if (kind !== 2) return fields.unsupported(`a selection of kind ${kind} is not read`);
  if (version === 1) {
    fields.skip(8);
    return readBlocks(fields, fields.u32(), 4);
  }
  if (version !== 2 && version !== 3) return fields.unsupported(`a selection of version ${version} is not read`);
  const regular = fields.u8() % 2 === 1;
  const width = version === 2 ? 8 : fields.u8();
  if (version === 2) fields.skip(4);
  if (width !== 2 && width !== 4 && width !== 8) fields.fail(`numbers of ${width} bytes`);
  const rank = fields.u32();
  return regular ? readRegular(fields, rank, width) : readBlocks(fields, rank, width);
}

/** For each axis: start, stride, count, block. */
function readRegular(fields: Fields, rank: number, width: number): Selection {
  checkRank(fields, rank);
  return Array.from({ length: rank }, () => {
    const [start, stride, count, block] = [0, 0, 0, 0].map(() => limited(fields, width));
    if (start === undefined || stride === undefined || count === undefined || block === undefined) return [];
    if (count <= 1 || stride === block) return [{ start, length: count * block }];
    if (count > most) throw new CheckpointError("unsafe", `${count} stretches of one axis, at most ${most} are followed`);
    return Array.from({ length: count }, (_, k) => ({ start: start + k * stride, length: block }));
  });
}

/** Number of blocks, then of each the first and the last index along every axis. */
function readBlocks(fields: Fields, rank: number, width: number): Selection {
  checkRank(fields, rank);
  const count = fields.uint(width);
  if (count > most) throw new CheckpointError("unsafe", `${count} blocks, at most ${most} are followed`);
  const axes = Array.from({ length: rank }, () => new Map<number, Stretch>());
  for (let block = 0; block < count; block++) {
    const first = Array.from({ length: rank }, () => fields.uint(width));
    for (const [axis, start] of first.entries()) axes[axis]?.set(start, { start, length: fields.uint(width) - start + 1 });
  }
  const lists = axes.map((stretches) => [...stretches.values()].sort((a, b) => a.start - b.start));
  // Blocks of a grid; others (two corners of a square) are no combination.
  if (lists.reduce((product, list) => product * list.length, 1) !== count) fields.unsupported("an irregular selection is not read");
  return lists.map(joined);
}

/** Neighbours as one. */
function joined(stretches: readonly Stretch[]): readonly Stretch[] {
  const out: Stretch[] = [];
  for (const stretch of stretches) {
    const last = out.at(-1);
    if (last !== undefined && last.start + last.length === stretch.start)
      out[out.length - 1] = { start: last.start, length: last.length + stretch.length };
    else out.push(stretch);
  }
  return out;
}

function checkRank(fields: Fields, rank: number): void {
  if (rank < 1 || rank > 32) fields.fail(`a selection of ${rank} axes`);
}

/** All bits set: as many as there are, which depends on files that may yet be written. */
function limited(fields: Fields, width: number): number {
  const bytes = fields.take(width);
  if (bytes.every((byte) => byte === 0xff)) return fields.unsupported("an unlimited selection is not read");
  fields.position -= width;
  return fields.uint(width);
}
