/**
 * All pairs of golden sources and targets of one architecture: each case is converted to each target, and every tensor compared with
 * the case that the target's own framework wrote of the same network, or with the canonical values where there is none; then back,
 * like the source, which has to give the source's bytes again.
 *
 *   npx tsx test/collections/pairs.ts [--arch vgg16-64x96] [--source NAME]… [--target TITLE]… [--jobs N] [--docs] [--verbose]
 *
 * Prints what is wrong and refused, and right / tried. --jobs deals the sources out to processes; --counts FILE is what each of them
 * writes instead of printing. --docs puts the table into docs/interop.md.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import type { ConvertRequest } from "../../src/convert/target/request.ts";
import { isCheckpointError } from "../../src/errors.ts";
import type { Context } from "../../src/io/context.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { compareWithCanonical } from "../support/canonical.ts";
import { golden } from "../support/paths.ts";
import { type PairCase, pairCases } from "./pairs/cases.ts";
import { compareWithCase, type Judgement, lossyRoles, restatedRoles } from "./pairs/judge.ts";
import { Counts, replaceBetween } from "./pairs/table.ts";
import { type PairTarget, pairTargets } from "./pairs/targets.ts";

const { values: flags } = parseArgs({
  options: {
    arch: { type: "string", default: "vgg16-64x96" },
    source: { type: "string", multiple: true },
    target: { type: "string", multiple: true },
    jobs: { type: "string" },
    counts: { type: "string" },
    docs: { type: "boolean" },
    verbose: { type: "boolean" },
  },
});
if (golden === undefined) throw new Error("the golden files are not there");
const root = join(golden, flags.arch);
const work = mkdtempSync(join(tmpdir(), "vggtool-pairs-"));
const all = pairCases(root, undefined);
const sources = flags.source === undefined ? all : pairCases(root, flags.source);
const targets = pairTargets.filter(({ title }) => flags.target?.includes(title) !== false);
const [forth, back] = [new Counts(), new Counts()];
const refusals = new Map<string, number>();
const problems = new Map<string, number>();

if (flags.jobs === undefined) {
  for (const source of sources) {
    for (const target of targets) await pair(source, target);
    if (flags.verbose) console.log(`${source.name}: done`);
  }
} else await inProcesses(Number(flags.jobs));
rmSync(work, { recursive: true });
if (flags.counts !== undefined) {
  const found: Found = { forth: forth.rows(), back: back.rows(), refusals: [...refusals], problems: [...problems] };
  writeFileSync(flags.counts, JSON.stringify(found));
} else report();

function report(): void {
  const titles = targets.map(({ title }) => title);
  for (const [problem, count] of problems) console.log(`wrong: ${problem}${count > 1 ? ` (${count} times)` : ""}`);
  for (const [text, count] of refusals) console.log(`refused ${count} times: ${text}`);
  console.log(`\n${forth.markdown(titles)}\n\n${back.markdown(titles)}`);
  const summary = [sentence("sources × targets", forth), sentence("there and back", back)].join("\n");
  console.log(`\n${summary}`);
  if (flags.docs !== true) return;
  const page = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));
  const listed = [...refusals].map(([text, count]) => `- ${count} × ${text}`);
  const wrong = [...problems.keys()].map((text) => `- wrong: ${text}`);
  replaceBetween(page, `${flags.arch} pairs`, [summary, "", forth.markdown(titles), "", ...listed, ...wrong].join("\n"));
}

/** What one of several processes found. */
interface Found {
  readonly forth: ReturnType<Counts["rows"]>;
  readonly back: ReturnType<Counts["rows"]>;
  readonly refusals: readonly (readonly [string, number])[];
  readonly problems: readonly (readonly [string, number])[];
}

/** The sources dealt out to as many processes of this script, and their counts put together. */
async function inProcesses(jobs: number): Promise<void> {
  const script = fileURLToPath(import.meta.url);
  const parts = Array.from({ length: jobs }, (_, job) => sources.filter((_source, k) => k % jobs === job)).filter(
    (part) => part.length > 0,
  );
  await Promise.all(
    parts.map(async (part, job) => {
      const counts = join(work, `${job}.json`);
      const chosen = [...part.flatMap(({ name }) => ["--source", name]), ...targets.flatMap(({ title }) => ["--target", title])];
      const args = ["--import", "tsx", script, "--arch", flags.arch, "--counts", counts, ...chosen];
      await promisify(execFile)(process.execPath, args, { maxBuffer: 64 << 20 });
      const found: Found = JSON.parse(readFileSync(counts, "utf8"));
      for (const [row, column, tally] of found.forth) forth.add(row, column, tally);
      for (const [row, column, tally] of found.back) back.add(row, column, tally);
      for (const [text, number] of found.refusals) refusals.set(text, (refusals.get(text) ?? 0) + number);
      for (const [text, number] of found.problems) problems.set(text, (problems.get(text) ?? 0) + number);
    }),
  );
}

function sentence(name: string, counts: Counts): string {
  const { tried, right, rounded, refused } = counts.total();
  return `${name}: ${right + rounded} right of ${tried - refused} tried (${right} bit for bit, ${rounded} with values that the plan says are computed), ${refused} refused with a sentence.`;
}

