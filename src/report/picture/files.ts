import { enlarged, type Raster } from "./raster.ts";

/** A picture as the bytes of a PNG. */
export async function pngBytes(raster: Raster): Promise<Uint8Array> {
  const { encode } = await import("fast-png");
  const { width, height, pixels } = enlarged(raster);
  return encode({ width, height, data: pixels, channels: 3, depth: 8 });
}

/** A picture as SVG: one rectangle for each run of cells of one colour. */
export function svgText({ width, height, scale, pixels }: Raster): string {
  const runs: string[] = [];
  for (let y = 0; y < height; y++) {
    for (let from = 0, x = 1; x <= width; x++) {
      if (x < width && colourAt(pixels, y * width + x) === colourAt(pixels, y * width + from)) continue;
      runs.push(`<path fill="${colourAt(pixels, y * width + from)}" d="M${from} ${y}h${x - from}v1h-${x - from}z"/>`);
      from = x;
    }
  }
  const size = `width="${width * scale}" height="${height * scale}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} shape-rendering="crispEdges">${runs.join("")}</svg>\n`;
}

function colourAt(pixels: Uint8Array, cell: number): string {
  return `#${[...pixels.subarray(3 * cell, 3 * cell + 3)].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
