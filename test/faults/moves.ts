import { chmodSync, cpSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "./command.ts";
import { line, type Reference } from "./kills.ts";
import { judge, type State, same, stateOf } from "./state.ts";

/** What gives a set its names (io/output/place-unnamed.ts), one call a step. */
const commands = ["mkdir", "ln", "rm", "mv"];

/** Counts its calls, and in place of the one that is to be the last kills everything: the command, the shell that names the files, itself. */
const deadly = `#!/bin/sh
calls=$(cat "$FAULT_CALLS" 2>/dev/null || echo 0)
echo $((calls + 1)) > "$FAULT_CALLS"
if [ "$calls" -ge "$FAULT_STEPS" ]; then kill -9 0; fi
PATH=$FAULT_PATH
exec "\${0##*/}" "$@"
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
  const tools = mkdtempSync(join(work, "tools-"));
  for (const name of commands) {
    writeFileSync(join(tools, name), deadly);
    chmodSync(join(tools, name), 0o755);
  }
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
        const { ended } = start(args, ["env", ...environment(tools, join(tools, `calls ${runs}`), steps)]);
        // Nothing outlives it: all of its group were waiting for the command that killed them.
        const { code, signal, stderr } = await ended;
        runs += 1;
        killed = signal === "SIGKILL";
        const title = `${each.kind.name}${force ? ", --force" : ""}, killed before step ${steps + 1} of the naming`;
        if (!killed && code !== 0) problems.push(`${title}: exit ${code}: ${stderr}`);
        const left = stateOf(folder);
        const found = judge(named(left), { old: force ? each.old : new Map(), whole: each.whole, entry: each.kind.entry });
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

function environment(tools: string, calls: string, steps: number): readonly string[] {
  const path = process.env.PATH ?? "";
  return [`PATH=${tools}:${path}`, `FAULT_PATH=${path}`, `FAULT_CALLS=${calls}`, `FAULT_STEPS=${steps}`];
}

/** Without the temporary names beside it. */
function named(state: State): State {
  return new Map([...state].filter(([name]) => !name.endsWith(".vggtool-tmp")));
}
