/**
 * Runs the built `vggtool inspect` on every hostile golden file: allowed exit code, a sentence, 2 s, 300 MB, and no file PWNED.
 *
 *     npx tsx test/collections/hostile.ts [part of a file's name]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isRecord } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

if (golden === undefined) throw new Error("../shared/golden is not there");
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(golden, "hostile");
const work = mkdtempSync(join(tmpdir(), "vggtool-hostile-"));
const rows: unknown = JSON.parse(readFileSync(join(folder, "exits.json"), "utf8"));
let right = 0;
let tried = 0;
for (const row of Array.isArray(rows) ? rows : []) {
  if (!isRecord(row) || typeof row.file !== "string" || !Array.isArray(row.exit)) continue;
  if (process.argv[2] !== undefined && !row.file.includes(process.argv[2])) continue;
  const problems: string[] = [];
  let sentence = "";
  for (const flags of [[], ["--hash"]]) {
    const peak = join(work, "peak");
    const started = performance.now();
    const run = spawnSync(process.execPath, [join(root, "bin", "vggtool"), "inspect", join(folder, row.file), ...flags], {
      cwd: work,
      encoding: "utf8",
      timeout: 30_000,
      env: { ...process.env, PEAK_FILE: peak, NODE_OPTIONS: `--import ${join(root, "bench", "peak.mjs")}` },
    });
    const seconds = (performance.now() - started) / 1000;
    const megabytes = existsSync(peak) ? Number(readFileSync(peak, "utf8")) / 1000 : Number.NaN;
    rmSync(peak, { force: true });
    const label = ["inspect", ...flags].join(" ");
    sentence = (run.stderr || run.stdout).trim().split("\n").slice(0, 2).join(" | ");
    if (flags.length > 0 && !row.exit.includes(run.status))
      problems.push(`${label}: exit ${run.status}, allowed ${JSON.stringify(row.exit)}`);
    if (run.status !== 0 && !run.stderr.startsWith("vggtool: ")) problems.push(`${label}: no sentence: ${run.stderr.slice(0, 200)}`);
    if (run.stderr.includes("this is a bug")) problems.push(`${label}: ${run.stderr.slice(0, 300)}`);
    if (flags.length === 0 && !(seconds < 2)) problems.push(`${label}: ${seconds.toFixed(1)} s`);
    if (flags.length === 0 && !(megabytes < 300)) problems.push(`${label}: ${megabytes} MB`);
    if (existsSync(join(work, "PWNED"))) problems.push(`${label}: PWNED appeared`);
  }
  tried += 1;
  if (problems.length === 0) right += 1;
  console.log(`${problems.length === 0 ? "ok  " : "FAIL"} ${row.file}: ${sentence.slice(0, 230)}`);
  for (const problem of problems) console.log(`       ${problem}`);
}
rmSync(work, { recursive: true });
console.log(`hostile right / tried: ${right} / ${tried}`);
process.exitCode = right === tried ? 0 : 1;
