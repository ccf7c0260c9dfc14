/**
 * Damages one small file of every kind in every way and opens it: only a CheckpointError or a correct parse may come out, within 2 s
 * and 300 MB. Workers do the opening, so that a hang or an exhausted memory is caught and named. docs/fuzzing.md explains.
 *
 *     npx tsx test/fuzz/fuzz.ts [--reader TEXT] [--seed N] [--random N] [--all-values] [--seconds N | --minutes N] [--jobs N] [--smallest]
 *     npx tsx test/fuzz/fuzz.ts --reader TEXT --only N       one mutation, alone
 *
 * `--smallest` takes the smallest file of each format: all its mutations take minutes, those of all files take hours.
 */
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isResult, type Job, limits, type Result } from "./messages.ts";
import { describe, mutated, mutationPlan } from "./mutations.ts";
import { filesOf, rowName, rows } from "./subjects.ts";
import { trial } from "./trial.ts";

const { values: given } = parseArgs({
  options: {
    reader: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    random: { type: "string", default: "2000" },
    "all-values": { type: "boolean", default: false },
    seconds: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string", default: String(Math.min(4, availableParallelism())) },
    only: { type: "string" },
    smallest: { type: "boolean", default: false },
  },
});
/** Whether the file that is damaged is the one that is named on the command line, and not one beside it. */
const isOpened = (row: (typeof rows)[number]): boolean => row.file === row.subject.entry;
const plan = { seed: Number(given.seed), random: Number(given.random), allValues: given["all-values"] };
const budget = given.seconds !== undefined ? Number(given.seconds) : Number(given.minutes ?? Number.POSITIVE_INFINITY) * 60;
/** A worker that says nothing for so long hangs: far beyond the limit, since the machine may be busy. */
const patience = 10 * limits.seconds * 1000;
/** A worker loads the whole of `src/` before its first file. */
const startPatience = 120_000;
const folder = mkdtempSync(join(tmpdir(), "vggtool-fuzz-"));
const chosen = rows
  .map((row, index) => ({ row, index, size: filesOf(row.subject).get(row.file)?.length ?? 0 }))
  .filter(({ row }) => `${row.subject.format} ${rowName(row)}`.includes(given.reader))
  .sort((a, b) => a.size - b.size)
  .filter(
    ({ row }, k, sorted) =>
      !given.smallest || k === sorted.findIndex((other) => isOpened(other.row) && other.row.subject.format === row.subject.format),
  );

interface Sum {
  readonly tried: Result["tried"];
  readonly outcomes: Result["outcomes"];
  readonly problems: Result["problems"];
  readonly slowest: Result["slowest"];
  readonly peak: Result["peak"];
}

const nothing: Sum = {
  tried: { prefix: 0, byte: 0, random: 0 },
  outcomes: {},
  problems: [],
  slowest: { ms: 0, n: 0 },
  peak: { megabytes: 0, n: 0 },
};

function added(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}

function plus(a: Sum, b: Sum): Sum {
  return {
    tried: { prefix: a.tried.prefix + b.tried.prefix, byte: a.tried.byte + b.tried.byte, random: a.tried.random + b.tried.random },
    outcomes: added(a.outcomes, b.outcomes),
    problems: [...a.problems, ...b.problems],
    slowest: b.slowest.ms > a.slowest.ms ? b.slowest : a.slowest,
    peak: b.peak.megabytes > a.peak.megabytes ? b.peak : a.peak,
  };
}

