/**
 * Types what is advised: every line that names a command or an option (hints of errors, fixes of findings, switches of assumptions, warnings),
 * printed over golden checkpoints, hosts, the faults that people met and hostile files, is typed, and has to do what it says.
 *
 *     npm run collections -- hints [--of golden|hosts|wild|hostile]… [--case PREFIX]… [--every N] [--shard K/N] [--times N] [--verbose]
 *
 * `--times`: how often one line is typed whose names and numbers alone differ; 0: always.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { expectedCases, isRecord } from "../support/golden.ts";
import { inProcess } from "../support/in-process.ts";
import { golden } from "../support/paths.ts";
import { type Advice, kindOf, Typist } from "./hints/follow.ts";

const collections = ["golden", "hosts", "wild", "hostile"] as const;
type Collection = (typeof collections)[number];

const { values } = parseArgs({
  options: {
    of: { type: "string", multiple: true, default: [...collections] },
    case: { type: "string", multiple: true },
    every: { type: "string", default: "1" },
    shard: { type: "string", default: "1/1" },
    times: { type: "string", default: "12" },
    verbose: { type: "boolean" },
  },
});
if (golden === undefined) throw new Error("../shared/golden is not there");
const root = golden;
const out = mkdtempSync(join(tmpdir(), "vggtool-hints-"));
const typist = new Typist(inProcess, out);

/** Command lines that a person would try on a checkpoint; `{out}` is a name of its own. */
const tried: readonly (readonly string[])[] = [
  ["inspect", "{file}"],
  ...["torch", "keras", "tfslim", "caffe", "onnx", "matconvnet", "paddle", "tfjs", "npz"].map((to) => ["convert", "{file}", "--to", to]),
  ["convert", "{file}", "--to", "torch", "--num-classes", "6"],
  ["convert", "{file}", "--to", "tfslim", "--fold-bn"],
  ["convert", "{file}", "--to", "torch", "--use-average"],
  ["convert", "{file}", "--like", "{other}"],
  ["verify", "{file}"],
  ["diff", "{file}", "{other}"],
];
/** Of files that hold no expectations of their own: each is tried as a checkpoint, whatever it is. */
const briefly = tried.filter(
  (pattern) => pattern.length === 2 || ["torch", "keras", "npz"].includes(pattern[3] ?? "") || pattern[0] === "diff",
);
const endings: ReadonlyMap<string, string> = new Map([
  ["torch", ".pth"],
  ["keras", ".h5"],
  ["caffe", ".caffemodel"],
  ["onnx", ".onnx"],
  ["matconvnet", ".mat"],
  ["paddle", ".pdparams"],
  ["npz", ".npz"],
]);

interface Subject {
  readonly of: Collection;
  readonly name: string;
  /** Command lines, and the folder that they are typed in. */
  lines(): readonly (readonly string[])[];
  readonly folder?: string;
}

let counter = 0;

function linesFor(path: string, other: string, patterns: typeof tried): readonly (readonly string[])[] {
  return patterns.map((pattern) => {
    const line = pattern.map((word) => (word === "{file}" ? path : word === "{other}" ? other : word));
    const to = line[line.indexOf("--to") + 1] ?? "";
    return line[0] === "convert" ? [...line, "-o", join(out, `o${counter++}${endings.get(to) ?? ".ckpt"}`)] : line;
  });
}

function goldenCases(): readonly Subject[] {
  const cases = expectedCases(root).filter((item) => item.json.roles !== undefined || item.json.host !== undefined);
  return cases.map((item, k) => ({
    of: item.arch === "hosts" ? "hosts" : "golden",
    name: item.name,
    lines: () => linesFor(item.path, (cases[(k * 7 + 3) % cases.length] ?? item).path, tried),
  }));
}

function filesOf(of: Collection, folder: string): readonly Subject[] {
  if (!existsSync(folder)) return [];
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && !/\.(md|json|py|ipynb|mjs|txt)$/.test(path));
  return paths.map((path, k) => ({
    of,
    name: basename(path),
    lines: () => linesFor(path, paths[(k * 5 + 1) % paths.length] ?? path, briefly),
  }));
}

