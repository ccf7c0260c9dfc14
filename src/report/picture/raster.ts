/** A picture in cells; each cell is `scale` pixels wide and high where it is written to a file. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  /** Red, green and blue of each cell, row by row. */
  readonly pixels: Uint8Array;
}

export type Colour = readonly [red: number, green: number, blue: number];

const background: Colour = [24, 26, 30];

/** Pictures of one size side by side. */
export interface Tiling {
  readonly count: number;
  readonly columns: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
}

/** Tiles with one cell between them; `colour` gives that of a place of a tile. */
export function tiled({ count, columns, width, height, scale }: Tiling, colour: (tile: number, place: number) => Colour): Raster {
  const across = Math.max(1, Math.min(columns, count));
  const made = blank(across * (width + 1) - 1, Math.ceil(count / across) * (height + 1) - 1, scale);
  for (let tile = 0; tile < count; tile++) {
    const [left, top] = [(tile % across) * (width + 1), Math.floor(tile / across) * (height + 1)];
    for (let place = 0; place < width * height; place++) {
      const cell = (top + Math.floor(place / width)) * made.width + left + (place % width);
      made.pixels.set(colour(tile, place), 3 * cell);
    }
  }
  return made;
}

/** Columns from the bottom up; heights from 0 to 1. */
export function columns(heights: readonly number[], height: number, scale: number): Raster {
  const made = blank(heights.length, height, scale);
  heights.forEach((share, x) => {
    const full = Math.round(share * height);
    // What is there at all is seen.
    for (let y = 0; y < Math.max(full, share > 0 ? 1 : 0); y++) made.pixels.set([106, 163, 222], 3 * ((height - 1 - y) * made.width + x));
  });
  return made;
}

function blank(width: number, height: number, scale: number): Raster {
  const pixels = new Uint8Array(3 * width * height);
  for (let at = 0; at < pixels.length; at += 3) pixels.set(background, at);
  return { width, height, scale, pixels };
}

/** In pixels: every cell `scale` times as wide and high. */
export function enlarged({ width, height, scale, pixels }: Raster): Raster {
  if (scale === 1) return { width, height, scale, pixels };
  const made = { width: width * scale, height: height * scale, scale: 1, pixels: new Uint8Array(3 * width * height * scale * scale) };
  for (let y = 0; y < made.height; y++) {
    for (let x = 0; x < made.width; x++) {
      const from = 3 * (Math.floor(y / scale) * width + Math.floor(x / scale));
      made.pixels.set(pixels.subarray(from, from + 3), 3 * (y * made.width + x));
    }
  }
  return made;
}

/** At most `most` cells wide: blocks of cells become their mean. */
export function narrowed(raster: Raster, most: number): Raster {
  const step = Math.ceil(raster.width / Math.max(1, most));
  if (step <= 1) return raster;
  const [width, height] = [Math.ceil(raster.width / step), Math.ceil(raster.height / step)];
  const pixels = new Uint8Array(3 * width * height);
  for (let cell = 0; cell < width * height; cell++) {
    const [left, top] = [(cell % width) * step, Math.floor(cell / width) * step];
    const [right, bottom] = [Math.min(raster.width, left + step), Math.min(raster.height, top + step)];
    for (let colour = 0; colour < 3; colour++) {
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += raster.pixels[3 * (y * raster.width + x) + colour] ?? 0;
      pixels[3 * cell + colour] = Math.round(sum / ((right - left) * (bottom - top)));
    }
  }
  return { width, height, scale: raster.scale, pixels };
}
