/**
 * Types what is advised: every line of advice (hints of errors, fixes of findings) that names a command or an option, printed over golden
 * checkpoints, hosts, the faults that people met and hostile files, is typed, and has to do what it says: the command that failed then succeeds.
 *
 *     npm run collections -- hints [--case PREFIX]… [--every N] [--others] [--verbose]
 *
 * `--others`: the faults that people met and hostile files alone.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convertCommand } from "../../src/cli/commands/convert.ts";
import { diffCommand } from "../../src/cli/commands/diff.ts";
import { inspectCommand } from "../../src/cli/commands/inspect.ts";
import { verifyCommand } from "../../src/cli/commands/verify.ts";
import { expectedCases, type GoldenCase, isRecord } from "../support/golden.ts";
import { inProcess } from "../support/in-process.ts";
import { golden } from "../support/paths.ts";
import { alternatives, type Typed, valued } from "./hints/typed.ts";

const { values } = parseArgs({
  options: {
    case: { type: "string", multiple: true },
    every: { type: "string", default: "1" },
    others: { type: "boolean" },
    verbose: { type: "boolean" },
  },
});
if (golden === undefined) throw new Error("../shared/golden is not there");
const root = golden;
const out = mkdtempSync(join(tmpdir(), "vggtool-hints-"));
const takesValue = new Map(
  [inspectCommand(), convertCommand(), verifyCommand(), diffCommand()].map((command) => [command.name(), valued(command)] as const),
);
const everyValued = new Set([...takesValue.values()].flatMap((options) => [...options]));
const blanks = { size: "64x96x3", out: join(out, "again.out") };

/** Command lines that a person would try on a checkpoint; `{out}` is a name of its own. */
const tried: readonly (readonly string[])[] = [
  ["inspect", "{file}"],
  ...["torch", "keras", "tfslim", "caffe", "onnx", "matconvnet", "paddle", "tfjs", "npz"].map((to) => [
    "convert",
    "{file}",
    "--to",
    to,
    "-o",
    "{out}",
  ]),
  ["convert", "{file}", "--to", "torch", "--num-classes", "6", "-o", "{out}"],
  ["convert", "{file}", "--to", "tfslim", "--fold-bn", "-o", "{out}"],
  ["convert", "{file}", "--to", "torch", "--use-average", "-o", "{out}"],
  ["convert", "{file}", "--like", "{other}", "-o", "{out}"],
  ["verify", "{file}"],
  ["diff", "{file}", "{other}"],
];

interface Advice {
  readonly args: readonly string[];
  readonly advice: string;
}

let counter = 0;
const endings: ReadonlyMap<string, string> = new Map([
  ["torch", ".pth"],
  ["keras", ".h5"],
  ["caffe", ".caffemodel"],
  ["onnx", ".onnx"],
  ["matconvnet", ".mat"],
  ["paddle", ".pdparams"],
  ["npz", ".npz"],
]);

/** What a command line says to type. */
async function advised(args: readonly string[]): Promise<readonly Advice[]> {
  const { stdout } = await inProcess([...args, "--json"]);
  let record: unknown;
  try {
    record = JSON.parse(stdout);
  } catch {
    return []; // a listing in several records, or nothing: no advice is in it
  }
  if (!isRecord(record)) return [];
  const hint = isRecord(record.error) && typeof record.error.hint === "string" ? [record.error.hint] : [];
  const fixes = Array.isArray(record.findings)
    ? record.findings.flatMap((finding) => (isRecord(finding) && typeof finding.fix === "string" ? [finding.fix] : []))
    : [];
  return [...hint, ...fixes].map((advice) => ({ args, advice }));
}

/** The command line that results from advice. A fix of a finding is advice for a conversion. */
function followed(args: readonly string[], { add, leave, command }: Typed): readonly string[] {
  if (command !== undefined) return command;
  const converting =
    args[0] === "inspect" &&
    add.some(
      (option) =>
        option.startsWith("--") && takesValue.get("convert")?.has(option) === true && takesValue.get("inspect")?.has(option) !== true,
    );
  const base = converting ? ["convert", args[1] ?? "", "--to", "torch", "-o", join(out, `fix${counter++}.pth`)] : args;
  const values = takesValue.get(base[0] ?? "") ?? new Set<string>();
  const replaced = new Set([...leave, ...add.filter((option) => option.startsWith("-") && option !== "--exclude")]);
  const kept: string[] = [];
  for (let k = 0; k < base.length; k++) {
    const word = base[k] ?? "";
    if (!replaced.has(word)) kept.push(word);
    else if (values.has(word)) k += 1;
  }
  return [...kept, ...add];
}

