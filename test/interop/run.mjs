/**
 * The interop job: virtual environments with the real frameworks load what vggtool writes and recompute the logits.
 * Environments lie outside the checkout (XDG_CACHE_HOME), named after the hash of their pinned requirements, and are kept between runs.
 *
 *     node test/interop/run.mjs [part of a job's name]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentPython } from "./environment.mjs";
import { jobs } from "./jobs.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 });
  if (result.status === 0) return result.stdout.trim();
  throw new Error(`${command} ${args.join(" ")}\nexit code ${result.status}\n${result.stdout}\n${result.stderr}\n${result.error ?? ""}`);
}

let passed = 0;
let failed = 0;
for (const job of jobs) {
  if (process.argv[2] !== undefined && !job.name.includes(process.argv[2])) continue;
  const out = mkdtempSync(join(tmpdir(), "vggtool-interop-"));
  const started = performance.now();
  try {
    const lines = job.run({
      out,
      vggtool: (...args) => run(process.execPath, [join(root, "bin", "vggtool"), ...args]),
      python: (script, ...args) =>
        run(environmentPython(job.environment), [join(here, script), ...args])
          .split("\n")
          .at(-1),
    });
    passed += 1;
    console.log(`ok   ${job.name} (${((performance.now() - started) / 1000).toFixed(1)} s)${lines === undefined ? "" : `: ${lines}`}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${job.name}\n${error instanceof Error ? error.message : String(error)}`);
  }
  rmSync(out, { recursive: true, force: true });
}
console.log(`interop: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
