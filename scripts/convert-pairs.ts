/**
 * All pairs of golden cases of one architecture: each case as the source, each other as what the output has to be like. Every tensor
 * of the output must have the hash that the other case's expectation records.
 *
 *   npx tsx scripts/convert-pairs.ts [--root FOLDER] [--arch vgg16-64x96] [--source GLOB]... [--like GLOB]... [--verbose]
 *
 * Prints failures and right / tried.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convert } from "../src/convert/convert.ts";
import { isCheckpointError } from "../src/errors.ts";
import { createContext } from "../src/io/run.ts";
import { identify } from "../src/model/identify.ts";
import { open } from "../src/open.ts";
import { hash } from "../src/tensor/hash.ts";
import { type Expected, parseExpected } from "../test/support/canonical.ts";
import { golden } from "../test/support/paths.ts";

const { values: flags } = parseArgs({
  options: {
    root: { type: "string", default: golden ?? "" },
    arch: { type: "string", default: "vgg16-64x96" },
    source: { type: "string", multiple: true },
    like: { type: "string", multiple: true },
    verbose: { type: "boolean" },
  },
});
if (flags.root === "") throw new Error("the golden files are not there");
const root = join(flags.root, flags.arch);
const work = mkdtempSync(join(tmpdir(), "vggtool-pairs-"));

interface Case {
  readonly name: string;
  readonly path: string;
  readonly expected: Expected;
}

/** Cases of the folder's own weights in float32, whole networks. */
const cases = readdirSync(root, { withFileTypes: true }).flatMap((entry): Case[] => {
  if (!entry.isDirectory()) return [];
  const expected = parseExpected(readFileSync(join(root, entry.name, "expected.json"), "utf8"));
  const own = expected.weights === undefined || expected.weights === "canonical";
  const float32 = [...expected.roles.values()].every(([key = ""]) => expected.tensors.get(key)?.dtype === "float32");
  const plain = expected.derived.size === 0 && [...expected.roles.values()].every(([, pattern = ""]) => !/[*|]/.test(pattern));
  const whole = expected.roles.has("conv1_1.weight") && expected.roles.has("fc8.weight");
  return own && float32 && plain && whole ? [{ name: entry.name, path: join(root, entry.name, expected.open), expected }] : [];
});
const sources = cases.filter(({ name }) => matches(flags.source, name));
const others = cases.filter(({ name }) => matches(flags.like, name));
let tried = 0;
let right = 0;
for (const other of others) {
  const failures: string[] = [];
  for (const source of sources) {
    if (source === other) continue;
    tried += 1;
    const problem = await attempt(source, other);
    if (problem === undefined) right += 1;
    else failures.push(`  ${source.name}: ${problem}`);
  }
  if (failures.length > 0)
    console.log([`like ${other.name}: ${failures.length} wrong`, ...failures.slice(0, flags.verbose ? 1000 : 3)].join("\n"));
}
rmSync(work, { recursive: true });
console.log(`${right} right / ${tried} tried`);

function matches(globs: readonly string[] | undefined, name: string): boolean {
  return (globs ?? ["*"]).some((glob) => new RegExp(`^${glob.replace(/[.+^$(){}|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`).test(name));
}

async function attempt(source: Case, other: Case): Promise<string | undefined> {
  const ctx = createContext({ values: true, temporaryFolder: work });
  const checkpoint = await open(source.path, ctx);
  const like = await open(other.path, ctx);
  try {
    const out = join(work, String(tried), "out");
    const writes = [
      "safetensors",
      "npz",
      "paddle",
      "tf-v2",
      "tf-v1",
      "torch",
      "npy",
      "caffe",
      "onnx",
      "matconvnet",
      "keras-h5",
      "keras-v3",
      "tfjs",
    ];
    const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: like, identity: identify(like) } };
    // Names and axes are what is tested; a format that is not written stands in safetensors.
    const to = writes.includes(like.format) && like.format !== "onnx" && like.format !== "caffe" ? {} : { to: "safetensors" };
    const { output } = await convert(request, { out, force: true, check: false, ...to }, ctx);
    const made = await open(output, ctx);
    const wrong: string[] = [];
    for (const [role, [key = ""]] of other.expected.roles) {
      const tensor = made.tensors.get(key);
      if (tensor === undefined) wrong.push(`${role} is not there as ${key}`);
      else if ((await hash(tensor, ctx)) !== other.expected.hashes.get(key)) wrong.push(role);
    }
    await made.close();
    return wrong.length === 0 ? undefined : `${wrong.length} wrong: ${wrong.slice(0, 4).join(", ")}`;
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return `${error.code}: ${error.message} ${error.where.tensor ?? ""}`;
  } finally {
    await checkpoint.close();
    await like.close();
    await ctx.dispose();
  }
}