/** Advice with names and numbers taken out: what is the same everywhere is typed a few times. */
const kindOf = (advice: string): string => advice.replace(/'[^']*'|[\w./-]*\d[\w./-]*/g, "#");

const seen = new Map<string, number>();
const results = new Map<string, { right: number; tried: number; open: number }>();
const cases = expectedCases(golden).filter((item) => item.json.roles !== undefined || item.json.host !== undefined);
const chosen = cases.filter(
  (item, k) => k % Number(values.every) === 0 && (!values.case || values.case.some((prefix) => item.name.startsWith(prefix))),
);
const otherOf = (item: GoldenCase): GoldenCase => cases[(cases.indexOf(item) * 7 + 3) % cases.length] ?? item;

/** Files of folders that hold no expectations of their own: each is tried as a checkpoint, whatever it is. */
function otherFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !/\.(md|json|py|ipynb|mjs|txt)$/.test(path));
}

/** What is tried on such a file. */
const briefly = tried.filter(
  (pattern) => pattern.length === 2 || ["torch", "keras", "npz"].includes(pattern[3] ?? "") || pattern[0] === "diff",
);

interface Tried {
  readonly path: string;
  readonly other: string;
  readonly patterns: typeof tried;
}

const others = ["../wild", "hostile"].flatMap((folder) => otherFiles(join(root, folder)));
const files: readonly Tried[] = [
  ...(values.others === true ? [] : chosen.map((item) => ({ path: item.path, other: otherOf(item).path, patterns: tried }))),
  ...others
    .filter((_, k) => k % Number(values.every) === 0)
    .map((path, k) => ({ path, other: others[k * 5 + 1] ?? path, patterns: briefly })),
];

for (const item of files) {
  for (const pattern of item.patterns) {
    const to = pattern[pattern.indexOf("--to") + 1] ?? "";
    const args = pattern.map((word) =>
      word === "{file}"
        ? item.path
        : word === "{other}"
          ? item.other
          : word === "{out}"
            ? join(out, `o${counter++}${endings.get(to) ?? ".ckpt"}`)
            : word,
    );
    for (const { advice } of await advised(args)) await type(args, advice);
  }
}

async function type(args: readonly string[], advice: string): Promise<void> {
  const kind = kindOf(advice);
  const typed = alternatives(advice, everyValued, blanks);
  if (typed.length === 0) return;
  const times = seen.get(kind) ?? 0;
  seen.set(kind, times + 1);
  if (times >= 12) return;
  const count = results.get(kind) ?? { right: 0, tried: 0, open: 0 };
  results.set(kind, count);
  for (const each of typed) {
    if (each.open) {
      count.open += 1;
      continue;
    }
    count.tried += 1;
    if (args.includes("-o")) rmSync(args[args.indexOf("-o") + 1] ?? "", { recursive: true, force: true });
    const line = followed(args, each);
    const { code, stdout } = await inProcess([...line, "--json"]);
    // Leaving an option out promises no more than that its own refusal goes.
    const gone = each.leave.length > 0 && !stdout.includes(JSON.stringify(advice));
    if (code === 0 || gone || (code === 1 && (line[0] === "diff" || line[0] === "verify"))) count.right += 1;
    else
      console.log(`advice   ${advice}\n  after  ${args.join(" ")}\n  typed  ${line.join(" ")}\n  got    ${code} ${stdout.slice(0, 300)}`);
  }
}

rmSync(out, { recursive: true, force: true });
let right = 0;
let all = 0;
for (const [kind, count] of [...results].sort()) {
  right += count.right;
  all += count.tried;
  if (values.verbose === true)
    console.log(
      `${count.right} / ${count.tried}${count.open > 0 ? ` (${count.open} for a person to fill in)` : ""}  ${kind.slice(0, 140)}`,
    );
}
console.log(`advice followed and right / typed: ${right} / ${all}, of ${results.size} kinds`);
process.exitCode = right === all ? 0 : 1;
