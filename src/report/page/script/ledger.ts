import type { LedgerData } from "../data.ts";
import { bulletList, element, section } from "./dom.ts";
import { sortedTable } from "./table.ts";

type Move = LedgerData["moves"][number];
type Left = LedgerData["left"][number];

export function ledgerSection({ target, totals, moves, left, missing, warnings }: LedgerData): HTMLElement {
  const table = sortedTable<Move>({
    caption: "Every tensor of the output, and what it is made of.",
    rows: moves,
    columns: [
      { title: "Target", key: ({ to }) => to, cell: ({ to }) => element("span", { class: "key" }, to) },
      { title: "Type and shape", key: ({ kind }) => kind, cell: ({ kind }) => kind },
      { title: "Move", key: ({ move }) => move, cell: ({ move }) => move },
      { title: "From", key: ({ from }) => from, cell: ({ from }) => element("span", { class: "key" }, from) },
    ],
    words: ({ to, from, move }) => [to, from, move],
  });
  const rest = (title: string, rows: readonly Left[]): readonly HTMLElement[] =>
    rows.length === 0
      ? []
      : [
          element("h3", {}, title),
          sortedTable<Left>({
            caption: title,
            rows,
            columns: [
              { title: "Tensor", key: ({ key }) => key, cell: ({ key }) => element("span", { class: "key" }, key) },
              { title: "Why", key: ({ why }) => why, cell: ({ why }) => element("span", { class: "words" }, why) },
            ],
          }),
        ];
  return section(
    "ledger",
    `A conversion to ${target}`,
    element("p", {}, `${totals}. Nothing was written.`),
    bulletList(warnings),
    ...rest("Left out", left),
    ...rest("Not filled", missing),
    table,
  );
}
