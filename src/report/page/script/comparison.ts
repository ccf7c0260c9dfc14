import type { ComparisonData, ComparisonRow } from "../data.ts";
import { bulletList, element, number, section } from "./dom.ts";
import { meter } from "./meter.ts";
import { sortedTable } from "./table.ts";
import { histogram } from "./tensors.ts";

export function comparisonSection({ other, equal, explanations, rows, onlyA, onlyB, rowLikeness }: ComparisonData): HTMLElement {
  const table = sortedTable<ComparisonRow>({
    caption:
      "How far each tensor is from its counterpart: A is this file, B the other. The bar is logarithmic, from one millionth of the largest value to all of it.",
    rows,
    columns: [
      { title: "Tensor", key: ({ name }) => name, cell: ({ name }) => element("span", { class: "key" }, name) },
      { title: "Move", key: ({ move }) => move, cell: ({ move }) => move },
      {
        title: "Equal",
        key: (row) => String(row.equal),
        cell: (row) => element("span", { class: row.equal ? "good" : "error" }, row.equal ? "yes" : "no"),
      },
      { title: "Distance", cell: ({ maxRel, equal: same }) => meter(maxRel, !same) },
      { title: "Of the largest", numeric: true, key: ({ maxRel }) => maxRel, cell: ({ maxRel }) => number(maxRel) },
      { title: "Largest |A − B|", numeric: true, key: ({ maxAbs }) => maxAbs, cell: ({ maxAbs }) => number(maxAbs) },
      { title: "Mean |A − B|", numeric: true, key: ({ meanAbs }) => meanAbs, cell: ({ meanAbs }) => number(meanAbs) },
      { title: "Cosine", numeric: true, key: ({ cosine }) => cosine, cell: ({ cosine }) => number(cosine) },
      { title: "A − B", cell: ({ name, histogram: counts }) => (counts === undefined ? "" : histogram(counts, `differences of ${name}`)) },
    ],
    words: ({ name }) => [name],
  });
  const verdict = element("p", { class: equal ? "good" : "error" }, equal ? `Equal to ${other}.` : `Not equal to ${other}.`);
  const only = [["Only in this file", onlyA] as const, ["Only in the other", onlyB] as const].flatMap(([title, keys]) =>
    keys.length === 0 ? [] : [element("details", {}, element("summary", {}, `${title}: ${keys.length}`), bulletList(keys, "key"))],
  );
  const order = rowLikeness === undefined ? [] : [rowOrderFigure(rowLikeness)];
  return section("comparison", "Compared with the other", verdict, bulletList(explanations), table, ...only, ...order);
}

const SIDE = 360;

/** A dot for each row of A that is like a row of B: a line where the two agree, a lattice where one is flattened in another order. */
function rowOrderFigure({ role, rows, looked, pairs }: NonNullable<ComparisonData["rowLikeness"]>): HTMLElement {
  const same = pairs.filter(([a, b]) => a === b).length;
  const text =
    pairs.length === 0
      ? `None of ${looked} rows of ${role} in A is like a single row of B.`
      : `Of ${looked} rows of ${role} in A, ${same} are most like the same row of B, ${pairs.length - same} like another row, and ${looked - pairs.length} like no single one.`;
  const canvas = element("canvas", { attributes: { role: "img", "aria-label": text, width: String(SIDE), height: String(SIDE) } });
  const context = canvas.getContext("2d");
  if (context !== null) {
    context.fillStyle = "#888888";
    context.fillRect(0, 0, SIDE, SIDE);
    context.fillStyle = "#ffffff";
    context.fillRect(1, 1, SIDE - 2, SIDE - 2);
    for (const [a, b] of pairs) {
      context.fillStyle = a === b ? "#1f5fa8" : "#b3261e";
      context.fillRect((a / rows) * (SIDE - 4) + 1, (b / rows) * (SIDE - 4) + 1, 3, 3);
    }
  }
  const advice =
    same === pairs.length
      ? ""
      : " Dots beside the diagonal are rows in another order: one of the two is flattened in another way than it says.";
  return element(
    "figure",
    {},
    element("h3", {}, "The order of rows"),
    canvas,
    element("figcaption", {}, `${text}${advice} Rows of A go to the right, rows of B down.`),
  );
}
