/**
 * The properties of docs/recognition.md over every golden checkpoint with named tensors, the hosts, and files that hold no VGG. Each file is
 * opened once; tensors are left out, added and renamed in memory. `made` are networks of test/support/recognition, with a VGG in them and
 * without, in each of the spellings. Prints what was false, and right / tried of each property; `--share K/N` tries every Nth file from the
 * Kth on.
 *
 *     npm run collections -- recognition [--only PATTERN] [--property drop|add|rename|hosts|negatives|made] [--share K/N] [--shown N]
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import type { DescribedCheckpoint } from "../../src/model/described.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { expectedCases, isRecord } from "../support/golden.ts";
import { golden, real } from "../support/paths.ts";
import { hostFaults } from "../support/recognition/hosts.ts";
import { inHosts } from "../support/recognition/in-hosts.ts";
import { madeFaults } from "../support/recognition/made-faults.ts";
import { isDecided, noVgg } from "../support/recognition/no-vgg.ts";
import { additions, drops, renames, type Trial } from "../support/recognition/properties.ts";
import { spelled, spellings } from "../support/recognition/spell.ts";
import { stateOf } from "../support/recognition/statement.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    property: { type: "string" },
    share: { type: "string", default: "1/1" },
    shown: { type: "string", default: "3" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log("recognition [--only PATTERN] [--property drop|add|rename|hosts|negatives|made] [--share K/N] [--shown N]");
  process.exit(0);
}
const shown = Number(values.shown);
const only = new RegExp(values.only ?? "");
const [share = 1, shares = 1] = values.share.split("/").map(Number);
let files = 0;
/** Whether this run tries the next file. */
const isShared = (): boolean => files++ % shares === share - 1;
const counts = new Map<string, { right: number; tried: number }>();

function count(property: string, file: string, { what, faults }: Trial, at: { n: number }): void {
  const sum = counts.get(property) ?? { right: 0, tried: 0 };
  counts.set(property, sum);
  sum.tried++;
  if (faults.length === 0) sum.right++;
  else if (at.n++ < shown)
    console.log(`${property}: ${file}: ${what}: ${faults.slice(0, 3).join("; ")}${faults.length > 3 ? ` … ${faults.length}` : ""}`);
}

const asked = (property: string): boolean => values.property === undefined || values.property === property;

async function described(path: string): Promise<DescribedCheckpoint | undefined> {
  const ctx = createContext();
  try {
    const checkpoint = await open(path, ctx);
    const { format, conventions, tensors, layers, metadata } = checkpoint;
    await checkpoint.close();
    return { format, conventions, tensors: new Map(tensors), layers, metadata };
  } catch (error) {
    if (isCheckpointError(error)) return undefined;
    throw error;
  } finally {
    await ctx.dispose();
  }
}

function negative(file: string, checkpoint: DescribedCheckpoint): void {
  const claimed = identify(checkpoint)?.network.name;
  count("negatives", file, { what: "no VGG", faults: claimed === undefined ? [] : [`called ${claimed}`] }, { n: 0 });
}

/** Cases whose expected.json gives roles; fewer than four are tensors that only look like a network's. */
function hasNetwork(json: Readonly<Record<string, unknown>>): boolean {
  return json.vgg === true || (isRecord(json.roles) && Object.keys(json.roles).length > 3);
}

for (const { arch, name, path, json } of golden === undefined ? [] : expectedCases(golden)) {
  const file = `${arch}/${name}`;
  if (!only.test(file) || !isShared()) continue;
  const checkpoint = await described(path);
  if (checkpoint === undefined) continue;
  if (arch === "hosts" && asked("hosts")) count("hosts", file, { what: "expected.json", faults: hostFaults(checkpoint, json) }, { n: 0 });
  if ((arch === "misc" || json.vgg === false) && asked("negatives")) negative(file, checkpoint);
  if (!hasNetwork(json)) continue;
  const before = stateOf(checkpoint);
  count("recognised", file, { what: "as it is", faults: before === undefined ? ["nothing is said"] : [] }, { n: 0 });
  if (before === undefined) continue;
  // Two dense layers of a head without its convolutions are any small network's.
  const undecided = [...before.roles.values()].some((text) => text.includes("conv")) ? [] : ["fc8"];
  const ways = [
    ["drop", drops],
    ["add", additions],
    ["rename", renames],
  ] as const;
  for (const [property, trials] of ways) {
    const at = { n: 0 };
    if (asked(property)) for (const trial of trials(checkpoint, before, { undecided })) count(property, file, trial, at);
  }
}
if (real !== undefined && asked("negatives")) {
  for (const folder of readdirSync(real, { withFileTypes: true })) {
    if (!folder.isDirectory() || folder.name === "answers") continue;
    for (const file of readdirSync(join(real, folder.name))) {
      const checkpoint =
        only.test(`real/${folder.name}/${file}`) && isShared() ? await described(join(real, folder.name, file)) : undefined;
      if (checkpoint !== undefined) negative(`real/${folder.name}/${file}`, checkpoint);
    }
  }
}

/** As the networks that no framework wrote here: files of tests alone. */
function tryMade(): void {
  for (const [spelling, how] of Object.entries(spellings)) {
    for (const { name, layers } of noVgg) {
      if (!only.test(`made/${name}`) || isDecided(name, spelling) || !isShared()) continue;
      negative(`made/${name}, ${spelling}`, spelled(layers, how).checkpoint);
    }
    for (const host of inHosts) {
      if (!only.test(`made/${host.name}`) || !isShared()) continue;
      const file = `made/${host.name}, ${spelling}`;
      count("made", file, { what: "as made", faults: madeFaults(host, spelling) }, { n: 0 });
      const { checkpoint } = spelled(host.layers, how);
      const before = stateOf(checkpoint);
      if (before === undefined) continue;
      for (const [property, trials] of [
        ["made, drop", drops],
        ["made, add", additions],
        ["made, rename", renames],
      ] as const) {
        const at = { n: 0 };
        for (const trial of trials(checkpoint, before, { ...host, counted: !how.named })) count(property, file, trial, at);
      }
    }
  }
}
if (asked("made")) tryMade();
for (const [property, { right, tried }] of counts) console.log(`${property.padEnd(12)} ${right} right / ${tried} tried`);
process.exitCode = [...counts.values()].some(({ right, tried }) => right < tried) ? 1 : 0;
