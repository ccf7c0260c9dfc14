import Table from "cli-table3";
import { shortened } from "./style.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Cells may be shortened in the middle: to this many characters before columns are left out, to `fewest` where that is not enough. */
  readonly least?: number;
  /** May be left out where the width does not hold all: the highest number goes first. */
  readonly spare?: number;
}

type Row = readonly string[];

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

/** Rows under titles, without a frame, within `width` columns where that can be: easy to read, and easy to cut with other tools. */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  title: (text: string) => string,
  width = Number.POSITIVE_INFINITY,
): string {
  const fitted = narrowed(columns, rows, width);
  const lines = fitted.rows.every((row) => row.every(isNarrow)) ? padded(fitted, title) : drawn(fitted, title);
  return lines.map((line) => line.trimEnd()).join("\n");
}

interface Fitted {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** Whether every character is known to take one column: Latin letters, the signs that this tool writes itself, and no escapes. */
function isNarrow(cell: string): boolean {
  return /^[ -~\u00a1-\u00ac\u00ae-\u024f…–—−≤≥→≈]*$/.test(cell);
}

/** What `drawn` gives, for cells whose widths are their lengths: cli-table3 takes a third of the time of a plain inspection for it. */
function padded({ columns, rows }: Fitted, title: (text: string) => string): string[] {
  const widths = columns.map((column, k) => rows.reduce((most, row) => Math.max(most, row[k]?.length ?? 0), column.title.length));
  const line = (cell: (k: number) => string, paint = (text: string) => text): string =>
    columns
      .map(({ align }, k) => {
        const space = " ".repeat((widths[k] ?? 0) - cell(k).length);
        return align === "right" ? space + paint(cell(k)) : paint(cell(k)) + space;
      })
      .join(gap);
  return [line((k) => columns[k]?.title ?? "", title), ...rows.map((row) => line((k) => row[k] ?? ""))];
}

/** Cells may hold anything: wide characters, colours, several lines. */
function drawn({ columns, rows }: Fitted, title: (text: string) => string): string[] {
  const whole = new Table({
    head: columns.map((column) => title(column.title)),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: frameless,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) whole.push([...row]);
  return whole.toString().split("\n");
}

/** Leaves columns out and shortens cells until the rows are no wider than `width`, or no more can be done. */
function narrowed(columns: readonly Column[], rows: readonly Row[], width: number): Fitted {
  const natural = columns.map((column, k) => rows.reduce((most, row) => Math.max(most, length(row[k] ?? "")), column.title.length));
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
  const cell = (row: Row, k: number): string => (columns[k]?.least === undefined ? (row[k] ?? "") : shortened(row[k] ?? "", sizes[k] ?? 0));
  return {
    columns: kept.flatMap((k) => columns[k] ?? []),
    rows: rows.map((row) => kept.map((k) => cell(row, k))),
  };
}

function length(text: string): number {
  return Array.from(text).length;
}
