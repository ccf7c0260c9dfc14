/** Full-size files behind a server that takes 50 ms for each answer: requests, megabytes and seconds of whole processes. See --help. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { serve } from "../test/remote/server.ts";
import { writeTorchvision } from "../test/support/full-size/case-files.ts";

const { values } = parseArgs({
  options: {
    delay: { type: "string", default: "50" },
    runs: { type: "string", default: "3" },
    only: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`npx tsx bench/remote.ts [--delay MS] [--runs N] [--only TARGET]
  Makes a VGG-16 of full size (zeros) in each format, serves them on the loopback interface, and lists each by the built command
  (npm run build) from the server and from the disk: the median of N runs. Then a torch file is converted from the server, beside a
  plain download of it (curl): --only convert.`);
  process.exit(0);
}

/** Target of convert, its file, what a listing may take: requests, MB, and seconds more than from the disk. */
const rows: readonly (readonly [to: string, file: string, requests: number, megabytes: number, seconds: number])[] = [
  ["torch", "vgg16.pth", 6, 1, 0.8],
  ["safetensors", "vgg16.safetensors", 6, 1, 0.8],
  ["tfslim", "vgg16.ckpt", 6, 1, 0.8],
  ["keras", "vgg16.h5", 6, 1, 0.8],
  ["paddle", "vgg16.pdparams", 28, 1.5, 1.8],
  ["matconvnet", "vgg16.mat", 28, 1.5, 1.8],
  ["onnx", "vgg16.onnx", 28, 1.5, 1.8],
];

const command = fileURLToPath(new URL("../bin/vggtool", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "vggtool-remote-bench-"));
try {
  const first = join(folder, "first.pth");
  writeTorchvision(first, 16, false);
  console.log("| list | requests (limit) | MB (limit) | seconds | more than locally (limit) | |\n|---|---|---|---|---|---|");
  for (const [to, file, requests, megabytes, seconds] of rows) {
    if (values.only !== undefined && values.only !== to) continue;
    const path = join(folder, file);
    const made = spawnSync(process.execPath, [command, "convert", first, "--to", to, "-o", path, "--no-check"], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    const server = await serve(folder, { delay: Number(values.delay) });
    await listed(path);
    const here = await median(() => listed(path));
    const there = await median(() => listed(`${server.origin}/${file}`));
    const runs = Number(values.runs);
    const [asked, fetched] = [server.requests.length / runs, server.bytes / runs / 1e6];
    const more = there - here;
    const reached = asked <= requests && fetched <= megabytes && more <= seconds;
    console.log(
      `| ${to} | ${asked} (${requests}) | ${fetched.toFixed(2)} (${megabytes}) | ${there.toFixed(2)} | ${more.toFixed(2)} (${seconds}) | ${reached ? "reached" : "not reached"} |`,
    );
    await server.close();
    rmSync(path, { force: true });
  }
  if (values.only === undefined || values.only === "convert") await converted(first);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function median(run: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let k = 0; k < Number(values.runs); k++) times.push(await run());
  return middle(times);
}

function middle(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** A remote torch file, downloaded by curl, and converted: how much of the download's throughput that has, and its memory. */
async function converted(path: string): Promise<void> {
  const server = await serve(folder, { delay: Number(values.delay) });
  const source = `${server.origin}/${basename(path)}`;
  const copy = join(folder, "copy.pth");
  const out = join(folder, "out.safetensors");
  const downloads: number[] = [];
  const conversions: number[] = [];
  let peak = 0;
  for (let k = 0; k < Number(values.runs); k++) {
    downloads.push((await timed("curl", ["--silent", "--fail", "-o", copy, source])).seconds);
    rmSync(copy);
    const args = [command, "convert", source, "-o", out, "--force"];
    const { seconds, kilobytes } = await timed(process.execPath, args);
    conversions.push(seconds);
    peak = Math.max(peak, kilobytes / 1024);
  }
  await server.close();
  const [download, conversion] = [middle(downloads), middle(conversions)];
  const reached = download / conversion >= 0.8 && peak <= 200;
  console.log(
    `\n| convert, 553 MB of torch | download ${download.toFixed(2)} s | convert ${conversion.toFixed(2)} s | ${Math.round((100 * download) / conversion)} % (80) | ${peak.toFixed(0)} MB (200) | ${reached ? "reached" : "not reached"} |`,
  );
}

/** A process's seconds and its peak memory, by GNU time. */
function timed(program: string, args: readonly string[]): Promise<{ readonly seconds: number; readonly kilobytes: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn("/usr/bin/time", ["-f", "%M", program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.on("error", reject).on("close", (code) => {
      const seconds = (performance.now() - started) / 1000;
      if (code === 0) resolve({ seconds, kilobytes: Number(said.trim().split("\n").at(-1)) });
      else reject(new Error(`${program} ended with ${code}: ${said}`));
    });
  });
}

/** Seconds of a process that lists a checkpoint. */
function listed(source: string): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    spawn(process.execPath, [command, "inspect", source, "--json"], { stdio: "ignore" }).on("close", (code) =>
      code === 0 ? resolve((performance.now() - started) / 1000) : reject(new Error(`inspect ${source} ended with ${code}`)),
    );
  });
}
