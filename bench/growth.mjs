/**
 * How time and memory grow with bytes (10 MB to 20 GB, sparse files of one shape) and with tensors (10 to 100,000): listing, and a copy.
 *
 *     node bench/growth.mjs FOLDER [--most-bytes 20e9] [--most-tensors 100000] [--runs 3]
 *
 * FOLDER needs room for the largest copy. Prints a table and draws it into bench/growth.svg. A step "over linear" takes more than its factor
 * in time, beside what the smallest takes: there should be none.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeSparse } from "./sparse.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "most-bytes": { type: "string", default: "20e9" },
    "most-tensors": { type: "string", default: "100000" },
    runs: { type: "string", default: "3" },
  },
});
const folder = resolve(positionals[0] ?? join(root, ".cache", "bench"));
mkdirSync(folder, { recursive: true });
const runs = Number(values.runs);

/** The fastest of some runs: other work on the machine only ever adds. */
function measure(...args) {
  const command = [join(root, "bench", "measure.py"), process.execPath, join(root, "bin", "vggtool"), ...args];
  const records = Array.from({ length: runs }, () => {
    rmSync(out, { force: true });
    return JSON.parse(spawnSync("python3", command, { encoding: "utf8" }).stdout);
  });
  if (records.some(({ code }) => code !== 0)) throw new Error(`vggtool ${args.join(" ")} failed`);
  return records.toSorted((a, b) => a.wall - b.wall)[0];
}

const source = join(folder, "growth.safetensors");
const out = join(folder, "growth-out.safetensors");
const side = 1024;
const series = [
  {
    title: "bytes",
    steps: [10e6, 100e6, 1e9, 5e9, 20e9].filter((bytes) => bytes <= Number(values["most-bytes"])),
    make: (bytes) => makeSparse(source, Math.max(1, Math.round(bytes / (4 * side * side))), [side, side]),
  },
  {
    title: "tensors",
    steps: [10, 100, 1_000, 10_000, 100_000].filter((count) => count <= Number(values["most-tensors"])),
    make: (count) => makeSparse(source, count, [2, 3, 4]),
  },
];

const lines = [];
console.log("| | inspect | a copy | over linear |");
console.log("|---|---|---|---|");
for (const { title, steps, make } of series) {
  const measured = steps.map((step) => {
    make(step);
    return { step, inspect: measure("inspect", source), copy: measure("convert", source, "--naming", "keep", "-o", out) };
  });
  for (const job of ["inspect", "copy"]) lines.push({ title, job, points: measured.map((row) => [row.step, row[job].wall]) });
  for (const [k, row] of measured.entries()) {
    const before = measured[k - 1];
    const over = ["inspect", "copy"].filter((job) => {
      const start = measured[0][job].wall;
      return before !== undefined && row[job].wall - start > 1.2 * (row.step / before.step) * Math.max(before[job].wall - start, 0.1);
    });
    const cell = ({ wall, peak }) => `${wall.toFixed(2)} s, ${(peak / 1e6).toFixed(0)} MB`;
    console.log(`| ${row.step.toLocaleString("en")} ${title} | ${cell(row.inspect)} | ${cell(row.copy)} | ${over.join(", ") || "no"} |`);
  }
}
rmSync(source, { force: true });
rmSync(out, { force: true });

/** Two panels side by side, both axes logarithmic; the grey line grows as its size does. */
function plot() {
  const [width, height, left, top] = [420, 300, 50, 30];
  const [fastest, slowest] = [0.05, 1000];
  const panel = ({ title, steps }, k) => {
    const x0 = left + k * (width + left);
    const x = (step) => x0 + (Math.log(step / steps[0]) / Math.log(steps.at(-1) / steps[0])) * (width - 20);
    const y = (seconds) => top + height - (Math.log(seconds / fastest) / Math.log(slowest / fastest)) * height;
    const text = (at, dy, words, anchor = "middle") =>
      `<text x="${at.toFixed(0)}" y="${dy.toFixed(0)}" text-anchor="${anchor}">${words}</text>`;
    const path = (points, colour) =>
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ")}"/>`;
    const own = lines.filter((line) => line.title === title);
    const colours = { inspect: "#1f77b4", copy: "#d62728" };
    return [
      ...[0.1, 1, 10, 100].map(
        (s) => `<path stroke="#ddd" d="M${x0} ${y(s).toFixed(1)}h${width - 20}"/>${text(x0 - 6, y(s) + 4, `${s} s`, "end")}`,
      ),
      ...steps.map((step) => text(x(step), top + height + 18, step.toLocaleString("en", { notation: "compact" }))),
      path(
        steps.map((step) => [step, Math.min(slowest, (0.1 * step) / steps[0])]).filter(([, s]) => s < slowest),
        "#bbb",
      ),
      ...own.map(({ job, points }) => path(points, colours[job]) + text(x(points.at(-1)[0]), y(points.at(-1)[1]) - 6, job, "end")),
      text(x0 + width / 2, 18, `seconds against ${title}`),
    ].join("\n");
  };
  const all = series.filter(({ steps }) => steps.length > 1).map(panel);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${all.length * (width + left) + 20} ${top + height + 30}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n${all.join("\n")}\n</svg>\n`;
}
writeFileSync(join(root, "bench", "growth.svg"), plot());
