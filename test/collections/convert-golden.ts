/**
 * Converts every golden case whose roles hold a network to canonical safetensors, and compares the values with the oracle's.
 *
 *   npx tsx test/collections/convert-golden.ts [--root FOLDER] [--arch NAME] [--case GLOB]... [--verbose]
 *
 * Also `--fc conv` and back, which has to return the same bytes. Prints failures, then right / tried.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { compareWithCanonical, type Expected, parseExpected } from "../support/canonical.ts";
import { golden } from "../support/paths.ts";

const { values: flags } = parseArgs({
  options: {
    root: { type: "string", default: golden ?? "" },
    arch: { type: "string" },
    case: { type: "string", multiple: true },
    verbose: { type: "boolean" },
  },
});
if (flags.root === "") throw new Error("the golden files are not there");
const root = flags.root;
const work = mkdtempSync(join(tmpdir(), "vggtool-convert-"));
let tried = 0;
let right = 0;
const reasons = new Map<string, number>();
for (const arch of readdirSync(root)) {
  if (!arch.startsWith("vgg") || (flags.arch !== undefined && flags.arch !== arch)) continue;
  for (const name of readdirSync(join(root, arch), { withFileTypes: true })) {
    if (!name.isDirectory() || !(flags.case ?? ["*"]).some((glob) => matches(glob, name.name))) continue;
    const folder = join(root, arch, name.name);
    if (!existsSync(join(folder, "expected.json"))) continue;
    const expected = parseExpected(readFileSync(join(folder, "expected.json"), "utf8"));
    if (expected.roles.size === 0) continue;
    tried += 1;
    const problem = await attempt(join(root, arch), folder, expected);
    if (problem === undefined) right += 1;
    else {
      console.log(`${arch}/${name.name}: ${problem}`);
      reasons.set(arch, (reasons.get(arch) ?? 0) + 1);
    }
  }
}
rmSync(work, { recursive: true });
console.log(`${right} right / ${tried} tried`);

function matches(glob: string, name: string): boolean {
  return new RegExp(`^${glob.replace(/[.+^$(){}|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(name);
}

/** Height, width, channels of the folder's own batch, N C H W: other collections have other sizes under the same names. */
function inputSize(archFolder: string): readonly [number, number, number] | undefined {
  const path = join(archFolder, "input.npy");
  if (!existsSync(path)) return undefined;
  const shape = /'shape': \(\d+, (\d+), (\d+), (\d+)\)/.exec(readFileSync(path).toString("latin1", 0, 256));
  return shape === null ? undefined : [Number(shape[2]), Number(shape[3]), Number(shape[1])];
}

async function attempt(archFolder: string, folder: string, expected: Expected): Promise<string | undefined> {
  const ctx = createContext({ values: true, temporaryFolder: work });
  try {
    const checkpoint = await open(join(folder, expected.open), ctx);
    const identity = identify(checkpoint);
    if (identity === undefined) return "not recognised";
    const out = join(work, "a.safetensors");
    const input = join(folder, expected.open);
    const size = expected.inputSize === undefined ? {} : { inputSize: inputSize(archFolder) ?? expected.inputSize };
    const result = await convertCheckpoint({ checkpoint, identity, input }, { out, force: true }, ctx);
    if (flags.verbose) console.log(folder, result.warnings, result.ledger.totals);
    await checkpoint.close();
    const problem = await compareWithCanonical(out, archFolder, folder, expected, ctx);
    if (problem !== undefined) return problem;
    // A head without a body keeps its rows as stored, so that there is no way back to compare with.
    if (!expected.roles.has("conv1_1.weight")) return undefined;
    return await thereAndBack(out, size, ctx);
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return `${error.code}: ${error.message} ${error.where.tensor ?? ""} ${error.where.hint ?? ""}`;
  } finally {
    await ctx.dispose();
  }
}

async function thereAndBack(dense: string, size: object, ctx: ReturnType<typeof createContext>): Promise<string | undefined> {
  const conv = join(work, "b.safetensors");
  const back = join(work, "c.safetensors");
  for (const [from, to, fc] of [
    [dense, conv, "conv"],
    [conv, back, "dense"],
  ] as const) {
    const checkpoint = await open(from, ctx);
    const identity = identify(checkpoint);
    if (identity === undefined) return `${fc} not recognised`;
    await convertCheckpoint({ checkpoint, identity, input: from }, { out: to, fc, force: true, ...(fc === "conv" ? size : {}) }, ctx);
    await checkpoint.close();
  }
  return data(dense).equals(data(back)) ? undefined : "--fc conv and back gives other bytes";
}

/** What follows the header: the way back may know more of the input's size, and say so. */
function data(path: string): Buffer {
  const bytes = readFileSync(path);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}
