import { cpSync, mkdirSync, watch } from "node:fs";
import { join } from "node:path";
import { Random } from "../support/random.ts";
import { sleep, start } from "./command.ts";
import { emptied, judge, type State, same, stateOf, withoutTemporary } from "./state.ts";

/** One kind of output: the arguments that make it, and the file that opens it. */
export interface Kind {
  readonly name: string;
  readonly out: string;
  readonly entry: string;
  readonly args: readonly string[];
  /** What an older output of another form was made by, and what opens it; the same where absent. */
  readonly older?: { readonly out: string; readonly entry: string; readonly args: readonly string[] };
}

export const oneFile: Kind = { name: "safetensors", out: "x.safetensors", entry: "x.safetensors", args: [] };
export const twoFiles: Kind = { name: "tf-v2", out: "x.ckpt", entry: "x.ckpt.index", args: ["--to", "tfslim"] };

/** One file, and what its format cannot store in x.pth.vggtool.json. */
export const besideIt: Kind = { name: "torch", out: "x.pth", entry: "x.pth", args: [] };
export const threeFiles: Kind = { name: "caffe", out: "x.caffemodel", entry: "x.caffemodel", args: ["--input-size", "224x224x3"] };
export const deflated: Kind = { name: "npz, deflated", out: "x.npz", entry: "x.npz", args: ["--compress"] };

const shards = ["--to", "safetensors", "--max-shard-size", "4MB"];
const index = "x.safetensors.index.json";
/** Outputs of one name in another form than the old one. */
export const otherForms: readonly Kind[] = [
  { name: "shards over one file", out: oneFile.out, entry: index, args: shards, older: oneFile },
  { ...oneFile, name: "one file over shards", older: { out: oneFile.out, entry: index, args: shards } },
];

export const kinds: readonly Kind[] = [
  oneFile,
  besideIt,
  { name: "paddle", out: "x.pdparams", entry: "x.pdparams", args: [] },
  { name: "matconvnet", out: "x.mat", entry: "x.mat", args: [] },
  deflated,
  { name: "onnx", out: "x.onnx", entry: "x.onnx", args: ["--input-size", "224x224x3"] },
  twoFiles,
  threeFiles,
  { name: "tfjs", out: "x-tfjs", entry: "x-tfjs/model.json", args: ["--to", "tfjs", "--input-size", "224x224x3"] },
  {
    name: "safetensors, sharded",
    out: index,
    entry: index,
    args: shards,
  },
];

/** A kind with its outputs of two sources, made without any fault, and the time that took. */
export interface Reference {
  readonly kind: Kind;
  readonly old: State;
  readonly oldFolder: string;
  readonly whole: State;
  readonly ms: number;
}

/** What may open an output or the one before it. */
export function entriesOf({ entry, older }: Kind): readonly string[] {
  return [entry, ...(older === undefined ? [] : [older.entry])];
}

export interface Sources {
  readonly now: string;
  readonly before: string;
}

export function line(kind: Kind, source: string, folder: string, more: readonly string[] = []): readonly string[] {
  return ["convert", source, "-o", join(folder, kind.out), ...kind.args, ...more];
}

export async function reference(kind: Kind, sources: Sources, work: string): Promise<Reference> {
  const folders = ["before", "now"].map((name) => join(work, `${kind.name} ${name}`));
  const [oldFolder = "", newFolder = ""] = folders;
  let ms = 0;
  for (const [folder, source] of [
    [oldFolder, sources.before],
    [newFolder, sources.now],
  ] as const) {
    mkdirSync(folder);
    const made = folder === oldFolder && kind.older !== undefined ? { ...kind, ...kind.older } : kind;
    const ran = await start(line(made, source, folder)).ended;
    if (ran.code !== 0) throw new Error(`${kind.name} cannot be converted at all: ${ran.stderr}`);
    ms = ran.seconds * 1000;
  }
  return { kind, old: stateOf(oldFolder), oldFolder, whole: stateOf(newFolder), ms };
}