/** The command lines of a case that people met, in a copy of its folder. */
function wildCases(folder: string): readonly Subject[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "case.json")))
    .map((name) => {
      const copy = join(out, "cases", name);
      return {
        of: "wild",
        name,
        folder: copy,
        lines: () => {
          cpSync(join(folder, name), copy, { recursive: true });
          const spec: unknown = JSON.parse(readFileSync(join(folder, name, "case.json"), "utf8"));
          if (!isRecord(spec)) return [];
          for (const [to, from] of Object.entries(isRecord(spec.place) ? spec.place : {})) {
            mkdirSync(dirname(join(copy, to)), { recursive: true });
            renameSync(join(copy, String(from)), join(copy, to));
          }
          return runsOf(spec.steps).map((words) => {
            const place = join(out, `case${counter++}`);
            mkdirSync(place);
            return words.map((word) => word.replaceAll("{out}", place)).filter((word) => word !== "--json");
          });
        },
      };
    });
}

function runsOf(step: unknown): readonly (readonly string[])[] {
  if (Array.isArray(step)) return step.flatMap(runsOf);
  if (!isRecord(step)) return [];
  return Array.isArray(step.run) ? [step.run.map(String)] : [...runsOf(step.steps), ...runsOf(step.any)];
}

interface Count {
  right: number;
  tried: number;
  open: number;
}

const seen = new Map<string, number>();
const results = new Map<string, Map<string, Count>>();

async function type(advice: Advice, of: Collection): Promise<void> {
  const kind = kindOf(advice.text);
  const typed = typist.alternatives(advice.text);
  if (typed.length === 0) return;
  const times = seen.get(kind) ?? 0;
  seen.set(kind, times + 1);
  if (times >= (Number(values.times) || Number.POSITIVE_INFINITY)) return;
  const kinds = results.get(of) ?? new Map<string, Count>();
  results.set(of, kinds);
  const count = kinds.get(kind) ?? { right: 0, tried: 0, open: 0 };
  kinds.set(kind, count);
  for (const each of typed) {
    if (each.open) {
      count.open += 1;
      continue;
    }
    count.tried += 1;
    const { right, line, ran } = await typist.follow(advice, each);
    if (right) count.right += 1;
    else {
      const got = `${ran.code} ${ran.stdout.slice(0, 400)}`;
      console.log(`advice   ${advice.text}\n  after  ${advice.args.join(" ")}\n  typed  ${line.join(" ")}\n  got    ${got}`);
    }
  }
}

const [shard = 1, shards = 1] = values.shard.split("/").map(Number);
const subjects = [
  ...goldenCases(),
  ...filesOf("wild", join(root, "../wild")),
  ...wildCases(join(root, "../wild")),
  ...filesOf("hostile", join(root, "hostile")),
].filter(({ of, name }) => values.of.includes(of) && (values.case === undefined || values.case.some((prefix) => name.startsWith(prefix))));
const home = process.cwd();
for (const [k, subject] of subjects.entries()) {
  if (k % Number(values.every) !== 0 || Math.floor(k / Number(values.every)) % shards !== shard - 1) continue;
  const lines = subject.lines();
  if (subject.folder !== undefined) process.chdir(subject.folder);
  for (const args of lines) for (const advice of await typist.advice(args)) await type(advice, subject.of);
  process.chdir(home);
}

rmSync(out, { recursive: true, force: true });
let failed = 0;
for (const of of collections) {
  const kinds = [...(results.get(of) ?? [])].sort();
  const sum = (pick: (count: Count) => number): number => kinds.reduce((total, [, count]) => total + pick(count), 0);
  for (const [kind, { right, tried: typed, open }] of values.verbose === true ? kinds : [])
    console.log(`${right} / ${typed}${open > 0 ? ` (${open} for a person to fill in)` : ""}  ${kind.slice(0, 150)}`);
  failed += sum(({ tried: typed, right }) => typed - right);
  if (values.of.includes(of))
    console.log(
      `${of}: right ${sum(({ right }) => right)} of ${sum(({ tried: typed }) => typed)} typed, ${sum(({ open }) => open)} for a person to fill in, ${kinds.length} kinds`,
    );
}
process.exitCode = failed === 0 ? 0 : 1;
