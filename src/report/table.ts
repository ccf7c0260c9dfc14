import Table from "cli-table3";
import { same, shortened } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Cells may be shortened in the middle: to this many characters before columns are left out, to `fewest` where that is not enough. */
  readonly least?: number;
  /** May be left out where the width does not hold all: the highest number goes first. */
  readonly spare?: number;
}

type Row = readonly string[];

/** Gone through twice: rows that are made as they are asked for are never all there, and a checkpoint may have a hundred thousand. */
export type Rows = Iterable<Row>;

const empty = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
};
const gap = "  ";
const frameless = { ...empty, left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: gap };

/** No cell is shortened to less: both ends of a name still tell something. */
const fewest = 12;

type Title = (text: string) => string;

/** Rows under titles, without a frame, within `width` columns where that can be: easy to read, and easy to cut with other tools. */
export function table(columns: readonly Column[], rows: Rows, title: Title, width = Number.POSITIVE_INFINITY): string {
  return [...tableBlocks(columns, rows, title, width)].join("\n");
}

/** The same, some lines at a time. */
export function* tableBlocks(columns: readonly Column[], rows: Rows, title: Title, width: number): Generator<string> {
  const { natural, narrow } = measured(columns, rows);
  const shown = fitColumns(columns, natural, width);
  if (narrow) yield* padded(shown, rows, title);
  else yield drawn(shown, rows, title);
}

interface Measured {
  /** Characters of the longest cell of each column, or of its title. */
  readonly natural: readonly number[];
  /** Whether each character is known to take one column. */
  readonly narrow: boolean;
}

function measured(columns: readonly Column[], rows: Rows): Measured {
  const natural = columns.map((column) => column.title.length);
  let narrow = true;
  for (const row of rows) {
    row.forEach((cell, k) => {
      const plain = isNarrow(cell);
      natural[k] = Math.max(natural[k] ?? 0, plain ? cell.length : Array.from(cell).length);
      narrow &&= plain;
    });
  }
  return { natural, narrow };
}

/** Latin letters and the signs that this tool writes itself; no escapes. */
function isNarrow(cell: string): boolean {
  return /^[ -~\u00a1-\u00ac\u00ae-\u024f…–—−≤≥→≈]*$/.test(cell);
}

/** A column that is shown: its place in the row, and the characters it may take. */
interface Shown {
  readonly column: Column;
  readonly k: number;
  readonly size: number;
}

/** Leaves columns out and shortens cells until the rows are no wider than `width`, or no more can be done. */
function fitColumns(columns: readonly Column[], natural: readonly number[], width: number): readonly Shown[] {
  const widthOf = (kept: readonly number[], of: (k: number) => number): number =>
    kept.reduce((sum, k) => sum + of(k), gap.length * (kept.length - 1));
  const least = (k: number, floor: number): number =>
    Math.min(natural[k] ?? 0, columns[k]?.least === undefined ? Number.POSITIVE_INFINITY : floor);
  const comfortable = (k: number): number => least(k, columns[k]?.least ?? 0);
  let kept = columns.map((_, k) => k);
  while (widthOf(kept, comfortable) > width) {
    const spare = kept.reduce((most, k) => Math.max(most, columns[k]?.spare ?? 0), 0);
    if (spare === 0) break;
    kept = kept.filter((k) => columns[k]?.spare !== spare);
  }
  const floor = widthOf(kept, comfortable) > width ? (k: number) => least(k, fewest) : comfortable;
  const sizes = [...natural];
  for (let excess = widthOf(kept, (k) => sizes[k] ?? 0) - width; excess > 0; excess--) {
    const [widest] = kept.filter((k) => (sizes[k] ?? 0) > floor(k)).sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
    if (widest === undefined) break;
    sizes[widest] = (sizes[widest] ?? 0) - 1;
  }
  return columns.flatMap((column, k) => (kept.includes(k) ? [{ column, k, size: sizes[k] ?? 0 }] : []));
}

function cellOf(row: Row, { column, k, size }: Shown): string {
  const cell = row[k] ?? "";
  return column.least === undefined || cell.length <= size ? cell : shortened(cell, size);
}

/** Lines are joined this many at a time: single strings take several times the memory of their characters. */
const BLOCK = 256;

/** What `drawn` gives, for cells whose widths are their lengths: cli-table3 takes a third of the time of a plain inspection for it. */
function* padded(shown: readonly Shown[], rows: Rows, title: Title): Generator<string> {
  const line = (cell: (column: Shown) => string, paint: (text: string) => string): string =>
    shown
      .map((column) => {
        const text = cell(column);
        const space = " ".repeat(Math.max(0, column.size - text.length));
        return column.column.align === "right" ? space + paint(text) : paint(text) + space;
      })
      .join(gap)
      .trimEnd();
  const lines = [line(({ column }) => column.title, title)];
  for (const row of rows) {
    if (lines.length === BLOCK) yield lines.splice(0).join("\n");
    lines.push(line((column) => cellOf(row, column), same));
  }
  yield lines.join("\n");
}

/** Cells may hold anything: wide characters, colours, several lines. */
function drawn(shown: readonly Shown[], rows: Rows, title: Title): string {
  const whole = new Table({
    head: shown.map(({ column }) => title(column.title)),
    colAligns: shown.map(({ column }) => column.align ?? "left"),
    chars: frameless,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) whole.push(shown.map((column) => cellOf(row, column)));
  return whole
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
