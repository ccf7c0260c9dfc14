/**
 * The interop job: virtual environments with the real frameworks load what vggtool writes and recompute the logits.
 * Environments are outside the checkout (XDG_CACHE_HOME), named after the hash of their pinned requirements, and are kept between runs.
 *
 *     node test/interop/run.mjs [--source] [part of a job's name]…
 *
 * `--source` runs src/ as it is instead of the built command.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { environmentEngines, environmentWebgpu, swiftshader } from "./engines.mjs";
import { environmentNode, environmentPython } from "./environment.mjs";
import { jobs } from "./jobs.mjs";
import { Workers } from "./worker.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const goldenFolder = join(root, "..", "shared", "golden");
const golden = existsSync(goldenFolder) ? goldenFolder : undefined;
/** Programs of Debian's packages, which .ci/run installs: what a job needs, the program, and its package. */
const programs = [
  { name: "octave", program: "octave-cli", from: "octave" },
  { name: "parallel", program: "parallel", from: "parallel" },
  { name: "redis-server", program: "redis-server", from: "redis-server" },
].map((row) => ({ ...row, isThere: spawnSync(row.program, ["--version"]).status === 0 }));
/** Jobs at a time: while Python computes, Node may convert. */
const lanes = 2;

async function run(command, args, options = {}) {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: root, maxBuffer: 64 << 20, ...options });
    return stdout.trim();
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.message}\n${error.stdout ?? ""}`);
  }
}

function attempted(command, args, env) {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: root, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

const wanted = process.argv.slice(2).filter((arg) => arg !== "--source");
const main = `import { main } from ${JSON.stringify(pathToFileURL(join(root, "src", "cli", "main.ts")))}; await main(process.argv.slice(1));`;
const command = process.argv.includes("--source")
  ? ["--import", "tsx", "--input-type=module", "-e", main, "--"]
  : [join(root, "bin", "vggtool")];
const waiting = jobs.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const counts = { passed: 0, failed: 0, skipped: 0 };
const workers = new Workers();
// Before anything runs at once: an environment is made by one process.
for (const name of new Set(waiting.flatMap(({ environment }) => environment ?? []))) {
  if (name === "engines") environmentEngines();
  else if (name === "webgpu") environmentWebgpu();
  else if (name.startsWith("node")) environmentNode(name);
  else environmentPython(name);
}

async function lane() {
  for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await attempt(job);
}

/** Why a job cannot run here. */
function lacks({ needs = [] }) {
  const wants = [needs].flat();
  if (wants.includes("golden") && golden === undefined) return "../shared/golden is not there";
  if (wants.includes("swiftshader") && swiftshader() === undefined) return "SwiftShader is not there (apt-get install chromium-common)";
  const missing = programs.find(({ name, isThere }) => wants.includes(name) && !isThere);
  return missing === undefined ? undefined : `${missing.program} is not there (apt-get install ${missing.from})`;
}

async function attempt(job) {
  const missing = lacks(job);
  if (missing !== undefined) {
    counts.skipped += 1;
    console.log(`skip ${job.name}: ${missing}`);
    return;
  }
  const out = mkdtempSync(join(tmpdir(), "vggtool-interop-"));
  const started = performance.now();
  try {
    const lines = await job.run({
      out,
      root,
      golden,
      vggtool: (...args) => run(process.execPath, [...command, ...args]),
      /** The same with another environment, for what is meant to fail: its exit code and what it says. */
      attempted: (args, env) => attempted(process.execPath, [...command, ...args], env),
      /** A program of the checkout, TypeScript too. */
      program: (args, env) => run(process.execPath, ["--import", "tsx", ...args], { env: { ...process.env, ...env } }),
      /** A module of this folder, in the job's environment; paths inside the checkout become absolute. */
      python: (module, ...args) => workers.call(job.environment, module, args.map(absolute)),
      /** A script of this folder, run by GNU Octave. */
      octave: (script, ...args) => run("octave-cli", ["--norc", "--no-gui", join(root, "test", "interop", script), ...args.map(absolute)]),
      /** A program of this folder, run by Node with the packages of the job's environment. */
      node: (program, ...args) =>
        run(process.execPath, [join(root, "test", "interop", program), ...args.map(absolute)], {
          env: { ...process.env, VGGTOOL_INTEROP_PACKAGES: environmentNode(job.environment) },
        }),
    });
    counts.passed += 1;
    console.log(`ok   ${job.name} (${((performance.now() - started) / 1000).toFixed(1)} s)${lines === undefined ? "" : `: ${lines}`}`);
  } catch (error) {
    counts.failed += 1;
    console.log(`FAIL ${job.name}\n${error instanceof Error ? error.message : String(error)}`);
  }
  rmSync(out, { recursive: true, force: true });
}

function absolute(arg) {
  return typeof arg === "string" && !isAbsolute(arg) && existsSync(join(root, arg)) ? join(root, arg) : arg;
}

await Promise.all(Array.from({ length: lanes }, lane));
workers.close();
console.log(`interop: ${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
