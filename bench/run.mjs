/**
 * Measures vggtool against what people use today, in turn, on the same machine and files: whole processes, median of the runs.
 *
 *     npm run bench -- [FOLDER] [--runs 5] [--only TEXT] [--peers SCRIPT]
 *
 * FOLDER (.cache/bench) gets the full-size checkpoints (5 GB), written by the frameworks themselves where they are missing. SCRIPT is the peers' pipelines
 * (../shared/bench/peers.py unless said). Environments are those of the interop job. Prints a table and writes it to bench/results.md, whose notes stay.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { environmentPython } from "../test/interop/environment.mjs";
import { jobs } from "./jobs.mjs";
import { makeSparse } from "./sparse.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "5" }, only: { type: "string" }, peers: { type: "string" } },
});
const folder = resolve(positionals[0] ?? join(root, ".cache", "bench"));
const peers = resolve(values.peers ?? join(root, "..", "shared", "bench", "peers.py"));
const runs = Number(values.runs);
const out = join(folder, "out");
mkdirSync(out, { recursive: true });

const vggtool = (args) => [process.execPath, join(root, "bin", "vggtool"), ...args];
const peerCommand = (peer) => {
  if (peer.empty) return [process.execPath, "-e", ""];
  if (peer.ours) return vggtool(peer.ours);
  if (peer.script) return [environmentPython(peer.environment), join(root, "bench", peer.script), ...peer.args];
  if (peer.sha256sum) return ["sha256sum", peer.sha256sum];
  return [environmentPython(peer.environment), peers, peer.job, folder];
};
const peerName = (peer) =>
  peer.empty ? "empty Node process" : peer.sha256sum ? "sha256sum" : peer.ours ? `vggtool ${peer.ours[0]}` : (peer.script ?? peer.job);

function measure(command) {
  const run = spawnSync("python3", [join(root, "bench", "measure.py"), ...command], { encoding: "utf8", cwd: folder });
  const record = JSON.parse(run.stdout);
  if (record.code !== 0) throw new Error(`${command.join(" ")} ended with exit code ${record.code}`);
  return record;
}
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

for (const [environment, file] of [
  ["torch", "vgg16.pth"],
  ["paddle", "vgg16_p2.pdparams"],
  ["tensorflow", "vgg_face_v7.mat"],
]) {
  if (existsSync(join(folder, file))) continue;
  console.log(`making the files of ${environment}`);
  const done = spawnSync(environmentPython(environment), [peers, "make", folder], { stdio: "inherit" });
  if (done.status !== 0) throw new Error(`the files of ${environment} could not be made`);
}

// The peers write no Keras model: ours replaces it.
if (!existsSync(join(folder, "vgg16.h5"))) measure(vggtool(["convert", join(folder, "vgg16.pth"), "-o", join(folder, "vgg16.h5")]));

const made = (name, ...args) => {
  if (!existsSync(join(folder, name.replace(/\.ckpt$/, ".ckpt.index")))) measure(vggtool(["convert", ...args, "-o", join(folder, name)]));
};
made("vgg16_hwio.safetensors", join(folder, "vgg16.pth"), "--layout", "keras-applications");
if (!existsSync(join(folder, "many.safetensors"))) makeSparse(join(folder, "many.safetensors"), 100_000, [2, 3, 4]);
for (const [name, to] of [
  ["many.ckpt", "tfslim"],
  ["many.npz", "npz"],
  ["many.pth", "torch"],
  ["many.pdparams", "paddle"],
]) {
  made(name, join(folder, "many.safetensors"), "--to", to, "--naming", "keep");
}

const lines = [];
const say = (line) => {
  lines.push(line);
  console.log(line);
};
say("| job | ours | peer | ratio (limit) | memory (limit) | |");
say("|---|---|---|---|---|---|");
for (const job of jobs(folder, out)) {
  if (values.only !== undefined && !job.title.includes(values.only)) continue;
  const ours = [];
  const theirs = [];
  const run = () => {
    for (const path of job.out ?? []) rmSync(path, { recursive: true, force: true });
    return measure(vggtool(job.args));
  };
  run(); // once unmeasured: the file into the page cache
  for (let k = 0; k < runs; k += 1) {
    ours.push(run());
    if (job.peer !== undefined) theirs.push(measure(peerCommand(job.peer)));
  }
  const wall = median(ours.map((one) => one.wall));
  const peerWall = job.peer === undefined ? undefined : median(theirs.map((one) => one.wall));
  const memory = median(ours.map((one) => one.peak)) / 1e6;
  const inTime = peerWall === undefined ? wall <= job.seconds : wall / peerWall <= job.ratio;
  const against =
    peerWall === undefined
      ? ["–", `– (${job.seconds} s)`]
      : [`${peerName(job.peer)} ${peerWall.toFixed(2)} s`, `${(wall / peerWall).toFixed(2)} (${job.ratio})`];
  const verdict =
    [inTime ? "" : "slower than promised", memory <= job.memory ? "" : "more memory than promised"].filter(Boolean).join(", ") || "reached";
  say(`| ${job.title} | ${wall.toFixed(2)} s | ${against.join(" | ")} | ${memory.toFixed(0)} MB (${job.memory}) | ${verdict} |`);
}
if (values.only === undefined) {
  const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${(totalmem() / 1e9).toFixed(0)} GB, Node ${process.version}, vggtool ${version}`;
  const results = join(root, "bench", "results.md");
  // What is written by hand below the table (what limits a row, what size costs) stays.
  const before = readFileSync(results, "utf8");
  const notes = before.includes("\n## ") ? before.slice(before.indexOf("\n## ")) : "";
  writeFileSync(
    results,
    `# Whole processes, median of ${runs}, in turn with the peer\n\n${machine}, files in the page cache.\n\n${lines.join("\n")}\n${notes}`,
  );
}
