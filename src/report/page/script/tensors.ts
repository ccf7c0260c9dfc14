import type { HistogramData, ShownTensor, StatsData, TensorsData } from "../data.ts";
import { bars, element, number, section } from "./dom.ts";
import { type SortedColumn, sortedTable } from "./table.ts";

/** Heights as square roots: weights are so many around 0 that the tails would not be seen. */
export function histogram({ counts, from, to }: HistogramData, what: string, large = false): SVGElement {
  const most = Math.max(1, ...counts);
  return bars(
    counts.map((count) => Math.sqrt(count / most)),
    `${what} from ${number(from)} to ${number(to)}`,
    large,
  );
}

export function tensorSection({ total, rows }: TensorsData): HTMLElement {
  const stat = (title: string, key: "min" | "max" | "mean" | "std") => ({
    title,
    numeric: true,
    key: ({ stats }: ShownTensor) => stats?.[key] ?? "",
    cell: ({ stats }: ShownTensor) => number(stats?.[key] ?? ""),
  });
  const read = rows.some(({ stats }) => stats !== undefined);
  const how = read
    ? "A tensor's name opens its statistics; the histogram's height is the square root of the count."
    : "Their values were not read.";
  const statistics: readonly SortedColumn<ShownTensor>[] = [
    {
      title: "Histogram",
      cell: ({ stats, name }) => (stats?.histogram === undefined ? "" : histogram(stats.histogram, `values of ${name}`)),
    },
    stat("Min", "min"),
    stat("Max", "max"),
    stat("Mean", "mean"),
    stat("Deviation", "std"),
    { title: "Zeros", numeric: true, key: ({ stats }) => stats?.zeros ?? "", cell: ({ stats }) => number(stats?.zeros ?? "") },
    { title: "NaN, ∞", numeric: true, key: ({ stats }) => stats?.notFinite ?? "", cell: ({ stats }) => number(stats?.notFinite ?? "") },
  ];
  const table = sortedTable<ShownTensor>({
    caption: `${total}. ${how}`,
    rows,
    columns: [
      { title: "Name", key: ({ name }) => name, cell: ({ name }) => name },
      { title: "Role", key: ({ role }) => role, cell: ({ role }) => element("span", { class: "key" }, role) },
      { title: "Type", key: ({ dtype }) => dtype, cell: ({ dtype }) => dtype },
      { title: "Shape", numeric: true, cell: ({ shape }) => shape },
      { title: "Values", numeric: true, key: ({ values }) => values, cell: ({ values }) => number(values) },
      ...(read ? statistics : []),
    ],
    detail: ({ stats, name }) => (stats === undefined ? element("p", {}, "Its values were not read.") : details(stats, name)),
    words: ({ name, role }) => [name, role],
  });
  return section("tensors", "Tensors", table);
}

function details(stats: StatsData, name: string): HTMLElement {
  const terms = stats.percentiles.map(([percent, value]) =>
    element("div", {}, element("dt", {}, percent === "50" ? "median" : `${percent} %`), element("dd", {}, number(value))),
  );
  const { histogram: counts } = stats;
  const figure =
    counts === undefined
      ? []
      : [
          element(
            "figure",
            {},
            histogram(counts, `values of ${name}`, true),
            element("figcaption", {}, `from ${number(counts.from)} to ${number(counts.to)}`),
          ),
        ];
  return element("div", {}, ...figure, element("dl", {}, ...terms));
}
