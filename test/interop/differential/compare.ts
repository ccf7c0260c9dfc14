/**
 * Compares what vggtool reads of generated files with what the library read that they are for: the same, or refused.
 *
 *     npx tsx test/interop/differential/compare.ts FOLDER [--values] [--strict] [--verbose]
 *
 * FOLDER has answers.json (answers.py). `--values`: names are not compared, where the library's are others than ours. `--strict`: texts are
 * compared too, and what the library reads must not be refused.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isCheckpointError } from "../../../src/errors.ts";
import { createContext } from "../../../src/io/run.ts";
import { open } from "../../../src/open.ts";
import { hash } from "../../../src/tensor/hash.ts";
import { isNumeric } from "../../../src/tensor/tensor.ts";
import { isRecord } from "../../support/golden.ts";

/** A wrong file ends up in the report with its first differences. */
const shownDifferences = 4;

type Row = readonly [name: string, dtype: string, shape: string, digest: string];

function rowsOf(answer: Readonly<Record<string, unknown>>): readonly Row[] {
  if (!Array.isArray(answer.arrays)) return [];
  return answer.arrays.map((row: unknown): Row => {
    const [name, dtype, shape, digest] = Array.isArray(row) ? row : [];
    return [String(name), String(dtype), JSON.stringify(shape), String(digest)];
  });
}

const [folder = "", ...options] = process.argv.slice(2);
const isStrict = options.includes("--strict");

/** Our rows, or the code of the error. */
async function read(path: string): Promise<readonly Row[] | string> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await open(path, ctx);
    try {
      const rows: Row[] = [];
      for (const tensor of checkpoint.tensors.values()) {
        if (isNumeric(tensor) || isStrict) rows.push([tensor.name, tensor.dtype, JSON.stringify(tensor.shape), await hash(tensor, ctx)]);
      }
      return rows;
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    if (isCheckpointError(error)) return error.code;
    throw error;
  } finally {
    await ctx.dispose();
  }
}

const compared = (row: Row): string => (options.includes("--values") ? row.slice(1) : row).join(" ");
const answers: unknown = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8"));
const counts = { same: 0, refused: 0, "refused by both": 0, "refused by the library": 0, wrong: 0 };
for (const answer of Array.isArray(answers) ? answers : []) {
  if (!isRecord(answer) || typeof answer.file !== "string") continue;
  const ours = await read(join(folder, answer.file));
  const isRefused = typeof answer.refused === "string";
  if (typeof ours === "string") {
    counts[isRefused ? "refused by both" : "refused"] += 1;
    if (!isRefused && (isStrict || options.includes("--verbose"))) console.log(`refused ${answer.file}: ${ours}`);
  } else if (isRefused) {
    counts["refused by the library"] += 1;
    if (options.includes("--verbose")) console.log(`only we read ${answer.file}: ${answer.refused}`);
  } else {
    const [found, wanted] = [ours.map(compared).sort(), rowsOf(answer).map(compared).sort()];
    if (found.join("\n") === wanted.join("\n")) counts.same += 1;
    else {
      counts.wrong += 1;
      const missing = wanted.filter((row) => !found.includes(row)).slice(0, shownDifferences);
      const extra = found.filter((row) => !wanted.includes(row)).slice(0, shownDifferences);
      console.log(`${answer.file}: the library has ${JSON.stringify(missing)}, we have ${JSON.stringify(extra)}`);
    }
  }
}
console.log(
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(", "),
);
if (counts.wrong > 0 || counts.same === 0 || (isStrict && counts.refused > 0)) process.exitCode = 1;
