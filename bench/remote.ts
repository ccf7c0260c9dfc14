/** Full-size files behind a server that takes 50 ms for each answer: requests, megabytes and seconds of whole processes. See --help. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  (npm run build) from the server and from the disk: the median of N runs.`);
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
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function median(run: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let k = 0; k < Number(values.runs); k++) times.push(await run());
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
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
