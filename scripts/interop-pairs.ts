/**
 * All pairs of golden sources and targets of one architecture: each case is converted to each target, and every tensor compared with
 * the case that the target's own framework wrote of the same network, or with the canonical values where there is none; then back,
 * like the source, which has to give the source's bytes again.
 *
 *   npx tsx scripts/interop-pairs.ts [--arch vgg16-64x96] [--source NAME]… [--target TITLE]… [--docs] [--verbose]
 *
 * Prints what is wrong and refused, and right / tried. --docs puts the table into docs/interop.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ConvertRequest, type ConvertResult, convert } from "../src/convert/convert.ts";
import type { ConvertOptions } from "../src/convert/options.ts";
import { isCheckpointError } from "../src/errors.ts";
import type { Context } from "../src/io/context.ts";
import { createContext } from "../src/io/run.ts";
import { identify } from "../src/model/identify.ts";
import { open } from "../src/open.ts";
import { compareWithCanonical } from "../test/support/canonical.ts";
import { golden } from "../test/support/paths.ts";
import { type PairCase, pairCases } from "./pairs/cases.ts";
import { compareWithCase, type Judgement, lossyRoles } from "./pairs/judge.ts";
import { Counts, replaceBetween } from "./pairs/table.ts";
import { type PairTarget, pairTargets } from "./pairs/targets.ts";

const { values: flags } = parseArgs({
  options: {
    arch: { type: "string", default: "vgg16-64x96" },
    source: { type: "string", multiple: true },
    target: { type: "string", multiple: true },
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

for (const source of sources) {
  for (const target of targets) await pair(source, target);
  if (flags.verbose) console.log(`${source.name}: done`);
}
rmSync(work, { recursive: true });
const titles = targets.map(({ title }) => title);
for (const [problem, count] of problems) console.log(`wrong: ${problem}${count > 1 ? ` (${count} times)` : ""}`);
for (const [sentence, count] of refusals) console.log(`refused ${count} times: ${sentence}`);
console.log(`\n${forth.markdown(titles)}\n\n${back.markdown(titles)}`);
const summary = [sentence("sources × targets", forth), sentence("there and back", back)].join("\n");
console.log(`\n${summary}`);
if (flags.docs) {
  const page = fileURLToPath(new URL("../docs/interop.md", import.meta.url));
  const refused = [...refusals].map(([text, count]) => `- ${count} × ${text}`);
  replaceBetween(page, `${flags.arch} pairs`, [summary, "", forth.markdown(titles), "", ...refused].join("\n"));
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
    record(tally, source, target.title, await judge(source, target, made, ctx));
    await returned(source, target, made, ctx);
  } finally {
    await checkpoint.close();
    await ctx.dispose();
  }
}

async function judge(source: PairCase, target: PairTarget, made: ConvertResult, ctx: Context): Promise<Judgement> {
  const other = target.like.map((name) => all.find((one) => one.name === name)).find((one) => one !== undefined);
  if (other !== undefined && source.plain && [...other.expected.roles.values()].every(([, pattern = ""]) => !pattern.includes("*"))) {
    return compareWithCase(made.output, other, lossyRoles(made.plan), roleSet(source), ctx);
  }
  // Through this tool's own names: no case of another type, or of other weights, has the same bits.
  const checkpoint = await open(made.output, ctx);
  const out = join(work, "canonical.safetensors");
  try {
    await convert({ checkpoint, identity: identify(checkpoint) }, { out, force: true, check: false }, ctx);
  } finally {
    await checkpoint.close();
  }
  const problem = await compareWithCanonical(out, root, source.folder, source.expected, ctx);
  if (problem === undefined) return { kind: "right" };
  return compareWithCase(out, await asCanonical(source, ctx), lossyRoles(made.plan), undefined, ctx);
}

/** What the source itself becomes under this tool's own names: what its types and weights leave to compare with. */
async function asCanonical(source: PairCase, ctx: Context): Promise<Parameters<typeof compareWithCase>[1]> {
  const checkpoint = await open(source.path, ctx);
  const path = join(work, "source.safetensors");
  await convert({ checkpoint, identity: identify(checkpoint) }, { out: path, force: true, check: false }, ctx);
  await checkpoint.close();
  return { path, expected: { ...source.expected, roles: new Map([...roleSet(source)].map((role) => [role, [role, ""]])) } };
}

async function returned(source: PairCase, target: PairTarget, made: ConvertResult, ctx: Context): Promise<void> {
  const checkpoint = await open(made.output, ctx);
  const like = await open(source.path, ctx);
  const tally = back.at(like.format, target.title);
  tally.tried += 1;
  try {
    const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: like, identity: identify(like), path: source.path } };
    // Named as the source is: some formats are told by the ending, or by the file beside it.
    const out = join(work, "back", basename(source.path));
    const again = await attempt(request, { out }, ctx);
    if (typeof again === "string") {
      tally.refused += 1;
      count(refusals, `${target.title} and back to ${like.format}: ${again}`);
    } else {
      const judgement = await compareWithCase(again.output, source, lossyRoles(made.plan, again.plan), undefined, ctx);
      record(tally, source, `${target.title} and back`, judgement);
    }
  } finally {
    await checkpoint.close();
    await like.close();
    rmSync(join(work, "back"), { recursive: true, force: true });
  }
}

/** The result, or the sentence with which it was refused. */
async function attempt(request: ConvertRequest, options: ConvertOptions, ctx: Context): Promise<ConvertResult | string> {
  try {
    return await convert(request, { ...options, force: true, check: false }, ctx);
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
