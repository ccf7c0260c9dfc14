/**
 * Opens every real file and compares its tensors with the answers of the reference readers, by hash and shape. Prints what is
 * wrong and a table by folder: files with an answer that are right, that differ as real/decided.json says, that are wrong, of those
 * tried; and what the others ended with. Exits 1 where anything is wrong or broken.
 *
 *     npx tsx test/collections/real.ts [--dir FOLDER]… [--file TEXT] [--quiet] [--slow SECONDS] [--decided]
 *
 * `--decided` prints the decided differences too.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isCheckpointError } from "../../src/errors.ts";
import type { Context } from "../../src/io/context.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { isRecord } from "../support/golden.ts";
import { real } from "../support/paths.ts";
import { type Answer, readAnswers } from "./real/answers.ts";
import { type Differences, differences } from "./real/compare.ts";
import { judge, judgeRefusal, readDecided } from "./real/decided.ts";

const { values } = parseArgs({
  options: {
    dir: { type: "string", multiple: true },
    file: { type: "string" },
    quiet: { type: "boolean" },
    slow: { type: "string", default: "2" },
    decided: { type: "boolean" },
  },
});
if (real === undefined) throw new Error("../shared/real is not there");
const folder = real;

/** How a file ended: with an answer right, decided or wrong; without one opened or refused; broken where we are. */
type End = "right" | "decided" | "wrong" | "opened" | "refused" | "broken";
interface Outcome {
  readonly end: End;
  readonly lines: readonly string[];
}

const answers = readAnswers(join(folder, "answers"));
const decided = readDecided();

async function outcomeOf(file: string, ctx: Context): Promise<Outcome> {
  const answer = answers.get(file);
  const entry = decided.get(file);
  try {
    const checkpoint = await open(join(folder, file), ctx);
    try {
      const found = await differences(checkpoint, answer ?? nothing, ctx);
      if (answer === undefined) return { end: "opened", lines: [] };
      const left = entry === undefined ? found : await judge(entry, found, checkpoint, ctx);
      const lines = linesOf(left);
      if (lines.length > 0) return { end: "wrong", lines };
      return entry === undefined ? { end: "right", lines } : { end: "decided", lines: linesOf(found) };
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    if (!isCheckpointError(error)) {
      return { end: "broken", lines: [`BUG ${error instanceof Error ? error.stack?.split("\n").slice(0, 3).join(" ") : String(error)}`] };
    }
    const line = `${error.code}: ${error.message}`;
    // An answer may say no more than that the file is refused.
    if (answer === undefined || answer.arrays.length === 0) return { end: answer === undefined ? "refused" : "right", lines: [line] };
    const faults = entry === undefined ? [line] : judgeRefusal(entry, error.code, error.message);
    return faults.length > 0 ? { end: "wrong", lines: faults } : { end: "decided", lines: [line] };
  }
}

const nothing: Answer = { arrays: [], sparse: [], others: new Set() };

function linesOf({ missing, extra, wrong }: Differences): readonly string[] {
  return [
    ...missing.map(({ name, shape, hashes }) => `not found: ${name} [${shape}] ${hashes[0]}`),
    ...extra.map(({ name, shape, dtype, digest }) => `not in the answer: ${name} [${shape}] ${dtype} ${digest}`),
    ...wrong,
  ];
}

const table = new Map<string, Record<End, number>>();
const tally = (): Record<End, number> => ({ right: 0, decided: 0, wrong: 0, opened: 0, refused: 0, broken: 0 });
const sum = tally();
const started = performance.now();
const index: unknown = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
const files = (Array.isArray(index) ? index : []).flatMap((row: unknown) =>
  isRecord(row) && typeof row.file === "string" ? [row.file] : [],
);
for (const file of decided.keys()) if (!files.includes(file)) throw new Error(`decided.json: ${file} is no real file`);
for (const file of files) {
  const dir = file.split("/")[0] ?? "";
  if ((values.dir && !values.dir.includes(dir)) || (values.file && !file.includes(values.file))) continue;
  const ctx = createContext({ values: true });
  const begun = performance.now();
  const { end, lines } = await outcomeOf(file, ctx);
  await ctx.dispose();
  const seconds = (performance.now() - begun) / 1000;
  if (seconds > Number(values.slow)) console.log(`${file}: ${seconds.toFixed(1)} s`);
  const count = table.get(dir) ?? tally();
  table.set(dir, count);
  count[end] += 1;
  sum[end] += 1;
  const shown = end === "decided" ? values.decided : !values.quiet;
  if (lines.length === 0 || !shown) continue;
  console.log(`${file}: ${end === "decided" ? `decided: ${decided.get(file)?.reason}` : end}`);
  for (const line of lines.slice(0, 4)) console.log(`    ${line.slice(0, 300)}`);
  if (lines.length > 4) console.log(`    … ${lines.length} in all`);
}

const columns = ["right", "differs as decided", "wrong", "tried", "", "opened", "refused", "broken"];
const row = (name: string, cells: readonly string[]): string =>
  [name.padEnd(18), ...cells.map((cell, k) => cell.padStart(columns[k]?.length ?? 0))].join("  ");
console.log(row("folder", columns));
for (const [name, count] of [...table].sort()) console.log(row(name, cellsOf(count)));
console.log(row("all", cellsOf(sum)));
console.log(
  `answers: right ${sum.right}, differs as decided ${sum.decided}, wrong ${sum.wrong} / ${triedOf(sum)}; broken: ${sum.broken}; ${((performance.now() - started) / 1000).toFixed(0)} s`,
);
if (sum.wrong + sum.broken > 0) process.exitCode = 1;

function triedOf(count: Record<End, number>): number {
  return count.right + count.decided + count.wrong;
}

function cellsOf(count: Record<End, number>): readonly string[] {
  const { right, decided: listed, wrong, opened, refused, broken } = count;
  return [right, listed, wrong, triedOf(count), "", opened, refused, broken].map(String);
}
