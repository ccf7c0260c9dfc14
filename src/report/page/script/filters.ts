import type { FilterData, SheetData } from "../data.ts";
import { bars, element, fromBase64, number, section } from "./dom.ts";

/** Pixels between tiles, and of a row of them as far as their places are 3 to 24 pixels wide. */
const GAP = 6;
const ROW = 800;

/** The kernels that see the picture, as colours: with the channels the wrong way round, blue and orange are exchanged. */
export function sheetSection(sheet: SheetData): HTMLElement {
  const canvas = element("canvas", { attributes: { role: "img", "aria-label": `${sheet.outputs} filters of ${sheet.layer} as colours` } });
  const grounds = element("p", { class: "faint" }, sheet.grounds);
  if (sheet.channels < 3) {
    drawSheet(canvas, sheet, [0, 0, 0]);
    return section("sheet", `Filters of ${sheet.layer}`, element("figure", {}, canvas));
  }
  const select = element("select", {});
  for (const [value, text] of [
    ["rgb", "first channel is red (RGB)"],
    ["bgr", "first channel is blue (BGR)"],
  ] as const) {
    select.append(element("option", { attributes: { value } }, text));
  }
  select.value = sheet.order ?? "rgb";
  const draw = (): void => drawSheet(canvas, sheet, select.value === "bgr" ? [2, 1, 0] : [0, 1, 2]);
  select.addEventListener("change", draw);
  draw();
  const caption = element("figcaption", {}, "Each filter is stretched to its own largest weight; grey is 0.");
  return section(
    "sheet",
    `Filters of ${sheet.layer} as colours`,
    grounds,
    element("div", { class: "controls" }, element("label", {}, "Drawn as ", select)),
    element("figure", {}, canvas, caption),
  );
}

function drawSheet(
  canvas: HTMLCanvasElement,
  { outputs, kernel: [height, width], channels, values }: SheetData,
  colours: readonly number[],
): void {
  const weights = fromBase64(values);
  const columns = Math.min(outputs, 16);
  const draw = tiles(canvas, { count: outputs, columns, width, height });
  const size = height * width * channels;
  for (let filter = 0; filter < outputs; filter++) {
    const at = (k: number): number => weights.getFloat32(4 * (filter * size + k), true);
    let most = 0;
    for (let k = 0; k < size; k++) if (Number.isFinite(at(k))) most = Math.max(most, Math.abs(at(k)));
    const shade = (place: number, colour: number): number => 127.5 + (127.5 * at(place * channels + colour)) / (most || 1);
    for (let place = 0; place < height * width; place++)
      draw(
        filter,
        place,
        colours.map((colour) => shade(place, colour)),
      );
  }
}

/** Canvas pixels of filters side by side. */
interface Tiling {
  readonly count: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
}

function tiles(
  canvas: HTMLCanvasElement,
  { count, columns, width, height }: Tiling,
): (tile: number, place: number, colour: readonly number[]) => void {
  const scale = Math.min(24, Math.max(3, Math.floor((ROW / columns - GAP) / width)));
  canvas.width = columns * (width * scale + GAP);
  canvas.height = Math.ceil(count / columns) * (height * scale + GAP);
  const context = canvas.getContext("2d");
  return (tile, place, colour) => {
    if (context === null) return;
    const x = (tile % columns) * (width * scale + GAP) + (place % width) * scale;
    const y = Math.floor(tile / columns) * (height * scale + GAP) + Math.floor(place / width) * scale;
    const [red = 0, green = 0, blue = 0] = colour.map((value) => Math.max(0, Math.min(255, Math.round(value))));
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(x, y, scale, scale);
  };
}

/** The filters of any layer, the strongest first. */
export function filterSection(layers: readonly FilterData[]): HTMLElement {
  const select = element("select", {}, ...layers.map(({ layer }) => element("option", {}, layer)));
  const place = element("div", { attributes: { "aria-live": "polite" } });
  const draw = (): void => {
    const layer = layers.find((each) => each.layer === select.value) ?? layers[0];
    if (layer !== undefined) place.replaceChildren(...layerFilters(layer));
  };
  select.addEventListener("change", draw);
  draw();
  return section("filters", "Filters by norm", element("div", { class: "controls" }, element("label", {}, "Layer ", select)), place);
}

const FULL = 65535;
/** Filters that are named at each end. */
const NAMED = 6;

function layerFilters(filters: FilterData): readonly Node[] {
  const { layer, outputs, kernel, most, norms } = filters;
  const shares = fromBase64(norms);
  const sorted = Array.from({ length: outputs }, (_, index) => ({ index, share: shares.getUint16(2 * index, true) / FULL })).sort(
    (a, b) => b.share - a.share,
  );
  const named = (some: readonly { index: number; share: number }[]): string =>
    some.map(({ index, share }) => `${index} (${number(Number((share * most).toPrecision(3)))})`).join(", ");
  const chart = element(
    "figure",
    {},
    bars(
      sorted.map(({ share }) => share),
      `norms of the ${outputs} filters of ${layer}, the largest first`,
      true,
    ),
    element("figcaption", {}, `The norms of ${number(outputs)} filters, the largest first: at the top ${number(most)}, at the bottom 0.`),
  );
  const weakest = outputs > 2 * NAMED ? ` Weakest: ${named(sorted.slice(-NAMED).reverse())}.` : "";
  const words = element("p", {}, `Strongest: ${named(sorted.slice(0, NAMED))}.${weakest}`);
  return kernel === null
    ? [chart, words]
    : [
        chart,
        words,
        kernelFigure(
          sorted.map(({ index }) => index),
          kernel,
          filters,
        ),
      ];
}

/** Where in its kernel each filter looks. */
function kernelFigure(
  order: readonly number[],
  [height, width]: readonly [number, number],
  { layer, places, inputs }: FilterData,
): HTMLElement {
  const energy = fromBase64(places);
  const canvas = element("canvas", {
    attributes: { role: "img", "aria-label": `where the filters of ${layer} look, the strongest first` },
  });
  const draw = tiles(canvas, { count: order.length, columns: Math.min(order.length, 32), width, height });
  order.forEach((filter, tile) => {
    for (let place = 0; place < height * width; place++) {
      const share = energy.getUint8(filter * height * width + place) / 255;
      draw(tile, place, [40 + 215 * share, 40 + 160 * share, 60 + 30 * share]);
    }
  });
  const caption = element(
    "figcaption",
    {},
    `Each tile is a filter, the strongest first: how much of its energy is at each place of its kernel, over ${inputs === 1 ? "its first input" : `its first ${inputs} inputs`}; bright is most.`,
  );
  return element("figure", {}, canvas, caption);
}
