/** Chunks that lie together, counted in chunks along each axis. */
export interface ChunkBox {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

/**
 * The chunks of a grid that are not in `written` (places in the grid, none twice), as boxes: as many as the written ones cut the grid
 * into, however many chunks are in them. A dataset of a million chunks of which none was written is one box.
 */
export function absentBoxes(grid: readonly number[], written: readonly (readonly number[])[]): readonly ChunkBox[] {
  const boxes: ChunkBox[] = [];
  const sorted = written.toSorted(byPlace);
  /** Of `sorted`, `from` to `to` have the same place along the axes before `axis`: `before`. */
  const cut = (axis: number, before: readonly number[], from: number, to: number): void => {
    const extent = grid[axis];
    if (extent === undefined) return; // one chunk, which was written
    const rest = grid.slice(axis + 1);
    const gap = (first: number, end: number): void => {
      if (first >= end) return;
      boxes.push({ start: [...before, first, ...rest.map(() => 0)], shape: [...before.map(() => 1), end - first, ...rest] });
    };
    let next = 0;
    for (let at = from; at < to; ) {
      const place = sorted[at]?.[axis] ?? 0;
      let end = at;
      while (end < to && sorted[end]?.[axis] === place) end++;
      gap(next, place);
      cut(axis + 1, [...before, place], at, end);
      next = place + 1;
      at = end;
    }
    gap(next, extent);
  };
  cut(0, [], 0, sorted.length);
  return boxes;
}

/** Row-major. */
function byPlace(a: readonly number[], b: readonly number[]): number {
  const axis = a.findIndex((at, k) => at !== b[k]);
  return (a[axis] ?? 0) - (b[axis] ?? 0);
}
