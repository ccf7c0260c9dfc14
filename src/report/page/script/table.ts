import { type Child, element } from "./dom.ts";

export interface SortedColumn<Row> {
  readonly title: string;
  readonly numeric?: boolean;
  /** What rows are sorted by; not sorted by where absent. */
  readonly key?: (row: Row) => number | string;
  readonly cell: (row: Row) => Child;
}

export interface SortedOptions<Row> {
  readonly caption: string;
  readonly columns: readonly SortedColumn<Row>[];
  readonly rows: readonly Row[];
  /** What is shown below a row when its first cell is pressed. */
  readonly detail?: (row: Row) => Node;
  /** Texts that the filter looks in. */
  readonly words?: (row: Row) => readonly string[];
}

/** Rows that are made at once: browsers take long over more. */
const PAGE = 200;

/** A table whose titles sort it, with a filter above it; the arrow keys move from row to row. */
export function sortedTable<Row>({ caption, columns, rows, detail, words }: SortedOptions<Row>): HTMLElement {
  let order = { column: -1, down: false };
  let shown = PAGE;
  let wanted = "";
  const body = element("tbody", {});
  const status = element("p", { class: "faint", attributes: { role: "status" } });
  const more = element("button", { attributes: { type: "button" } }, "Show more rows");

  const matching = (): readonly Row[] => {
    const needle = wanted.toLowerCase();
    const found = needle === "" ? [...rows] : rows.filter((row) => words?.(row).some((word) => word.toLowerCase().includes(needle)));
    const key = columns[order.column]?.key;
    if (key === undefined) return found;
    const sorted = found.toSorted((a, b) => compare(key(a), key(b)));
    return order.down ? sorted.reverse() : sorted;
  };

  const draw = (): void => {
    const found = matching();
    body.replaceChildren(...found.slice(0, shown).map((row) => rowElement(row, columns, detail)));
    more.hidden = found.length <= shown;
    status.textContent = found.length === rows.length ? `${rows.length} rows` : `${found.length} of ${rows.length} rows`;
  };

  const titles = columns.map((column, k) => {
    const title = element("th", { class: column.numeric === true ? "number" : "", attributes: { scope: "col" } });
    if (column.key === undefined) {
      title.append(column.title);
      return title;
    }
    const button = element("button", { attributes: { type: "button" } }, column.title);
    button.addEventListener("click", () => {
      order = { column: k, down: order.column === k && !order.down };
      for (const [other, cell] of titles.entries()) {
        if (other === k) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      }
      draw();
    });
    title.append(button);
    return title;
  });
  more.addEventListener("click", () => {
    shown += PAGE;
    draw();
  });
  body.addEventListener("keydown", moveByArrows);
  draw();

  const controls = element("div", { class: "controls" });
  if (words !== undefined) {
    const input = element("input", { attributes: { type: "search", spellcheck: "false" } });
    input.addEventListener("input", () => {
      wanted = input.value;
      shown = PAGE;
      draw();
    });
    controls.append(element("label", {}, "Filter ", input));
  }
  controls.append(status);
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...titles)), body);
  const region = element("div", { class: "scroll", attributes: { tabindex: "0", role: "region", "aria-label": caption } }, table);
  table.setAttribute("aria-label", caption);
  return element("div", {}, element("p", { class: "faint" }, caption), controls, region, more);
}

function rowElement<Row>(row: Row, columns: readonly SortedColumn<Row>[], detail: SortedOptions<Row>["detail"]): HTMLElement {
  const cells = columns.map((column, k) => {
    const cell = element("td", { class: column.numeric === true ? "number" : k === 0 ? "name" : "" });
    cell.append(k === 0 && detail !== undefined ? opener(column.cell(row), columns.length, () => detail(row)) : column.cell(row));
    return cell;
  });
  return element("tr", {}, ...cells);
}

/** A button that shows the detail below its row, and takes it away again. */
function opener(content: Child, width: number, make: () => Node): HTMLElement {
  const button = element("button", { attributes: { type: "button", "aria-expanded": "false" } }, content);
  button.addEventListener("click", () => {
    const row = button.closest("tr");
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) row?.nextElementSibling?.remove();
    else row?.after(element("tr", {}, element("td", { class: "detail", attributes: { colspan: String(width) } }, make())));
  });
  return button;
}

function moveByArrows(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.currentTarget instanceof HTMLElement)) return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>("button[aria-expanded]")];
  const focused = document.activeElement;
  const at = focused instanceof HTMLElement ? buttons.indexOf(focused) : -1;
  const next = buttons[at + step];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  next.focus();
}

/** Numbers before texts, so that what has no value comes last. */
function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return typeof a === "number" ? -1 : 1;
}
