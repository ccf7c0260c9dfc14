/**
 * What size costs: a checkpoint of 20 GB (a sparse file) and one of 100,000 tensors, inspected and converted beside a small one, whole
 * processes. Memory has to stay that of the small one, and half a kilobyte a tensor; the inspection of the large one takes the same time.
 *
 *     node bench/scale.mjs FOLDER [--gigabytes 20] [--tensors 100000]
 *
 * FOLDER needs room for the converted file: as many gigabytes as the checkpoint has.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeSparse } from "./sparse.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { gigabytes: { type: "string", default: "20" }, tensors: { type: "string", default: "100000" } },
});
const folder = resolve(positionals[0] ?? join(root, ".cache", "bench"));
mkdirSync(folder, { recursive: true });

const makeSafetensors = (name, count, shape) => {
  const path = join(folder, name);
  makeSparse(path, count, shape);
  return path;
};

function measure(...args) {
  const command = [join(root, "bench", "measure.py"), process.execPath, join(root, "bin", "vggtool"), ...args];
  const record = JSON.parse(spawnSync("python3", command, { encoding: "utf8" }).stdout);
  if (record.code !== 0) throw new Error(`vggtool ${args.join(" ")} ended with exit code ${record.code}`);
  return record;
}

const tensors = Number(values.tensors);
const side = 8192;
const large = Math.round((Number(values.gigabytes) * 1e9) / (4 * side * side));
const files = [
  { title: "small", path: makeSafetensors("scale-small.safetensors", 32, [64, 64]), tensors: 32 },
  { title: `${values.gigabytes} GB`, path: makeSafetensors("scale-large.safetensors", large, [side, side]), tensors: large },
  { title: `${tensors} tensors`, path: makeSafetensors("scale-many.safetensors", tensors, [2, 3, 4]), tensors },
];

console.log("| checkpoint | inspect | convert (a copy) | convert (float16) |");
console.log("|---|---|---|---|");
let small;
for (const { title, path, tensors: count } of files) {
  const out = join(folder, "scale-out.safetensors");
  const runs = [
    measure("inspect", path),
    measure("convert", path, "--naming", "keep", "--force", "-o", out),
    measure("convert", path, "--naming", "keep", "--dtype", "float16", "--force", "-o", out),
  ];
  small ??= runs;
  const cells = runs.map((run, k) => {
    const more = (run.peak - small[k].peak) / count;
    return `${run.wall.toFixed(2)} s, ${(run.peak / 1e6).toFixed(0)} MB${count > 1000 ? `, ${(more / 1000).toFixed(2)} kB a tensor` : ""}`;
  });
  console.log(`| ${title} | ${cells.join(" | ")} |`);
  rmSync(out, { force: true });
  rmSync(path);
}
