/**
 * Command lines and JSON arguments by chance: whatever is asked, the answer is a result or a sentence, never "this is a bug in vggtool", within
 * 10 s, and in fewer than 900 characters an error. docs/fuzzing.md explains.
 *
 *     npx tsx test/fuzz/arguments.ts [--seconds 20] [--seed 1] [--only N]
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { convert } from "../../src/index.ts";
import { jsonPieces } from "../../src/report/json.ts";
import { fixtures } from "../support/paths.ts";
import { Random } from "../support/random.ts";
import { type ArgumentCase, type Document, documentCase, lineCase } from "./argument-cases.ts";

const { values: given } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, seed: { type: "string", default: "1" }, only: { type: "string" } },
});
/** In ms; a case takes some 20. */
const patience = 10_000;
/** A worker loads the whole command before its first answer. */
const startPatience = 120_000;
/** In characters, of each error on stderr. */
const longest = 900;

const outer = mkdtempSync(join(tmpdir(), "vggtool-arguments-"));
// One level down: `..` may be an argument, and what else the system's folder holds is nobody's business.
const folder = join(outer, "work");
mkdirSync(folder);
const at = (name: string): string => join(folder, name);
copyFileSync(join(fixtures, "demo", "vgg16.pdparams"), at("in.pdparams"));
copyFileSync(join(fixtures, "interop", "vgg16.pth"), at("in.pth"));
await convert(at("in.pth"), { out: at("beside.npz") });

const plan = [...jsonPieces((await convert(at("in.pth"), { to: "paddle", dryRun: true })).plan)].join("");
const map = {
  "net/first/kernel": { from: "features.0.weight", axes: "o i h w -> h w i o" },
  "net/conv*/bias": { from: "features.*.bias" },
  fc: { from: "classifier.0.weight", axes: "o (i h w) -> (h w i) o", sizes: { h: 1, w: 1 } },
};
const convertTo = ["convert", at("in.pth"), "--map", at("map.json"), "-o", at("out/x.npz")];
const documents: readonly Document[] = [
  { name: "map.json", text: JSON.stringify(map), args: convertTo },
  { name: "map.json", text: plan, args: [...convertTo.slice(0, -1), at("out/x.pdparams")] },
  { name: "map.json", text: plan, args: [...convertTo, "--dry-run"] },
  {
    name: "beside.npz.vggtool.json",
    text: readFileSync(at("beside.npz.vggtool.json"), "utf8"),
    args: ["inspect", at("beside.npz"), "--layers"],
  },
  {
    name: "beside.npz.vggtool.json",
    text: readFileSync(at("beside.npz.vggtool.json"), "utf8"),
    args: ["convert", at("beside.npz"), "-o", at("out/x.safetensors"), "--naming", "keep"],
  },
  {
    name: "how.json",
    text: JSON.stringify({ channels: "rgb", range: 255, mean: [1, 2, 3], std: [1, 1, 1], size: [32, 32], fit: "cover" }),
    args: ["verify", at("in.pth"), "--preprocess", at("how.json"), "--pair", at("in.pth"), at("in.pth"), "--device", "cpu"],
  },
  {
    name: "names.json",
    text: JSON.stringify({ 0: "a", 1: ["n1", "b"], 2: "c", 3: "d", 4: "e", 5: "f", 6: "g" }),
    args: ["verify", at("in.pth"), "--labels", at("names.json"), "--top", "2"],
  },
];

const lines: readonly (readonly string[])[] = [
  ["inspect", at("in.pth")],
  ["inspect", at("in.pdparams"), "--json"],
  ["convert", at("in.pth"), "-o", at("out/x.safetensors")],
  ["convert", at("in.pdparams"), "--to", "tfslim", "-o", at("out/x.ckpt"), "--no-check"],
  ["convert", at("in.pth"), "--like", at("in.pdparams"), "-o", at("out/x.pdparams")],
  ["diff", at("in.pth"), at("in.pdparams")],
  ["verify", at("in.pth"), "--engine", "wasm"],
  ["verify", at("in.pth"), at("in.pdparams"), "--engine", "wasm"],
  ["formats"],
];

/** The options of each command, from what it says of itself. */
async function options(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const command of ["inspect", "convert", "diff", "verify", "formats"]) {
    const module = readFileSync(fileURLToPath(new URL(`../../src/cli/commands/${command}.ts`, import.meta.url)), "utf8");
    const own = [...module.matchAll(/ption\(\s*"(?:-\w, )?(--[\w-]+ ?<?)/g)].map((match) => match[1] ?? "");
    found.set(command, [...own, "--json", "--quiet", "--color", "--help"]);
  }
  return found;
}

interface Answer {
  readonly code: number;
  readonly said: string;
}

let worker: ChildProcess | undefined;

async function started(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("argument-worker.ts", import.meta.url)), [folder], {
    cwd: folder,
    execArgv: ["--import", import.meta.resolve("tsx")],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), startPatience);
  await Promise.race([once(child, "message"), once(child, "exit")]);
  clearTimeout(timer);
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the worker did not start within ${startPatience / 1000} s`);
  return child;
}

/** What the command said, or how it failed to answer. */
async function ran({ args, files }: ArgumentCase): Promise<Answer | string> {
  worker ??= await started();
  const child = worker;
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(`no answer within ${patience / 1000} s`), patience);
    const end = (answer: Answer | string): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      if (typeof answer === "string") {
        child.kill("SIGKILL");
        worker = undefined;
      }
      resolve(answer);
    };
    child.once("message", (answer: Answer) => end(answer));
    child.once("exit", (code, signal) => end(`the process ended by ${signal ?? code}`));
    child.send({ args, files: [...files] });
  });
}

function problemOf(answer: Answer | string): string | undefined {
  if (typeof answer === "string") return answer;
  if (/bug in vggtool|^ {4}at /m.test(answer.said)) return answer.said.slice(0, 500);
  if (![0, 1, 2].includes(answer.code)) return `exit ${answer.code}`;
  const errors = answer.said.split("vggtool: ").length;
  return answer.said.length < longest * errors ? undefined : `${answer.said.length} characters: ${answer.said.slice(0, 200)}`;
}

const known = await options();
const until = performance.now() + 1000 * Number(given.seconds);
const codes = new Map<number, number>();
const problems: string[] = [];
let tried = 0;
try {
  for (let n = Number(given.only ?? 0); performance.now() < until && problems.length < 20; n += 1) {
    const random = new Random(1_000_003 * Number(given.seed) + n);
    const made = n % 2 === 0 ? documentCase(documents, random) : lineCase(lines, known, random);
    const args = made.args.map((arg) => arg.replace("{out}", at("out")).replace("{in}", at("in.pth")));
    const answer = await ran({ ...made, args });
    const problem = problemOf(answer);
    tried += 1;
    if (typeof answer !== "string") codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1);
    if (problem !== undefined) {
      const shown = [...made.files].map(([name, text]) => `\n     ${name}: ${text.slice(0, 300)}`).join("");
      problems.push(`${n}: ${args.map((arg) => JSON.stringify(arg.replace(folder, "."))).join(" ")}\n     ${problem}${shown}`);
    }
    if (given.only !== undefined) break;
  }
} finally {
  worker?.kill("SIGKILL");
  rmSync(outer, { recursive: true, force: true });
}
for (const problem of problems) console.log(`FAIL ${problem}`);
const counts = [...codes].sort().map(([code, count]) => `${count} × exit ${code}`);
console.log(`arguments: ${problems.length} problems in ${tried} command lines (seed ${given.seed}): ${counts.join(", ")}`);
process.exitCode = problems.length === 0 ? 0 : 1;
