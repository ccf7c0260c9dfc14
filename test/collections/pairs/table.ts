import { readFileSync, writeFileSync } from "node:fs";

/** Counts of one cell: a format of sources, one target. */
export interface Tally {
  tried: number;
  /** Bit for bit. */
  right: number;
  /** As right as values that the plan says are computed can be. */
  rounded: number;
  /** Refused with a sentence. */
  refused: number;
}

export class Counts {
  readonly #cells = new Map<string, Map<string, Tally>>();

  at(row: string, column: string): Tally {
    const cells = this.#cells.get(row) ?? new Map<string, Tally>();
    this.#cells.set(row, cells);
    const cell = cells.get(column) ?? { tried: 0, right: 0, rounded: 0, refused: 0 };
    cells.set(column, cell);
    return cell;
  }

  /** For another process, or from one. */
  rows(): readonly (readonly [row: string, column: string, tally: Tally])[] {
    return [...this.#cells].flatMap(([row, cells]) => [...cells].map(([column, tally]) => [row, column, tally] as const));
  }

  add(row: string, column: string, more: Tally): void {
    const cell = this.at(row, column);
    cell.tried += more.tried;
    cell.right += more.right;
    cell.rounded += more.rounded;
    cell.refused += more.refused;
  }

  total(): Tally {
    const sum: Tally = { tried: 0, right: 0, rounded: 0, refused: 0 };
    for (const cells of this.#cells.values()) {
      for (const { tried, right, rounded, refused } of cells.values()) {
        sum.tried += tried;
        sum.right += right;
        sum.rounded += rounded;
        sum.refused += refused;
      }
    }
    return sum;
  }

  /** Rows are sources' formats, columns targets: right / tried, rounded and refused ones marked. */
  markdown(columns: readonly string[]): string {
    const head = [`| source | ${columns.join(" | ")} |`, `|---|${columns.map(() => "---").join("|")}|`];
    const rows = [...this.#cells]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([row, cells]) => `| ${row} | ${columns.map((column) => shown(cells.get(column))).join(" | ")} |`);
    return [...head, ...rows].join("\n");
  }
}

function shown(cell: Tally | undefined): string {
  if (cell === undefined) return "";
  const { tried, right, rounded, refused } = cell;
  return `${right + rounded}${rounded > 0 ? "ʳ" : ""}/${tried - refused}${refused > 0 ? ` (−${refused})` : ""}`;
}

/** Puts `text` between the two marks of `name` in a page. Throws where the page has no such marks. */
export function replaceBetween(page: string, name: string, text: string): void {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const before = readFileSync(page, "utf8");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no marks for ${name}`);
  writeFileSync(page, `${before.slice(0, from + begin.length)}\n${text}\n${before.slice(to)}`);
}
