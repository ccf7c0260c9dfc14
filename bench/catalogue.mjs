/**
 * A catalogue of ten thousand checkpoints, header-only: the files of some folders by links, fifty a folder, each as often as it takes.
 *
 *     node bench/catalogue.mjs FOLDER…        (../shared/golden ../shared/real fixtures)
 *
 * Prints the rate of a first run, a second run that finds nothing changed, and merging, each with its peak of memory. The rate on an idle machine is that of
 * the clock; where other work runs, that of the processor's time says more.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const checkpoints = 10_000;
const eachFolder = 50;
/** Files that a checkpoint is opened by. */
const endings = /\.(pth?|h5|keras|safetensors|mat|onnx|pdparams|npz|caffemodel|t7|weights|params|bin|pkl|ckpt)$/;

const files = process.argv
  .slice(2)
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => resolve(folder, name)))
  .filter((path) => endings.test(path) && statSync(path).isFile())
  .sort();
if (files.length === 0) throw new Error("node bench/catalogue.mjs FOLDER…: no checkpoints there");

const place = mkdtempSync(join(tmpdir(), "vggtool-bench-"));
for (let k = 0; k < checkpoints; k++) {
  const folder = join(place, "models", String(Math.floor(k / eachFolder)).padStart(4, "0"));
  if (k % eachFolder === 0) mkdirSync(folder, { recursive: true });
  const file = files[k % files.length] ?? "";
  symlinkSync(file, join(folder, `${String(k % eachFolder).padStart(2, "0")}-${basename(file)}`));
}

/** GNU time writes wall clock, processor and peak memory. */
function measured(label, ...args) {
  const record = join(place, "time.txt");
  const command = ["-o", record, "-f", "%e %U %S %M", process.execPath, join(root, "bin", "vggtool"), ...args, "--quiet", "--json"];
  const ran = spawnSync("/usr/bin/time", command, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (ran.status !== 0) throw new Error(`${label}: ${ran.stdout}${ran.stderr}`);
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = readFileSync(record, "utf8").trim().split(" ").map(Number);
  const made = JSON.parse(ran.stdout).checkpoints;
  const processor = user + system;
  const rates = `${(made / wall).toFixed(0)} a second, ${(made / processor).toFixed(0)} a second of one core`;
  console.log(`| ${label} | ${made} | ${wall.toFixed(1)} s | ${processor.toFixed(1)} s | ${rates} | ${Math.round(kilobytes / 1000)} MB |`);
}

console.log(`${files.length} files, ${checkpoints} links\n`);
const [models, zoo, merged] = ["models", "zoo", "merged"].map((name) => join(place, name));
measured("first run", "catalogue", models, "--record-errors", "-o", zoo);
measured("second run, nothing changed", "catalogue", models, "--record-errors", "-o", zoo);
measured("merge", "catalogue", "merge", zoo, "-o", merged);
rmSync(place, { recursive: true });
