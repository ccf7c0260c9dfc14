import { shortened } from "../text/brief.ts";
import { same } from "./style.ts";
import { displayWidth } from "./width.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Cells may be shortened in the middle: to this many characters before columns are left out, to `fewest` where that is not enough. */
  readonly least?: number;
  /** What all its cells begin with, as far as it says nothing: it goes first where a cell is shortened. */
  readonly repeats?: string;
  /** May be left out where the width does not hold all: the highest number goes first. */
  readonly spare?: number;
}

type Row = readonly string[];

/** Gone through twice: rows that are made as they are asked for are never all there, and a checkpoint may have a hundred thousand. */
export type Rows = Iterable<Row>;

const gap = "  ";

/** No cell is shortened to less: both ends of a name still tell something. */
const fewest = 12;

type Title = (text: string) => string;

/** Rows under titles, without a frame, within `width` columns where that can be: easy to read, and easy to cut with other tools. */
export function table(columns: readonly Column[], rows: Rows, title: Title, width = Number.POSITIVE_INFINITY): string {
  return [...tableBlocks(columns, rows, title, width)].join("\n");
}

/** The same, some lines at a time. */
export function* tableBlocks(columns: readonly Column[], rows: Rows, title: Title, width: number): Generator<string> {
  yield* padded(fitColumns(columns, measured(columns, rows), width), rows, title);
}

/** Columns of the terminal that the longest cell of each column takes, or its title. */
function measured(columns: readonly Column[], rows: Rows): readonly number[] {
  const natural = columns.map((column) => column.title.length);
  for (const row of rows) {
    row.forEach((cell, k) => {
      natural[k] = Math.max(natural[k] ?? 0, displayWidth(cell));
    });
  }
  return natural;
}

/** A column that is shown: its place in the row, and the columns of the terminal it may take. */
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
  if (column.least === undefined || displayWidth(cell) <= size) return cell;
  const { repeats = "" } = column;
  return shortened(repeats.length > 1 && cell.startsWith(repeats) ? `…${cell.slice(repeats.length)}` : cell, size);
}

/** Lines are joined this many at a time: single strings take several times the memory of their characters. */
const BLOCK = 256;

function* padded(shown: readonly Shown[], rows: Rows, title: Title): Generator<string> {
  const lines = [lineOf(shown, ({ column }) => column.title, title)];
  for (const row of rows) {
    if (lines.length >= BLOCK) yield lines.splice(0).join("\n");
    lines.push(...linesOf(shown, row));
  }
  yield lines.join("\n");
}

/** A row is one line, or as many as its tallest cell has. */
function* linesOf(shown: readonly Shown[], row: Row): Generator<string> {
  const cells = shown.map((column) => cellOf(row, column).split("\n"));
  const height = Math.max(...cells.map((cell) => cell.length));
  for (let k = 0; k < height; k++) yield lineOf(shown, (_, place) => cells[place]?.[k] ?? "", same);
}

function lineOf(shown: readonly Shown[], cell: (column: Shown, place: number) => string, paint: (text: string) => string): string {
  return shown
    .map((column, place) => {
      const text = cell(column, place);
      const space = " ".repeat(Math.max(0, column.size - displayWidth(text)));
      return column.column.align === "right" ? space + paint(text) : paint(text) + space;
    })
    .join(gap)
    .trimEnd();
}
