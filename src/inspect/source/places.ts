/** Code that is parsed alone: a file, or a cell of a notebook. */
export interface Unit {
  readonly file: string;
  /** From 1, counting all cells; null for a file that has none. */
  readonly cell: number | null;
  readonly text: string;
}

/** Where something is in the files as a person sees them. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly cell: number | null;
  readonly line: number;
  readonly column: number;
}

/** Code of all files one behind the other, so that one number says where something is. */
export class Places {
  readonly #units: { readonly unit: Unit; readonly base: number; lines?: readonly number[] }[] = [];
  #end = 0;

  /** Gives the number at which the unit begins. */
  add(unit: Unit): number {
    const base = this.#end;
    this.#units.push({ unit, base });
    this.#end += unit.text.length + 1;
    return base;
  }

  of(at: number): Place {
    const known = this.#units[lastAtMost(this.#units, at, ({ base }) => base)];
    if (known === undefined) return { file: "", cell: null, line: 1, column: 1 };
    known.lines ??= lineStarts(known.unit.text);
    const offset = at - known.base;
    const line = lastAtMost(known.lines, offset, (start) => start);
    return { file: known.unit.file, cell: known.unit.cell, line: line + 1, column: offset - (known.lines[line] ?? 0) + 1 };
  }
}

/** "line 12", "cell 3, line 4" */
export function placeText({ cell, line }: { readonly cell: number | null; readonly line: number }): string {
  return cell === null ? `line ${line}` : `cell ${cell}, line ${line}`;
}

/** The place of the last item of a sorted list whose key is at most `limit`; 0 where none is. */
function lastAtMost<T>(items: readonly T[], limit: number, key: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && key(item) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/** Lines end with \n, \r\n or \r, as in Python. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const { index, 0: ending } of text.matchAll(/\r\n|\n|\r/g)) starts.push(index + ending.length);
  return starts;
}
