import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { mapsPicture, sheetPicture } from "../../src/report/picture/draw.ts";
import { pngBytes, svgText } from "../../src/report/picture/files.ts";
import { columns, enlarged, narrowed, type Raster, tiled } from "../../src/report/picture/raster.ts";
import { screenOf, screenText } from "../../src/report/picture/terminal.ts";

const cell = ({ pixels, width }: Raster, x: number, y: number): readonly number[] => [
  ...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

/** Two cells beside each other, red and blue, three pixels each. */
const two: Raster = { width: 2, height: 1, scale: 3, pixels: Uint8Array.of(255, 0, 0, 0, 0, 255) };

describe("cells", () => {
  test("tiles are in rows, with one cell between them", () => {
    const made = tiled({ count: 3, columns: 2, width: 2, height: 1, scale: 4 }, (tile, place) => [tile, place, 0]);
    expect([made.width, made.height]).toEqual([5, 3]);
    expect([cell(made, 0, 0), cell(made, 1, 0), cell(made, 3, 0), cell(made, 1, 2)]).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [2, 1, 0],
    ]);
  });

  test("columns rise from the bottom; what is there at all is seen", () => {
    const made = columns([1, 0, 0.001], 2, 1);
    const filled = [0, 1, 2].map((x) => [0, 1].map((y) => cell(made, x, y)[2] === 222));
    expect(filled).toEqual([
      [true, true],
      [false, false],
      [false, true],
    ]);
  });

  test("enlarged for files, and narrowed for terminals by the mean of its cells", () => {
    expect([enlarged(two).width, enlarged(two).height, cell(enlarged(two), 2, 2), cell(enlarged(two), 3, 0)]).toEqual([
      6,
      3,
      [255, 0, 0],
      [0, 0, 255],
    ]);
    expect(narrowed(two, 1)).toEqual({ width: 1, height: 1, scale: 3, pixels: Uint8Array.of(128, 0, 128) });
    expect(narrowed(two, 2)).toBe(two);
  });
});

describe("filters and maps", () => {
  const sheet = { layer: "conv1_1", key: "w", outputs: 1, kernel: [1, 1], channels: 3, orderSource: "read" } as const;

  test("the first channel is red, or blue where the file says so", () => {
    const values = Float32Array.of(0.5, 0, -0.5);
    expect(cell(sheetPicture({ ...sheet, order: "rgb", values }), 0, 0)).toEqual([255, 128, 0]);
    expect(cell(sheetPicture({ ...sheet, order: "bgr", values }), 0, 0)).toEqual([0, 128, 255]);
  });

  test("a map that is the same everywhere, and one with a NaN, are drawn all the same", () => {
    const made = mapsPicture(Float32Array.of(2, 2, Number.NaN, 1), [2, 1, 2]);
    expect([cell(made, 0, 0), cell(made, 1, 0), cell(made, 3, 0)]).toEqual([
      [40, 40, 60],
      [40, 40, 60],
      [0, 0, 0],
    ]);
  });
});

describe("files", () => {
  test("a PNG has the pixels, a cell being as wide as its scale", async () => {
    const { width, height, channels, data } = decode(await pngBytes(two));
    expect([width, height, channels, [...data.subarray(0, 3)], [...data.subarray(15, 18)]]).toEqual([6, 3, 3, [255, 0, 0], [0, 0, 255]]);
  });

  test("an SVG has a shape for each run of one colour", () => {
    const text = svgText({ width: 3, height: 1, scale: 2, pixels: Uint8Array.of(0, 0, 0, 0, 0, 0, 255, 0, 16) });
    expect(text).toContain('width="6" height="2" viewBox="0 0 3 1"');
    expect(text.match(/<path[^>]+>/g)).toEqual(['<path fill="#000000" d="M0 0h2v1h-2z"/>', '<path fill="#ff0010" d="M2 0h1v1h-1z"/>']);
  });
});

describe("terminals", () => {
  test.each([
    [{ TERM: "xterm-kitty" }, "kitty"],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "ghostty" }, "kitty"],
    [{ TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app" }, "iterm"],
    [{ TERM: "foot" }, "sixel"],
    [{ TERM: "xterm-256color" }, "blocks"],
    [{ TERM: "tmux-256color", TERM_PROGRAM: "iTerm.app" }, "blocks"],
    [{}, "blocks"],
  ] as const)("%j is shown %s", (environment, screen) => {
    expect(screenOf(environment)).toBe(screen);
  });

  test("half blocks: the upper cell is the sign's colour, the lower one that behind it", async () => {
    const tall = { ...two, width: 1, height: 2 };
    expect(await screenText(tall, "blocks", 80)).toBe("\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀\x1b[0m\n");
    expect(await screenText(two, "blocks", 80)).toBe("\x1b[38;2;255;0;0m▀\x1b[38;2;0;0;255m▀\x1b[0m\n");
  });

  test("kitty takes a PNG in chunks, iTerm2 as one file", async () => {
    const wide = columns(
      Array.from({ length: 600 }, (_, k) => ((k * 7919) % 601) / 601),
      200,
      1,
    );
    const png = await pngBytes(wide);
    const text = await screenText(wide, "kitty", 80);
    expect(text.startsWith("\x1b_Gf=100,a=T,m=1;")).toBe(true);
    const chunks = text
      .trimEnd()
      .split("\x1b\\")
      .slice(0, -1)
      .map((chunk) => chunk.slice(chunk.indexOf("m=")).split(";"));
    expect(chunks.map(([more]) => more).join("")).toMatch(/^(m=1)+m=0$/);
    expect(Buffer.from(chunks.map(([, part]) => part).join(""), "base64").equals(png)).toBe(true);
    expect(await screenText(wide, "iterm", 80)).toContain(`;size=${png.length}:`);
  });

  test("sixels: the size, a palette in percent, and the runs of each colour", async () => {
    expect(await screenText(two, "sixel", 80)).toBe('\x1bPq"1;1;6;3#180;2;100;0;0#5;2;0;0;100#180FFF???$#5???FFF\x1b\\\n');
  });
});
