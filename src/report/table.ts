import Table from "cli-table3";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

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
const frameless = { ...empty, left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "  " };

/** Rows under titles, without a frame: readable at 80 columns, and easy to cut with other tools. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], title: (text: string) => string): string {
  const drawn = new Table({
    head: columns.map((column) => title(column.title)),
    colAligns: columns.map((column) => column.align ?? "left"),
    chars: frameless,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) drawn.push([...row]);
  return drawn
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
