/**
 * Coverage-guided fuzzing with nothing but Node: a changed file that makes a part of our code run that no file did before is kept, and
 * changed further. Runs in one process; the file being tried is in the folder that is printed, should the process hang or die.
 *
 *     npx tsx test/fuzz/fuzz-guided.ts [--seconds 20] [--seed N] [--reader TEXT] [--keep FOLDER]
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "../support/random.ts";
import { Coverage } from "./coverage.ts";
import { limits } from "./messages.ts";
import { filesOf, type Row, rowName, rows } from "./subjects.ts";
import { trial } from "./trial.ts";

const { values: given } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    reader: { type: "string", default: "" },
    keep: { type: "string" },
  },
});
/** Larger files are left to fuzz.ts: one trial of them takes too long to learn from. */
const largest = 16_384;
const random = new Random(Number(given.seed));
const folder = given.keep ?? mkdtempSync(join(tmpdir(), "vggtool-fuzz-guided-"));
mkdirSync(folder, { recursive: true });

interface Place {
  readonly row: Row;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The file as it is, and what was kept of its changes. */
  readonly pool: Uint8Array[];
}

const places: Place[] = [];
for (const row of rows) {
  const files = filesOf(row.subject);
  const bytes = files.get(row.file);
  if (bytes === undefined || bytes.length > largest) continue;
  if (`${row.subject.format} ${rowName(row)}`.includes(given.reader)) places.push({ row, files, pool: [bytes] });
}

/** A few changes one upon the other: values, copies within the file, parts of another file, cuts and repeats. */
function changed(place: Place): Uint8Array {
  let bytes: Uint8Array = random.pick(place.pool).slice();
  for (let k = random.integer(1, 5); k > 0 && bytes.length > 0; k -= 1) {
    const at = random.integer(0, bytes.length - 1);
    const length = Math.min(random.integer(1, 16), bytes.length - at);
    const sort = random.integer(0, 7);
    const other = sort === 5 ? random.pick(random.pick(places).pool) : bytes;
    const from = random.integer(0, Math.max(0, other.length - length));
    if (sort === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
    else if (sort === 1) bytes[at] = random.integer(0, 255);
    else if (sort === 2) bytes.fill(random.pick([0, 0xff, 0x7f, 0x80]), at, at + length);
    else if (sort === 3) bytes[at] = ((bytes[at] ?? 0) + random.integer(-4, 4) + 256) % 256;
    else if (sort === 4 || sort === 5) bytes.set(other.subarray(from, Math.min(other.length, from + length)), at);
    else if (sort === 6) bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
    else if (bytes.length < largest) bytes = joined(bytes.subarray(0, at + length), bytes.subarray(at));
  }
  return bytes;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const coverage = new Coverage();
for (const { row, files } of places) await trial(row.subject, files, true);
coverage.fresh();
const atFirst = coverage.size;
const end = performance.now() + Number(given.seconds) * 1000;
let tried = 0;
let kept = 0;
let problems = 0;
let slowest = 0;
while (performance.now() < end) {
  const place = random.pick(places);
  const bytes = changed(place);
  writeFileSync(join(folder, "last"), bytes);
  const busy = process.cpuUsage();
  let problem: string | undefined;
  try {
    await trial(place.row.subject, new Map([...place.files, [place.row.file, bytes]]), tried % 16 === 0);
  } catch (error) {
    problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user, system } = process.cpuUsage(busy);
  const ms = (user + system) / 1000;
  if (ms > limits.seconds * 1000) problem ??= `it took ${Math.round(ms)} ms`;
  slowest = Math.max(slowest, ms);
  tried += 1;
  if (problem !== undefined) {
    problems += 1;
    const name = createHash("sha1").update(bytes).digest("hex").slice(0, 12);
    writeFileSync(join(folder, name), bytes);
    console.log(`PROBLEM ${rowName(place.row)}: ${join(folder, name)}\n  ${problem.split("\n").slice(0, 5).join("\n  ")}`);
  } else if (coverage.fresh() > 0) {
    place.pool.push(bytes);
    kept += 1;
  }
}
console.log(
  `guided: ${places.length} files, ${tried} changed ones tried in ${given.seconds} s (seed ${given.seed}), ${kept} kept; ` +
    `${coverage.size} blocks ran, ${coverage.size - atFirst} of them by changed files alone; slowest ${Math.round(slowest)} ms; ${problems} problems`,
);
if (problems === 0 && given.keep === undefined) rmSync(folder, { recursive: true });
process.exitCode = problems === 0 && tried > 0 ? 0 : 1;
