import { CheckpointError, type FoundCheckpoints, findCheckpoints, mayBeMany } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import type { SummaryRecord } from "../../report/many/rows.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { type CommonOptions, type Output, setExitCode } from "../output.ts";
import { type CountProgress, countProgress } from "../progress.ts";
import { runTask } from "./run-task.ts";
import type { Failure, Form, Outcome, Task } from "./task.ts";
import type { Runner } from "./threads.ts";

/** What a command that takes many checkpoints shares with the others. */
export interface ManyOptions extends CommonOptions {
  readonly jobs?: number;
  readonly offline?: boolean;
  readonly download?: boolean;
  readonly cache?: string;
}

/** How addresses are read while checkpoints are looked for. */
export function finding({ offline, download, cache }: ManyOptions): Pick<ManyOptions, "offline" | "download" | "cache"> {
  return {
    ...(offline === undefined ? {} : { offline }),
    ...(download === undefined ? {} : { download }),
    ...(cache === undefined ? {} : { cache }),
  };
}

/** One plain checkpoint, as a command without others takes it; or what several sources, or one of many, lead to. */
export async function oneOrMany(sources: readonly string[], given: ManyOptions, signal: AbortSignal): Promise<string | FoundCheckpoints> {
  const [first = "", ...others] = sources;
  if (others.length === 0 && !mayBeMany(first)) return first;
  const found = await findCheckpoints(sources, { ...finding(given), signal });
  const [only, ...more] = found.checkpoints;
  return others.length === 0 && only !== undefined && more.length === 0 ? only.source : found;
}

export interface ManyRun {
  readonly tasks: readonly Task[];
  readonly found: FoundCheckpoints;
  readonly given: ManyOptions;
  readonly output: Output;
  /** Everything that the verb says of each, in place of a row of a table. */
  readonly whole: boolean;
  readonly signal: AbortSignal;
}

/** Outcomes that wait for an earlier one to be printed, for each thread. */
const AHEAD = 8;

/** Runs the tasks, prints what comes of them in their order, and the summary; one that fails is reported and the rest goes on. */
export async function runMany({ tasks, found, given, output, whole, signal }: ManyRun): Promise<void> {
  const started = performance.now();
  const { width } = output.style;
  const form: Form = { kind: output.json ? "json" : whole ? "text" : "row", color: colored(output) ? "always" : "never", width };
  const bar = countProgress(tasks.length, given.quiet === true);
  const runner = await runnerFor(Math.min(given.jobs ?? 1, tasks.length), form, signal);
  const rows: (readonly string[])[] = [];
  const counts = { done: 0, no: 0, failed: 0 };
  let interrupted = false;
  try {
    for await (const { task, outcome } of inOrder(tasks, runner, bar)) {
      interrupted ||= outcome.kind === "failure" && outcome.failure.code === "interrupted";
      if (interrupted) break;
      bar.hide();
      const code = print(task, outcome, output, rows);
      setExitCode(code);
      counts[code === exitCodes.done ? "done" : code === exitCodes.no ? "no" : "failed"] += 1;
    }
  } finally {
    bar.hide();
    await runner.close();
  }
  await printTable(tasks, rows, output);
  const { skipped, repeated } = found;
  const seconds = Math.round(performance.now() - started) / 1000;
  const summary: SummaryRecord = { schema: "vggtool/summary/1", total: tasks.length, ...counts, skipped, repeated, seconds };
  if (output.json) output.data(toJson(summary));
  else output.note((await import("../../report/many/rows.ts")).summaryText(summary));
  if (interrupted) setExitCode(exitCodes.interrupted);
}

async function runnerFor(atOnce: number, form: Form, signal: AbortSignal): Promise<Runner> {
  if (atOnce > 1) return new (await import("./threads.ts")).Threads(atOnce, form, signal);
  return { atOnce: 1, run: (task) => runTask(task, form, signal), close: async () => {} };
}

/** The outcomes in the order of the tasks, a few of which are always ahead. */
async function* inOrder(
  tasks: readonly Task[],
  runner: Runner,
  bar: CountProgress,
): AsyncGenerator<{ readonly task: Task; readonly outcome: Outcome }> {
  const coming: Promise<Outcome>[] = [];
  const ahead = runner.atOnce === 1 ? 1 : runner.atOnce * AHEAD;
  for (const [k, task] of tasks.entries()) {
    for (const next of tasks.slice(coming.length, k + ahead)) {
      const outcome = runner.run(next);
      coming.push(outcome);
      void outcome.then(() => bar.step());
    }
    const outcome = await coming[k];
    delete coming[k];
    if (outcome !== undefined) yield { task, outcome };
  }
}

function print(task: Task, outcome: Outcome, output: Output, rows: (readonly string[])[]): ExitCode {
  if (outcome.kind === "failure") return reportFailure(errorOf(outcome.failure), output.json, task.source);
  if (outcome.text !== "") output.data(output.json ? outcome.text : `${outcome.text}\n\n`);
  if (outcome.cells.length > 0) rows.push(outcome.cells);
  return outcome.code;
}

/** As it was thrown, perhaps in another thread. */
function errorOf({ code, message, where, stack }: Failure): Error {
  const error = code === undefined ? new Error(message) : new CheckpointError(code, message, where);
  if (stack !== undefined) error.stack = stack;
  return error;
}

async function printTable([task]: readonly Task[], rows: readonly (readonly string[])[], output: Output): Promise<void> {
  if (rows.length === 0 || task === undefined || task.verb === "convert") return;
  const [{ manyColumns }, { tableBlocks }] = await Promise.all([import("../../report/many/rows.ts"), import("../../report/table.ts")]);
  const { paint, width } = output.style;
  output.pieces(tableBlocks(manyColumns[task.verb], rows, paint.faint, width), "\n");
}

function colored({ style }: Output): boolean {
  return style.paint.strong("x") !== "x";
}
