/**
 * What `layout-suspect` measures, and what it and `looks-initial` answer, on networks of which
 * test/interop/trained_networks.py knows the truth. Prints the counts of docs/findings.md; with --each a line for every file.
 * Ends with exit code 1 when an answer is wrong, or none is right.
 *
 *     npx tsx test/collections/calibrate-findings.ts FOLDER [--each]
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Finding } from "../../src/inspect/findings/check.ts";
import { firstDense } from "../../src/inspect/findings/first-dense.ts";
import { measureOrders } from "../../src/inspect/findings/flatten-orders.ts";
import { layerWeights } from "../../src/inspect/findings/layer-weights.ts";
import { inspectCheckpoint } from "../../src/inspect/inspect.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { isRecord } from "../support/golden.ts";

const { values, positionals } = parseArgs({ options: { each: { type: "boolean" } }, allowPositionals: true });
const folder = positionals[0];
if (folder === undefined) throw new Error("name the folder with the trained networks");

interface Truth {
  readonly file: string;
  readonly order: string;
  readonly steps: number;
  readonly accuracy: number;
  /** Names of the layers that are as their initialiser left them. */
  readonly initial: readonly string[];
  /** Whether the first dense layer was trained. */
  readonly trained: boolean;
}

const truths = readdirSync(folder)
  .filter((file) => file.endsWith(".jsonl"))
  .flatMap((file) => readFileSync(join(folder, file), "utf8").trim().split("\n"))
  .flatMap((line): Truth[] => {
    const row: unknown = JSON.parse(line);
    if (!isRecord(row) || !Array.isArray(row.initial)) return [];
    const [steps, accuracy] = [Number(row.steps), Number(row.accuracy)];
    return [
      {
        file: String(row.file),
        order: String(row.order),
        steps,
        accuracy,
        initial: row.initial.map(String),
        trained: row.trained === true,
      },
    ];
  });

const answers = { right: 0, silent: 0, wrong: 0 };
const layers = { right: 0, missed: 0, wrong: 0 };
const counts = new Map<string, Map<string, number>>();
function count(table: string, answer: string, amount = 1): void {
  const row = counts.get(table) ?? new Map<string, number>();
  counts.set(table, row.set(answer, (row.get(answer) ?? 0) + amount));
}

for (const truth of truths) await judge(truth, join(folder, truth.file));
for (const [table, row] of [...counts].sort()) console.log(`${table}: ${[...row].map(([answer, n]) => `${answer} ${n}`).join(", ")}`);
console.log(
  `${truths.length} files; changed orders: ${answers.right} told, ${answers.silent} not; true orders doubted: ${answers.wrong}; ` +
    `initial layers: ${layers.right} told, ${layers.missed} not; trained layers called initial: ${layers.wrong}`,
);
if (answers.wrong + layers.wrong > 0 || answers.right === 0 || layers.right === 0) process.exitCode = 1;

async function judge(truth: Truth, path: string): Promise<void> {
  const ctx = createContext({ values: true });
  const checkpoint = await open(path, ctx);
  try {
    const identity = identify(checkpoint);
    const { findings } = await inspectCheckpoint(path, checkpoint, ctx, { stats: true });
    const dense = firstDense(checkpoint, identity);
    const orders = dense === undefined ? undefined : await measureOrders(dense, ctx);
    const layout = layoutAnswer(truth, findings);
    const group = !truth.trained ? "untrained fc6" : truth.steps < 100 ? "fc6 trained for < 100 steps" : "fc6 trained";
    answers[layout === "WRONG" ? "wrong" : layout === "right" ? "right" : "silent"] +=
      truth.order === "other" || layout === "WRONG" ? 1 : 0;
    count(`layout-suspect, ${group}, ${truth.order}`, layout);
    if (identity !== undefined && truth.order === "as trained") {
      const names = new Map(layerWeights(checkpoint, identity).map(({ layer, tensor }) => [layer, tensor.name]));
      const claimed = new Set(findings.filter(({ code }) => code === "looks-initial").flatMap(({ layers }) => layers));
      for (const [layer, tensor] of names) {
        const initial = truth.initial.some((name) => tensor === `${name}.weight` || tensor.startsWith(`${name}/`));
        const kind = initial ? "initial" : truth.steps < 100 ? "trained for < 100 steps" : "trained";
        if (initial) layers[claimed.has(layer) ? "right" : "missed"] += 1;
        else if (claimed.has(layer)) layers.wrong += 1;
        count(`looks-initial, ${kind} layers`, claimed.has(layer) ? "said" : "not said");
        if (values.each && claimed.has(layer) !== initial) console.log(`  ${truth.file}: ${layer} ${initial ? "missed" : "WRONG"}`);
      }
    }
    if (values.each && orders !== undefined) {
      const [right, wrong] = truth.order === "as trained" ? [orders.asRead, orders.asOther] : [orders.asOther, orders.asRead];
      const told = [right, wrong].map(({ value, noise }) => `${value.toFixed(3)} ± ${noise.toFixed(3)}`).join("  ");
      console.log(`${truth.file.padEnd(60)} ${truth.accuracy.toFixed(2)}  ${told}  ${truth.trained ? "" : "untrained "}${layout}`);
    } else if (values.each) console.log(`${truth.file} no first dense layer`);
  } finally {
    await checkpoint.close();
    await ctx.dispose();
  }
}

/** A finding is right on a file whose order was changed and wrong on one as it was trained. */
function layoutAnswer({ order }: Truth, findings: readonly Finding[]): string {
  const said = findings.some(({ code }) => code === "layout-suspect");
  if (order === "as trained") return said ? "WRONG" : "silent (right)";
  return said ? "right" : "silent";
}
