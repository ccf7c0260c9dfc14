/**
 * Conversion by example over the golden files: one case of each scheme and container as the source, each other as what the
 * output has to be like. Exact: the other case's own expectation (names, types, shapes, hashes) holds for the output.
 *
 *   npx tsx test/collections/like-golden.ts [--root FOLDER] [--arch vgg16-64x96]... [--source GLOB]... [--like GLOB]... [--all] [--table FILE]
 *
 * `--all` takes every case for OTHER, not one of each. Prints failures, then right / tried, and writes the table on request.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { glob } from "../../src/text/glob.ts";
import { type Expected, parseExpected } from "../support/canonical.ts";
import { golden } from "../support/paths.ts";

const { values: flags } = parseArgs({
  options: {
    root: { type: "string", default: golden ?? "" },
    arch: { type: "string", multiple: true, default: ["vgg16-64x96"] },
    source: { type: "string", multiple: true },
    like: { type: "string", multiple: true },
    all: { type: "boolean" },
    table: { type: "string" },
  },
});
if (flags.root === "") throw new Error("the golden files are not there");

interface Case {
  readonly name: string;
  readonly path: string;
  readonly expected: Expected;
  /** Cases of the same kind are the same conversion. */
  readonly kind: string;
}

const work = mkdtempSync(join(tmpdir(), "vggtool-like-"));
const sections: string[] = [];
/** Formats that are not written, and what was written in their place. */
const stoodIn = new Set<string>();
let tried = 0;
let right = 0;
for (const arch of flags.arch) await sweep(arch);
rmSync(work, { recursive: true });
if (flags.table !== undefined) writeFileSync(flags.table, sections.join("\n"));
if (stoodIn.size > 0) console.log(`not written, the same names in another container: ${[...stoodIn].sort().join(", ")}`);
console.log(`${right} right / ${tried} tried`);

async function sweep(arch: string): Promise<void> {
  const cases: Case[] = [];
  for (const entry of readdirSync(join(flags.root, arch), { withFileTypes: true })) {
    const file = join(flags.root, arch, entry.name, "expected.json");
    if (entry.isDirectory() && existsSync(file)) cases.push(...(await caseOf(arch, entry.name, parseExpected(readFileSync(file, "utf8")))));
  }
  const chosen = flags.all ? cases : cases.filter((one, k) => cases.findIndex(({ kind }) => kind === one.kind) === k);
  const sources = firstOfEachScheme(cases).filter(({ name }) => picked(flags.source, name));
  const others = chosen.filter(({ name }) => picked(flags.like, name));
  const rows: string[] = [];
  for (const other of others) {
    const failures: string[] = [];
    let count = 0;
    for (const source of sources) {
      // What a convention does not store apart (Darknet's biases before a batch norm) cannot come back bit by bit.
      const lacking = [...other.expected.roles.keys()].some((role) => !source.expected.roles.has(role));
      if (source.name === other.name || lacking) continue;
      count += 1;
      const problem = await attempt(source, other);
      if (problem !== undefined) failures.push(`  from ${source.name}: ${problem}`);
    }
    tried += count;
    right += count - failures.length;
    rows.push(`| ${other.name} | ${other.kind} | ${count - failures.length} / ${count} |`);
    if (failures.length > 0) console.log([`${arch} like ${other.name} (${other.kind}):`, ...failures.slice(0, 4)].join("\n"));
  }
  sections.push(
    `### ${arch}, from ${sources.map(({ name }) => name).join(", ")}`,
    "",
    "| OTHER | format and names | exact |",
    "|---|---|---|",
    ...rows,
    "",
  );
}

function picked(globs: readonly string[] | undefined, name: string): boolean {
  return (globs ?? ["*"]).some((pattern) => glob(pattern)(name));
}

function firstOfEachScheme(cases: readonly Case[]): readonly Case[] {
  const whole = cases.filter(({ expected }) => expected.roles.has("fc8.weight") && float32(expected));
  const scheme = ({ kind }: Case): string => kind.slice(kind.indexOf(" "));
  return whole.filter((one, k) => whole.findIndex((other) => scheme(other) === scheme(one)) === k);
}

function float32(expected: Expected): boolean {
  return [...expected.roles.values()].every(([key = ""]) => expected.tensors.get(key)?.dtype === "float32");
}

/** A case of the folder's own weights, stored as they are: what its expectation says can be compared bit by bit. */
async function caseOf(arch: string, name: string, expected: Expected): Promise<readonly Case[]> {
  const own = expected.weights === undefined || expected.weights === "canonical";
  const plain = expected.derived.size === 0 && [...expected.roles.values()].every(([, pattern = ""]) => !/[*|]/.test(pattern));
  if (!own || !plain || !float32(expected) || !expected.roles.has("conv1_1.weight") || !expected.roles.has("conv5_1.weight")) return [];
  const path = join(flags.root, arch, name, expected.open);
  const ctx = createContext();
  try {
    const checkpoint = await open(path, ctx);
    const kind = `${checkpoint.format} ${identify(checkpoint)?.scheme ?? "by structure"}`;
    await checkpoint.close();
    return [{ name, path, expected, kind }];
  } finally {
    await ctx.dispose();
  }
}

async function attempt(source: Case, other: Case): Promise<string | undefined> {
  const ctx = createContext({ values: true, temporaryFolder: work });
  const checkpoint = await open(source.path, ctx);
  const like = await open(other.path, ctx);
  try {
    // Darknet weights are known by their ending alone.
    const out = join(work, "made", like.format === "darknet" ? "out.weights" : "out");
    const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: like, identity: identify(like), path: other.path } };
    const { output, plan } = await convertCheckpoint(request, { out, force: true, check: false, allowMissing: true }, ctx);
    // Both hold the same values: that they are the source's is recognised by the plan.
    const filled = new Set(
      plan.moves.filter(({ fills }) => fills.every(({ from }) => from.every(({ key }) => checkpoint.tensors.has(key)))).map(({ to }) => to),
    );
    const made = await open(output, ctx);
    const wrong: string[] = [];
    for (const [key, { dtype, shape }] of other.expected.tensors) {
      const tensor = made.tensors.get(key);
      const roles = [...other.expected.roles].flatMap(([role, [of]]) => (of === key ? [role] : []));
      if (roles.length === 0) continue;
      if (tensor !== undefined && !filled.has(key) && !filled.has(tensor.label ?? "")) wrong.push(`${key} is not the source's`);
      else if (tensor === undefined) wrong.push(`${roles.join()} is not there as ${key}`);
      else if (`${tensor.dtype} ${tensor.shape.join()}` !== `${dtype} ${shape.join()}`)
        wrong.push(`${key} is ${tensor.dtype} ${tensor.shape.join()}`);
      else if ((await hash(tensor, ctx)) !== other.expected.hashes.get(key)) wrong.push(`${key} has other values`);
    }
    await made.close();
    const notAsked = made.format === like.format ? "" : ` (written as ${made.format})`;
    if (notAsked !== "" && wrong.length === 0) stoodIn.add(`${like.format} as ${made.format}`);
    return wrong.length === 0 ? undefined : `${wrong.length} wrong: ${wrong.slice(0, 3).join("; ")}${notAsked}`;
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return `${error.code}: ${error.message} ${error.where.tensor ?? ""}`;
  } finally {
    await checkpoint.close();
    await like.close();
    await ctx.dispose();
    rmSync(join(work, "made"), { recursive: true, force: true });
  }
}
