import { base64 } from "../../io/bytes.ts";
import { pngBytes } from "./files.ts";
import { enlarged, narrowed, type Raster } from "./raster.ts";

/** How a terminal is shown a picture: a protocol of its own, or signs. */
export type Screen = "kitty" | "iterm" | "sixel" | "blocks";

/** Terminals that say by their environment what they can; all others get signs. Nobody is asked: an answer may never come. */
const screens: readonly { readonly screen: Screen; readonly variable: string; readonly value: RegExp }[] = [
  { screen: "kitty", variable: "TERM", value: /^xterm-kitty$/ },
  { screen: "kitty", variable: "TERM_PROGRAM", value: /^ghostty$/i },
  { screen: "iterm", variable: "TERM_PROGRAM", value: /^(iTerm\.app|WezTerm)$/ },
  { screen: "sixel", variable: "TERM", value: /^(foot|mlterm|yaft|contour)|sixel/ },
];

export function screenOf(environment: Readonly<Record<string, string | undefined>>): Screen {
  // Inside a multiplexer the terminal's own protocols do not arrive.
  if (/^(screen|tmux)/.test(environment.TERM ?? "")) return "blocks";
  return screens.find(({ variable, value }) => value.test(environment[variable] ?? ""))?.screen ?? "blocks";
}

/** A picture as what is printed; `width`: columns of the terminal. */
export async function screenText(raster: Raster, screen: Screen, width: number): Promise<string> {
  if (screen === "kitty") return kitty(await pngBytes(raster));
  if (screen === "iterm") return iterm(await pngBytes(raster));
  if (screen === "sixel") return sixel(enlarged(raster));
  return halfBlocks(narrowed(raster, Math.min(width, 512)));
}

/** Characters of base64 in one escape sequence, as kitty's protocol allows. */
const CHUNK = 4096;

function kitty(png: Uint8Array): string {
  const text = base64(png);
  const chunks = text.match(new RegExp(`.{1,${CHUNK}}`, "g")) ?? [];
  return `${chunks.map((chunk, k) => `\x1b_G${k === 0 ? "f=100,a=T," : ""}m=${k + 1 < chunks.length ? 1 : 0};${chunk}\x1b\\`).join("")}\n`;
}

function iterm(png: Uint8Array): string {
  return `\x1b]1337;File=inline=1;size=${png.length}:${base64(png)}\x07\n`;
}

/** Two cells in one sign: the upper one is the sign's colour, the lower one that behind it. */
function halfBlocks({ width, height, pixels }: Raster): string {
  const colour = (x: number, y: number): string => [...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)].join(";");
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = "";
    for (let x = 0; x < width; x++) line += `\x1b[38;2;${colour(x, y)}m${y + 1 < height ? `\x1b[48;2;${colour(x, y + 1)}m` : ""}▀`;
    lines.push(`${line}\x1b[0m`);
  }
  return `${lines.join("\n")}\n`;
}

/** Six steps of each colour. */
const STEPS = 6;

/** DEC's sixels: six rows at a time, colour by colour, runs as !COUNT. */
function sixel({ width, height, pixels }: Raster): string {
  const step = (value = 0): number => Math.round((value / 255) * (STEPS - 1));
  const cells = Array.from({ length: width * height }, (_, cell) => {
    const [red, green, blue] = pixels.subarray(3 * cell, 3 * cell + 3);
    return (step(red) * STEPS + step(green)) * STEPS + step(blue);
  });
  const percent = (value: number): number => Math.round((100 * value) / (STEPS - 1));
  const palette = [...new Set(cells)].map((entry) => {
    const [red, green, blue] = [Math.floor(entry / STEPS / STEPS), Math.floor(entry / STEPS) % STEPS, entry % STEPS];
    return `#${entry};2;${percent(red)};${percent(green)};${percent(blue)}`;
  });
  const bands: string[] = [];
  for (let top = 0; top < height; top += 6) {
    const band = cells.slice(top * width, Math.min(height, top + 6) * width);
    const rows = [...new Set(band)].map((entry) => `#${entry}${sixelRow(band, width, entry)}`);
    bands.push(rows.join("$"));
  }
  return `\x1bPq"1;1;${width};${height}${palette.join("")}${bands.join("-")}\x1b\\\n`;
}

/** One colour of six rows: a sign for each column, whose bits are the rows. */
function sixelRow(band: readonly number[], width: number, entry: number): string {
  let text = "";
  for (let x = 0, run = 1; x < width; x += run) {
    const sign = sixelSign(band, width, entry, x);
    run = 1;
    while (x + run < width && sixelSign(band, width, entry, x + run) === sign) run++;
    text += run > 3 ? `!${run}${sign}` : sign.repeat(run);
  }
  return text;
}

function sixelSign(band: readonly number[], width: number, entry: number, x: number): string {
  let bits = 0;
  for (let row = 0; row * width < band.length; row++) if (band[row * width + x] === entry) bits |= 1 << row;
  return String.fromCharCode(63 + bits);
}