/** A worker process and the file in which it says where it is. */
function startWorker(state: string) {
  return fork(fileURLToPath(new URL("worker.ts", import.meta.url)), [state], {
    // Little room for garbage, so that the memory seen is the memory needed; array buffers are not counted in it.
    execArgv: ["--import", "tsx", "--max-old-space-size=256", "--max-semi-space-size=4"],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
}

/** One worker's place in the run; starts a new one after a death. */
class Seat {
  readonly #state: string;
  #worker: ReturnType<typeof startWorker> | undefined;

  constructor(k: number) {
    this.#state = join(folder, `state-${k}`);
  }

  /** Does one job, or as much as the worker lives for. */
  async run(job: Job): Promise<Result | { readonly died: string; readonly at: number }> {
    // What the one before it has written is no place of this one.
    if (this.#worker === undefined) rmSync(this.#state, { force: true });
    const worker = this.#worker ?? startWorker(this.#state);
    this.#worker = worker;
    let errors = "";
    const listen = (chunk: Buffer): void => {
      errors = (errors + chunk.toString()).slice(-2000);
    };
    worker.stderr?.on("data", listen);
    let watched = { at: -1, since: performance.now() };
    let why = "";
    const timer = setInterval(() => {
      const at = this.#position();
      if (at !== watched.at) watched = { at, since: performance.now() };
      else if (performance.now() - watched.since > (at < 0 ? startPatience : patience)) {
        why = at < 0 ? `it did not start within ${startPatience / 1000} s` : `it hung for ${Math.round(patience / 1000)} s`;
        worker.kill("SIGKILL");
      }
    }, 250);
    try {
      return await new Promise((resolve) => {
        worker.once("message", (message: unknown) => {
          if (isResult(message)) resolve(message);
        });
        worker.once("exit", (code, signal) => {
          this.#worker = undefined;
          resolve({ died: why || `the process died (${signal ?? code}): ${errors}`, at: this.#position() });
        });
        worker.send(job);
      });
    } finally {
      clearInterval(timer);
      worker.removeAllListeners("message");
      worker.removeAllListeners("exit");
      worker.stderr?.off("data", listen);
    }
  }

  #position(): number {
    try {
      const bytes = readFileSync(this.#state);
      return bytes.length < 8 ? -1 : bytes.readDoubleLE(0);
    } catch {
      return -1; // not written yet
    }
  }

  close(): void {
    this.#worker?.disconnect();
  }
}

/** A trial that was slow or large among others is repeated alone: a busy machine and garbage of earlier trials are no fault of the file. */
async function confirmed(result: Sum, index: number): Promise<Sum> {
  const problems: Result["problems"][number][] = [];
  for (const problem of result.problems) {
    if (!problem.what.startsWith("it took")) {
      problems.push(problem);
      continue;
    }
    const seat = new Seat(1000 + index);
    const again = await seat.run({ row: index, from: positionOf(index, problem.n), seconds: 0.001, ...plan });
    seat.close();
    if ("died" in again) problems.push({ n: problem.n, what: again.died });
    else problems.push(...again.problems.filter(({ n }) => n === problem.n));
  }
  return { ...result, problems };
}

function planOf(index: number) {
  const row = rows[index];
  if (row === undefined) throw new RangeError(`no row ${index}`);
  return mutationPlan(filesOf(row.subject).get(row.file) ?? new Uint8Array(0), plan);
}

function positionOf(index: number, n: number): number {
  const each = planOf(index);
  for (let k = 0; k < each.total; k += 1) if (each.order(k) === n) return k;
  throw new RangeError(`no mutation ${n}`);
}

async function fuzzRow(seat: Seat, index: number, seconds: number): Promise<Sum> {
  let sum = nothing;
  const end = performance.now() + seconds * 1000;
  const each = planOf(index);
  for (let from = 0; from < each.total; ) {
    const left = Math.min(3600, (end - performance.now()) / 1000);
    if (left <= 0) break;
    const result = await seat.run({ row: index, from, seconds: left, ...plan });
    if ("died" in result) {
      if (result.at < from) throw new Error(result.died);
      sum = plus(sum, { ...nothing, problems: [{ n: each.order(result.at), what: result.died }] });
      from = result.at + 1;
    } else {
      sum = plus(sum, await confirmed(result, index));
      if (result.next <= from) break;
      from = result.next;
    }
  }
  return sum;
}

function report(index: number, sum: Sum): void {
  const row = rows[index];
  if (row === undefined) return;
  const each = planOf(index);
  const counts = (["prefix", "byte", "random"] as const).map((kind) => `${sum.tried[kind]}/${each.counts[kind]}`.padStart(11));
  const outcomes = Object.entries(sum.outcomes)
    .sort()
    .map(([name, count]) => `${name} ${count}`);
  const cost = `${Math.round(sum.slowest.ms)} ms ${Math.round(sum.peak.megabytes)} MB`;
  console.log(`${row.subject.format.padEnd(11)} ${rowName(row)}\n    ${counts.join(" ")}   ${cost.padEnd(15)} ${outcomes.join(", ")}`);
  const bytes = filesOf(row.subject).get(row.file) ?? new Uint8Array(0);
  for (const { n, what } of sum.problems.slice(0, 20)) {
    console.log(
      `    PROBLEM ${describe(mutationPlan(bytes, plan).mutation(n))} (--reader '${rowName(row)}' --seed ${plan.seed} --only ${n})`,
    );
    console.log(`      ${what.split("\n").slice(0, 5).join("\n      ")}`);
  }
  if (sum.problems.length > 20) console.log(`    … ${sum.problems.length} problems in all`);
}

async function runAll(): Promise<void> {
  const started = performance.now();
  const jobs = Number(given.jobs);
  const waiting = [...chosen];
  let total = nothing;
  const work = async (k: number): Promise<void> => {
    const seat = new Seat(k);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      // What small files leave of their share goes to the larger ones behind them.
      const left = budget - (performance.now() - started) / 1000;
      const sum = await fuzzRow(seat, next.index, Math.max(0.1, (left * jobs) / (waiting.length + jobs)));
      report(next.index, sum);
      total = plus(total, sum);
    }
    seat.close();
  };
  await Promise.all(Array.from({ length: jobs }, (_, k) => work(k)));
  const { prefix, byte, random } = total.tried;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `\nfuzz: ${chosen.length} files, ${prefix} prefixes, ${byte} changed bytes, ${random} random changes in ${seconds} s (seed ${plan.seed}); ` +
      `${Object.entries(total.outcomes)
        .sort()
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}; ` +
      `slowest ${Math.round(total.slowest.ms)} ms, largest ${Math.round(total.peak.megabytes)} MB; ${total.problems.length} problems`,
  );
  process.exitCode = total.problems.length === 0 && prefix + byte + random > 0 ? 0 : 1;
}

async function runOne(n: number): Promise<void> {
  const one = chosen[0];
  if (one === undefined || chosen.length > 1) throw new Error(`--only needs a --reader that one file matches; ${chosen.length} do`);
  const files = filesOf(one.row.subject);
  const bytes = files.get(one.row.file) ?? new Uint8Array(0);
  const mutation = mutationPlan(bytes, plan).mutation(n);
  console.log(`${rowName(one.row)}: ${describe(mutation)}`);
  const started = performance.now();
  console.log(await trial(one.row.subject, new Map([...files, [one.row.file, mutated(bytes, mutation)]]), true));
  console.log(`${Math.round(performance.now() - started)} ms, ${Math.round(process.resourceUsage().maxRSS / 1000)} MB`);
}

try {
  if (given.only === undefined) await runAll();
  else await runOne(Number(given.only));
} finally {
  rmSync(folder, { recursive: true });
}