async function pair(source: PairCase, target: PairTarget): Promise<void> {
  const ctx = createContext({ values: true, temporaryFolder: work });
  const checkpoint = await open(source.path, ctx);
  const tally = forth.at(checkpoint.format, target.title);
  tally.tried += 1;
  try {
    const identity = identify(checkpoint);
    const size = source.expected.inputSize;
    const options = { ...target.options, ...(size === undefined ? {} : { inputSize: size }) };
    const out = join(work, target.file);
    const made = await attempt({ checkpoint, identity }, { ...options, out }, ctx);
    if (typeof made === "string") {
      tally.refused += 1;
      count(refusals, `${target.title}: ${made}`);
      return;
    }
    record(tally, source, target.title, await survived(() => judge(source, target, made, ctx)));
    await returned(source, target, made, ctx);
  } finally {
    await checkpoint.close();
    await ctx.dispose();
  }
}

async function judge(source: PairCase, target: PairTarget, made: ConvertResult, ctx: Context): Promise<Judgement> {
  const other = target.like.map((name) => all.find((one) => one.name === name)).find((one) => one !== undefined);
  const norm = target.ownEpsilon === true && source.expected.roles.has("conv1_1.bn.var");
  if (
    other !== undefined &&
    !norm &&
    source.plain &&
    [...other.expected.roles.values()].every(([, pattern = ""]) => !pattern.includes("*"))
  ) {
    return compareWithCase(made.output, other, lossyRoles(made.plan), restatedRoles(made.plan), roleSet(source), ctx);
  }
  // Through this tool's own names: no case of another type, or of other weights, has the same bits.
  const checkpoint = await open(made.output, ctx);
  const out = join(work, "canonical.safetensors");
  try {
    await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { out, force: true, check: false }, ctx);
  } finally {
    await checkpoint.close();
  }
  const problem = await compareWithCanonical(out, root, source.folder, source.expected, ctx);
  if (problem === undefined) return { kind: "right" };
  return compareWithCase(out, await asCanonical(source, ctx), lossyRoles(made.plan), restatedRoles(made.plan), undefined, ctx);
}

/** What the source itself becomes under this tool's own names: what its types and weights leave to compare with. */
async function asCanonical(source: PairCase, ctx: Context): Promise<Parameters<typeof compareWithCase>[1]> {
  const checkpoint = await open(source.path, ctx);
  const path = join(work, "source.safetensors");
  await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { out: path, force: true, check: false }, ctx);
  await checkpoint.close();
  const canonical = await open(path, ctx);
  const [roles, hashes] = [new Map<string, readonly string[]>(), new Map<string, string>()];
  for (const tensor of canonical.tensors.values()) {
    if (!source.expected.roles.has(tensor.name)) continue;
    roles.set(tensor.name, [tensor.name, ""]);
    hashes.set(tensor.name, await hash(tensor, ctx));
  }
  await canonical.close();
  return { path, expected: { ...source.expected, roles, hashes } };
}

async function returned(source: PairCase, target: PairTarget, made: ConvertResult, ctx: Context): Promise<void> {
  const checkpoint = await open(made.output, ctx);
  const like = await open(source.path, ctx);
  const tally = back.at(like.format, target.title);
  tally.tried += 1;
  try {
    const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: like, identity: identify(like), path: source.path } };
    // Named as the source is: some formats are recognised by the ending, or by the file beside it.
    const out = join(work, "back", basename(source.path));
    const again = await attempt(request, { out }, ctx);
    if (typeof again === "string") {
      tally.refused += 1;
      count(refusals, `${target.title} and back to ${like.format}: ${again}`);
    } else {
      const plans = [made.plan, again.plan];
      const judgement = await survived(() =>
        compareWithCase(again.output, source, lossyRoles(...plans), restatedRoles(...plans), undefined, ctx),
      );
      record(tally, source, `${target.title} and back`, judgement);
    }
  } finally {
    await checkpoint.close();
    await like.close();
    rmSync(join(work, "back"), { recursive: true, force: true });
  }
}

/** An output that this tool itself cannot read is wrong, and no reason to stop. */
async function survived(judging: () => Promise<Judgement>): Promise<Judgement> {
  try {
    return await judging();
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return { kind: "wrong", problem: `${error.code}: ${error.message}` };
  }
}

/** The result, or the sentence with which it was refused. */
async function attempt(request: ConvertRequest, options: ConvertOptions, ctx: Context): Promise<ConvertResult | string> {
  try {
    return await convertCheckpoint(request, { ...options, force: true, check: false }, ctx);
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return `${error.message.replace(/[\w./]*\d[\w./]*/g, "…")} (${error.code})`;
  }
}

function record(tally: { right: number; rounded: number }, source: PairCase, what: string, judgement: Judgement): void {
  if (judgement.kind === "right") tally.right += 1;
  else if (judgement.kind === "rounded") tally.rounded += 1;
  else count(problems, `${source.name} → ${what}: ${judgement.problem}`);
}

function roleSet(source: PairCase): ReadonlySet<string> {
  return new Set([...source.expected.roles.keys()].map((role) => role.replace(/\.moments$/, ".mean")));
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
