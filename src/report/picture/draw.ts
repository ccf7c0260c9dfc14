import type { FilterSheet, KernelPlaces } from "../../inspect/filters.ts";
import type { StatsRecord } from "../../inspect/stats.ts";
import { type Colour, columns, type Raster, tiled } from "./raster.ts";

const ACROSS = 16;
/** Cells of a histogram from bottom to top. */
const HIGH = 24;

/** The kernels that see the picture, in its colours: each stretched to its own largest weight, grey is 0. */
export function sheetPicture({ outputs, kernel: [height, width], channels, order, values }: FilterSheet): Raster {
  const size = width * height * channels;
  const most = Array.from({ length: outputs }, (_, filter) => largest(values.subarray(filter * size, (filter + 1) * size)));
  const [red, green, blue] = channels < 3 ? [0, 0, 0] : order === "bgr" ? [2, 1, 0] : [0, 1, 2];
  return tiled({ count: outputs, columns: ACROSS, width, height, scale: 12 }, (filter, place) => {
    const shade = (channel: number): number =>
      byte(127.5 + (127.5 * (values[filter * size + place * channels + channel] ?? 0)) / (most[filter] || 1));
    return [shade(red), shade(green), shade(blue)];
  });
}

/** Where in its kernel each filter looks; bright is most. */
export function placesPicture({ outputs, kernel: [height, width], places }: KernelPlaces): Raster {
  return tiled({ count: outputs, columns: 2 * ACROSS, width, height, scale: 6 }, (filter, place) =>
    heat((places[filter * width * height + place] ?? 0) / 255),
  );
}

/** Heights are square roots of counts, so that the tails are seen. */
export function histogramPicture({ counts }: NonNullable<StatsRecord["histogram"]>): Raster {
  const most = Math.max(1, ...counts);
  return columns(
    counts.map((count) => Math.sqrt(count / most)),
    HIGH,
    8,
  );
}

/** Pixels that a map is wide at least, where it is of fewer. */
const MAP = 64;

/** Each map from its own least to its own largest value. */
export function mapsPicture(values: Float32Array, [count, height, width]: readonly [number, number, number]): Raster {
  const size = width * height;
  const ranges = Array.from({ length: count }, (_, map) => {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of values.subarray(map * size, (map + 1) * size)) {
      if (!Number.isFinite(value)) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    return [least, most > least ? most - least : 1] as const;
  });
  return tiled({ count, columns: ACROSS, width, height, scale: Math.max(1, Math.floor(MAP / width)) }, (map, place) => {
    const [least, span] = ranges[map] ?? [0, 1];
    return heat(((values[map * size + place] ?? 0) - least) / span);
  });
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
  return most;
}

function heat(share: number): Colour {
  return [byte(40 + 215 * share), byte(40 + 160 * share), byte(60 + 30 * share)];
}

/** NaN becomes 0. */
function byte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value))) || 0;
}
