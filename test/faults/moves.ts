import { cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "./command.ts";
import { entriesOf, line, type Reference } from "./kills.ts";
import { judge, same, stateOf, withoutTemporary } from "./state.ts";

/** What gives files their names and takes them away (io/output/place.ts, claim.ts), one call a step. Counts the calls, and in place of the one that is to be the last kills the process. */
const deadly = `
const fs = require("node:fs");
let left = Number(process.env.FAULT_STEPS);
for (const name of ["mkdirSync", "linkSync", "renameSync", "unlinkSync"]) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (left-- <= 0) process.kill(process.pid, "SIGKILL");
    return real(...args);
  };
}
require("node:module").syncBuiltinESMExports();
`;

export interface StepCounts {
  /** How many runs left what. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly problems: readonly string[];
  readonly runs: number;
}

/**
 * Kills conversions between any two steps of the naming of their files, over an old output and to a new place. Afterwards the old output is
 * there, or the new one, or no entry, and beside them nothing but temporary names, which the next run takes away.
 */
export async function killBetweenMoves(references: readonly Reference[], now: string, work: string): Promise<StepCounts> {
  const shim = join(work, "deadly.cjs");
  writeFileSync(shim, deadly);
  const outcomes = new Map<string, number>();
  const problems: string[] = [];
  let runs = 0;
  for (const each of references) {
    for (const force of [true, false]) {
      let killed = true;
      for (let steps = 0; killed; steps += 1) {
        const folder = mkdtempSync(join(work, "moves-"));
        if (force) cpSync(each.oldFolder, folder, { recursive: true });
        const args = line(each.kind, now, folder, force ? ["--force"] : []);
        const { ended, child } = start(args, ["env", `NODE_OPTIONS=--require ${JSON.stringify(shim)}`, `FAULT_STEPS=${steps}`]);
        const { code, signal, stderr } = await ended;
        runs += 1;
        killed = signal === "SIGKILL";
        const title = `${each.kind.name}${force ? ", --force" : ""}, killed before step ${steps + 1} of the naming`;
        if (!killed && code !== 0) problems.push(`${title}: exit ${code}: ${stderr}`);
        const left = stateOf(folder);
        const found = judge(killed ? withoutTemporary(left, child.pid) : left, {
          old: force ? each.old : new Map(),
          whole: each.whole,
          entries: entriesOf(each.kind),
        });
        const right = killed ? !found.startsWith("WRONG") : found === "new";
        if (!right) problems.push(`${title}: ${found}`);
        const key = `${force ? "over an old output" : "to a new place"}: ${found}`;
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
        if (same(left, force ? each.old : new Map()) || same(left, each.whole)) continue;
        const after = await start(line(each.kind, now, folder, ["--force", "--no-check"])).ended;
        if (after.code !== 0 || !same(stateOf(folder), each.whole))
          problems.push(`${title}: the next run ended by ${after.code}, and there is ${[...stateOf(folder).keys()].join(", ")}`);
      }
    }
  }
  return { outcomes, problems, runs };
}
