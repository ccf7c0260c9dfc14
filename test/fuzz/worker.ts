import { openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { isJob, type Job, limits, type Problem, type Result } from "./messages.ts";
import { type Kind, mutated, mutationPlan } from "./mutations.ts";
import { filesOf, rows } from "./subjects.ts";
import { type Outcome, sameOutcome, silentChange, trial } from "./trial.ts";

/*
 * Runs mutations, one after the other, as the parent asks. Before each one its position goes to a file of eight bytes, so that the
 * parent can name it when this process hangs, is killed, or runs out of memory. Argument: that file.
 */

const state = openSync(process.argv[2] ?? "", "w");
const position = new DataView(new ArrayBuffer(8));

function announce(k: number): void {
  position.setFloat64(0, k, true);
  writeSync(state, new Uint8Array(position.buffer), 0, 8, 0);
}

/** Peak resident memory since the last call, in MB. Linux alone can start the count anew; elsewhere it is the peak of the process. */
function peakMegabytes(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1000;
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
  writeFileSync("/proc/self/clear_refs", "5");
  return Number(found ?? 0) / 1000;
}

async function run(job: Job): Promise<Result> {
  const row = rows[job.row];
  if (row === undefined) throw new RangeError(`no row ${job.row}`);
  const files = filesOf(row.subject);
  const bytes = files.get(row.file);
  if (bytes === undefined) throw new Error(`${row.subject.folder} has no file ${row.file}`);
  const whole = await trial(row.subject, files, true);
  if ("code" in whole) throw new Error(`${row.subject.folder}/${row.file} does not open undamaged: ${whole.code}`);
  const plan = mutationPlan(bytes, job);
  const tried: Record<Kind, number> = { prefix: 0, byte: 0, random: 0 };
  const outcomes: Record<string, number> = {};
  const problems: Problem[] = [];
  let slowest = { ms: 0, n: 0 };
  let peak = { megabytes: 0, n: 0 };
  const end = performance.now() + job.seconds * 1000;
  let k = job.from;
  peakMegabytes();
  for (; k < plan.total && performance.now() < end; k += 1) {
    const n = plan.order(k);
    const mutation = plan.mutation(n);
    announce(k);
    const started = performance.now();
    const busy = process.cpuUsage();
    let found: Outcome | undefined;
    try {
      // Statistics cost more than all the rest, and few files get so far.
      found = await trial(row.subject, new Map([...files, [row.file, mutated(bytes, mutation)]]), n % 16 === 0);
    } catch (error) {
      problems.push({ n, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    // Of a machine that is busy with other things only our share counts; whatever waits for ever is the parent's to notice.
    const { user, system } = process.cpuUsage(busy);
    const ms = Math.min(performance.now() - started, (user + system) / 1000);
    if (ms > slowest.ms) slowest = { ms, n };
    const megabytes = peakMegabytes();
    if (megabytes > peak.megabytes) peak = { megabytes, n };
    tried[mutation.kind] += 1;
    if (ms > limits.seconds * 1000) problems.push({ n, what: `it took ${(ms / 1000).toFixed(1)} s` });
    if (megabytes > limits.megabytes) problems.push({ n, what: `it took ${Math.round(megabytes)} MB` });
    if (found === undefined) continue;
    const name = "code" in found ? found.code : sameOutcome(whole, found) ? "same" : "other";
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    const silent = silentChange(whole, found, row.subject.checked);
    if (silent !== undefined) problems.push({ n, what: `tensor ${JSON.stringify(silent)} has changed, and no checksum noticed` });
  }
  return { next: k, total: plan.total, tried, outcomes, problems, slowest, peak };
}

process.on("message", (message: unknown) => {
  if (!isJob(message)) return;
  run(message).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on("disconnect", () => process.exit(0));