export interface KillCounts {
  readonly outcomes: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
  /** Runs that left temporary files, which the next one cleared. */
  readonly cleared: number;
}

/**
 * Kills `total` conversions, each kind in turn, over an old output and to a new place, with SIGKILL and SIGINT: most at a moment between
 * start and end, a quarter as soon as the first file shows up at its place. Afterwards nothing but the old or the new output is there, and beside
 * it, after SIGKILL alone, temporary files, which the next run takes away.
 */
export async function killConversions(total: number, seed: number, sources: Sources, work: string, lanes: number): Promise<KillCounts> {
  const references: Reference[] = [];
  for (const kind of kinds) references.push(await reference(kind, sources, work));
  const outcomes = new Map<string, number>();
  const problems: string[] = [];
  let next = 0;
  let cleared = 0;
  const lane = async (k: number): Promise<void> => {
    const folder = join(work, `lane ${k}`);
    mkdirSync(folder);
    for (let n = next++; n < total; n = next++) {
      const random = new Random(seed * 1000 + n);
      const signal = n % 2 === 0 ? "SIGKILL" : "SIGINT";
      const force = Math.floor(n / 2) % 2 === 0;
      const each = references[Math.floor(n / 4) % references.length];
      if (each === undefined) continue;
      emptied(folder);
      if (force) cpSync(each.oldFolder, folder, { recursive: true });
      const moment = random.next() < 0.25 ? undefined : random.next() * each.ms * 1.1;
      const { ended, child } = start(line(each.kind, sources.now, folder, force ? ["--force"] : []));
      if (moment === undefined) await Promise.race([firstChange(folder, random.next() * 4), ended]);
      else await Promise.race([sleep(moment), ended]);
      child.kill(signal);
      const { code, signal: by, stderr } = await ended;
      const old = force ? each.old : new Map<string, string>();
      const place = { old, whole: each.whole, entries: entriesOf(each.kind) };
      const left = stateOf(folder);
      const named = by === "SIGKILL" ? withoutTemporary(left, child.pid) : left;
      const found = judge(named, place);
      const title = `${n} ${each.kind.name}, ${signal}${force ? " --force" : ""}, ${moment === undefined ? "at its first file" : `after ${Math.round(moment)} ms`}`;
      if (found.startsWith("WRONG")) problems.push(`${title}: ${found}`);
      const exit = by ?? String(code);
      const allowed = signal === "SIGKILL" ? ["SIGKILL", "0"] : ["SIGINT", "130", "0"];
      if (!allowed.includes(exit)) problems.push(`${title}: exit ${exit}: ${stderr}`);
      if (exit === "0" && found !== "new") problems.push(`${title}: exit 0, and the output is ${found}`);
      if (exit === "130" && found === "no entry") problems.push(`${title}: exit 130 left ${[...stateOf(folder).keys()].join(", ")}`);
      if (exit === "130" && !/interrupted/.test(stderr)) problems.push(`${title}: exit 130 says ${JSON.stringify(stderr)}`);
      if (!same(left, named)) {
        cleared += 1;
        const after = await start(line(each.kind, sources.now, folder, ["--force", "--no-check"])).ended;
        if (after.code !== 0 || !same(stateOf(folder), each.whole))
          problems.push(`${title}: the next run ended by ${after.code}, and there is ${[...stateOf(folder).keys()].join(", ")}`);
      }
      const key = `${signal === "SIGINT" ? `SIGINT exit ${by === null ? code : 130}` : by === null ? "SIGKILL too late" : "SIGKILL"}: ${found.startsWith("WRONG") ? "WRONG" : found}`;
      outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, k) => lane(k)));
  return { outcomes, problems, cleared };
}

/** The first change of names in a folder, and a moment more: the commit is under way. */
function firstChange(folder: string, more: number): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(folder, { recursive: false }, (_, name) => {
      if (name?.endsWith(".vggtool-tmp")) return;
      watcher.close();
      setTimeout(resolve, more);
    });
    setTimeout(() => watcher.close(), 60_000).unref();
  });
}
