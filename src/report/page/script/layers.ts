import type { LayersData, SeenData, TopData } from "../data.ts";
import { element, fromBase64, number, section } from "./dom.ts";
import { meter } from "./meter.ts";
import { sortedTable } from "./table.ts";

type Layer = LayersData["rows"][number];

export function layerSection({ rows, compared }: LayersData): HTMLElement {
  const error = [
    { title: "Error", cell: ({ maxRel, pass }: Layer) => meter(maxRel, !pass) },
    { title: "Of the largest", numeric: true, key: ({ maxRel }: Layer) => maxRel, cell: ({ maxRel }: Layer) => number(maxRel) },
    { title: "Largest |A − B|", numeric: true, key: ({ maxAbs }: Layer) => maxAbs, cell: ({ maxAbs }: Layer) => number(maxAbs) },
    { title: "Cosine", numeric: true, key: ({ cosine }: Layer) => cosine, cell: ({ cosine }: Layer) => number(cosine) },
    {
      title: "Passes",
      key: ({ pass }: Layer) => String(pass),
      cell: ({ pass, problem }: Layer) =>
        element("span", { class: pass ? "good" : "error" }, pass ? "yes" : problem === "" ? "no" : `no: ${problem}`),
    },
  ];
  const table = sortedTable<Layer>({
    caption: compared
      ? "Activations in forward order, and how far they are from those compared with; the bar is logarithmic, from one millionth of the largest value to all of it."
      : "Activations in forward order.",
    rows,
    columns: [
      { title: "Layer", cell: ({ name }) => element("span", { class: "key" }, name) },
      { title: "Output", numeric: true, cell: ({ shape }) => shape },
      { title: "Range", cell: ({ min, max }) => range(min, max, rows) },
      { title: "Min", numeric: true, key: ({ min }) => min, cell: ({ min }) => number(min) },
      { title: "Max", numeric: true, key: ({ max }) => max, cell: ({ max }) => number(max) },
      { title: "NaN, ∞", numeric: true, key: ({ notFinite }) => notFinite, cell: ({ notFinite }) => number(notFinite) },
      ...(compared ? error : []),
    ],
  });
  return section("layers", "Layer by layer", table);
}

/** Where a layer's activations are, over the widest of all layers. */
function range(min: number | string, max: number | string, rows: readonly Layer[]): HTMLElement {
  const finite = rows.flatMap((row) => [row.min, row.max]).filter((value) => typeof value === "number");
  const most = Math.max(1e-30, ...finite.map(Math.abs));
  const place = (value: number | string): number => 50 + (typeof value === "number" ? (50 * value) / most : 0);
  const bar = element("span", {});
  bar.style.marginLeft = `${place(min).toFixed(1)}%`;
  bar.style.width = `${Math.max(0.5, place(max) - place(min)).toFixed(1)}%`;
  return element("span", { class: "meter", attributes: { "aria-hidden": "true" } }, bar);
}

export function topSection(pictures: readonly TopData[]): HTMLElement {
  const tables = pictures.flatMap(({ picture, seen, rows }) => [
    ...(seen === undefined ? [] : [figure(seen, picture)]),
    ...(rows.length === 0 ? [] : [classes(picture, rows)]),
  ]);
  return section("top", pictures.some(({ rows }) => rows.length > 0) ? "Pictures and their classes" : "Pictures", ...tables);
}

/** What the network saw, as large as the page has it. */
function figure({ width, height, pixels }: SeenData, picture: string): HTMLElement {
  const label = `${picture} as the network is given it`;
  const canvas = element("canvas", { attributes: { role: "img", "aria-label": label, width: String(width), height: String(height) } });
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("the page cannot draw");
  const bytes = fromBase64(pixels);
  const image = context.createImageData(width, height);
  for (let place = 0; place < width * height; place++) {
    for (let colour = 0; colour < 3; colour++) image.data[4 * place + colour] = bytes.getUint8(3 * place + colour);
    image.data[4 * place + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return element("figure", {}, canvas, element("figcaption", {}, `${label}: its least value is black, its largest white.`));
}

function classes(picture: string, rows: TopData["rows"]): HTMLElement {
  return sortedTable<TopData["rows"][number]>({
    caption: picture,
    rows,
    columns: [
      { title: "Rank", numeric: true, cell: ({ rank }) => String(rank) },
      { title: "Class", cell: ({ label }) => element("span", { class: "words" }, label) },
      { title: "Probability", numeric: true, cell: ({ probability }) => number(probability) },
      { title: "Share", cell: ({ probability }) => share(probability) },
    ],
  });
}

function share(probability: number | string): HTMLElement {
  const bar = element("span", {});
  bar.style.width = `${(100 * Math.min(1, Number(probability) || 0)).toFixed(1)}%`;
  return element("span", { class: "meter", attributes: { "aria-hidden": "true" } }, bar);
}
