/**
 * Converts every host and every file of golden/hosts that is no VGG to the formats of other frameworks: the body's values have to be the oracle's,
 * bit for bit, and every other tensor exact in the axes of the target, or named. A refusal counts where what it advises succeeds.
 *
 *     npm run collections -- axes [--only PATTERN] [--verbose]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { expectedCases, type GoldenCase, isRecord } from "../support/golden.ts";
import { inProcess } from "../support/in-process.ts";
import { golden } from "../support/paths.ts";
import { bodyTensors, type Orders, ownTensors, type Placed, type Said } from "../support/recognition/axes.ts";
import { Typist } from "./hints/follow.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" }, verbose: { type: "boolean" } } });
if (golden === undefined) throw new Error("../shared/golden is not there");
const only = new RegExp(values.only);
const work = mkdtempSync(join(tmpdir(), "vggtool-axes-"));

const first: Orders = { kernel: "o i h w", matrix: "o i" };
const last: Orders = { kernel: "h w i o", matrix: "i o" };
const targets: readonly { readonly name: string; readonly args: readonly string[]; readonly ending: string; readonly orders: Orders }[] = [
  { name: "torch", args: ["--to", "torch"], ending: ".pth", orders: first },
  { name: "torch, folded", args: ["--to", "torch", "--fold-bn"], ending: ".pth", orders: first },
  { name: "paddle", args: ["--to", "paddle"], ending: ".pdparams", orders: { kernel: "o i h w", matrix: "i o" } },
  { name: "tfslim", args: ["--to", "tfslim"], ending: ".ckpt", orders: last },
  { name: "keras", args: ["--to", "keras"], ending: ".h5", orders: last },
  { name: "keras axes", args: ["--to", "safetensors", "--layout", "keras-applications"], ending: ".safetensors", orders: last },
  { name: "rest to torch", args: ["--part", "rest", "--to", "torch"], ending: ".pth", orders: first },
  { name: "rest to tfslim", args: ["--part", "rest", "--to", "tfslim"], ending: ".ckpt", orders: last },
];

interface Done {
  readonly record: unknown;
  readonly out: string;
  /** After what a refusal advised. */
  readonly advised: boolean;
}

const typist = new Typist(inProcess, work);

/** A conversion, or what its refusal advises; a sentence where that fails too. */
async function converted(args: readonly string[], out: string): Promise<Done | string> {
  const line = ["convert", ...args, "-o", out, "--force"];
  const said = await inProcess([...line, "--json"]);
  const record: unknown = JSON.parse(said.stdout);
  if (said.code === 0) return { record, out, advised: false };
  const error = isRecord(record) && isRecord(record.error) ? record.error : {};
  const advice = { args: line, text: String(error.hint), message: String(error.message), file: String(error.file) };
  for (const typed of typist.alternatives(advice.text)) {
    const { right, line: again, ran } = await typist.follow(advice, typed);
    if (right) return { record: JSON.parse(ran.stdout), out: again[again.indexOf("-o") + 1] ?? out, advised: true };
  }
  return `${advice.message}; ${advice.text}`;
}

function saidOf(record: unknown): Said {
  const plan = isRecord(record) && isRecord(record.plan) ? record.plan : {};
  const ledger = isRecord(record) && isRecord(record.ledger) ? record.ledger : {};
  const unused = Array.isArray(plan.unused) ? plan.unused.flatMap((left) => (isRecord(left) ? [String(left.key)] : [])) : [];
  const kept = new Set<string>();
  const kinds = new Map<string, string>();
  for (const layer of Array.isArray(ledger.layers) ? ledger.layers : []) {
    if (!isRecord(layer) || !Array.isArray(layer.tensors)) continue;
    for (const key of layer.tensors) {
      kinds.set(String(key), String(layer.kind));
      if (layer.kept !== undefined) kept.add(String(key));
    }
  }
  const moves = Array.isArray(plan.moves) ? plan.moves.filter(isRecord) : [];
  const flattened = new Map(
    moves.flatMap(({ to, sizes }) =>
      Array.isArray(sizes) && String(sizes[0]?.[0]) === "i" ? [[String(to), Number(sizes[0]?.[1])] as const] : [],
    ),
  );
  return { unused: new Set(unused), kept, kinds, flattened };
}

/** Where the plan puts each role. */
function placesOf(record: unknown): ReadonlyMap<string, Placed> {
  const moves = isRecord(record) && isRecord(record.plan) && Array.isArray(record.plan.moves) ? record.plan.moves.filter(isRecord) : [];
  return new Map(
    moves.flatMap(({ to, toAxes, fills }) => {
      const role = Array.isArray(fills) && isRecord(fills[0]) ? fills[0].role : undefined;
      return typeof role === "string" ? [[role, { key: String(to), axes: String(toAxes) }] as const] : [];
    }),
  );
}

function normed(roles: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(roles).some((role) => role.includes(".bn."));
}

const totals = { right: 0, tried: 0, advised: 0, exact: 0, turned: 0, named: 0 };

async function attempt(item: GoldenCase, target: (typeof targets)[number]): Promise<readonly string[]> {
  const ctx = createContext({ values: true, temporaryFolder: work });
  const out = join(work, `out${target.ending}`);
  rmSync(out, { force: true });
  try {
    const done = await converted([item.path, ...target.args], out);
    if (typeof done === "string") return [done];
    if (done.advised) totals.advised++;
    const [source, made] = [await open(item.path, ctx), await open(done.out, ctx)];
    const host = isRecord(item.json.host) ? item.json.host : {};
    const roles = isRecord(host.body_roles) ? host.body_roles : {};
    const said = saidOf(done.record);
    const taken = new Set(Object.values(roles).map((slot) => (Array.isArray(slot) ? String(slot[0]) : "")));
    const either = new Set([
      ...Object.keys(isRecord(host.either) ? host.either : {}),
      ...Object.keys(isRecord(host.aliases) ? host.aliases : {}),
    ]);
    const keys = [...source.tensors.keys()].filter((key) => !taken.has(key) && !either.has(key));
    // What a refusal advises may lead elsewhere: then the values of the body alone are looked at.
    const own = done.advised
      ? { exact: 0, turned: 0, named: 0, faults: [] }
      : await ownTensors(source, made, keys, said, [source.conventions, target.orders], ctx);
    const faults = [...own.faults];
    if (!target.args.includes("rest") && typeof host.canonical === "string") {
      const oracle = await open(join(item.folder, host.canonical), ctx);
      // Folded, or made up for another epsilon: computed, not moved.
      const computed = (role: string): boolean =>
        normed(roles) && (target.name.endsWith("folded") || (target.name === "tfslim" && /\.bias$|\.bn\./.test(role)));
      // What was advised may leave a head out.
      const out = new Set(
        Object.entries(roles).flatMap(([role, slot]) =>
          done.advised && Array.isArray(slot) && said.unused.has(String(slot[0])) ? [role] : [],
        ),
      );
      const wanted = Object.keys(roles).filter((role) => !out.has(role) && (role.startsWith("fc") || !computed(role)));
      faults.push(...(await bodyTensors(placesOf(done.record), made, oracle, wanted, ctx)));
      await oracle.close();
    }
    totals.exact += own.exact;
    totals.turned += own.turned;
    totals.named += own.named;
    await source.close();
    await made.close();
    return faults;
  } finally {
    await ctx.dispose();
  }
}

for (const item of expectedCases(golden).filter(({ arch, name }) => arch === "hosts" && only.test(name))) {
  for (const target of targets) {
    const roles = isRecord(item.json.host) && isRecord(item.json.host.body_roles) ? item.json.host.body_roles : {};
    // A file that holds no VGG has no rest of one, and many have no batch norm.
    if ((item.json.vgg === false && target.args.includes("rest")) || (target.args.includes("--fold-bn") && !normed(roles))) continue;
    totals.tried++;
    const faults = await attempt(item, target);
    if (faults.length === 0) totals.right++;
    else console.log(`${item.name} to ${target.name}: ${faults.slice(0, 4).join("; ")}${faults.length > 4 ? ` … ${faults.length}` : ""}`);
  }
}
rmSync(work, { recursive: true });
console.log(`${totals.right} right / ${totals.tried} tried; ${totals.advised} as advised`);
console.log(
  `tensors of other layers: ${totals.turned} kernels and matrices turned, ${totals.exact} vectors, ${totals.named} named as left out or kept`,
);
