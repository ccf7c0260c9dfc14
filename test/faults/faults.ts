/**
 * Faults of the machine while the built command converts: kills, full and read-only disks, missing permission, a source that changes or
 * shrinks, two runs at one output. Afterwards the old output is there, or the complete new one, and nothing else. docs/fuzzing.md explains.
 *
 *     npx tsx test/faults/faults.ts [--kills 200] [--seed N] [--megabytes 20] [--lanes 2] [--only kills|moves|disk|source|race]
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemCode } from "../../src/io/system-error.ts";
import { type Ended, sleep, start } from "./command.ts";
import { besideIt, deflated, killConversions, line, oneFile, otherForms, reference, threeFiles, twoFiles } from "./kills.ts";
import { killBetweenMoves } from "./moves.ts";
import { writeNetwork } from "./network.ts";
import { emptied, type State, same, stateOf } from "./state.ts";

const { values: given } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    megabytes: { type: "string", default: "20" },
    lanes: { type: "string", default: "2" },
    only: { type: "string" },
  },
});
const work = mkdtempSync(join(tmpdir(), "vggtool-faults-"));
const source = join(work, "now.safetensors");
const before = join(work, "before.safetensors");
writeNetwork(source, Number(given.megabytes), 1);
writeNetwork(before, Number(given.megabytes), 2);
let failed = 0;
const wanted = (part: string): boolean => given.only === undefined || given.only === part;

function told(title: string, problem: string | undefined, note = ""): void {
  if (problem !== undefined) failed += 1;
  console.log(
    `${problem === undefined ? "ok  " : "FAIL"} ${title}${note === "" ? "" : `: ${note}`}${problem === undefined ? "" : `\n     ${problem}`}`,
  );
}

/** Whether a run ended as it should: an exit code, a sentence with this in it, and no advice to report a bug. */
function refusal({ code, stderr }: Ended, says: RegExp): string | undefined {
  if (code !== 2) return `exit ${code}: ${stderr}`;
  if (!stderr.startsWith("vggtool: ") || stderr.includes("this is a bug") || !says.test(stderr)) return `it says: ${stderr}`;
  return undefined;
}

const first = (text: string): string => text.trim().split("\n").join(" | ").replaceAll(work, "…");

/** Mounts a small file system in memory, or says why not. */
function mounted(options: string): { readonly folder: string; readonly unmount: () => void } | string {
  const folder = mkdtempSync(join(work, "mount-"));
  const ran = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { encoding: "utf8" });
  if (ran.status !== 0) return (ran.stderr || String(ran.error ?? "mount failed")).trim();
  return { folder, unmount: () => spawnSync("umount", [folder]) };
}

async function disk(): Promise<void> {
  const full = mounted(`size=${Number(given.megabytes) + 8}m`);
  if (typeof full === "string") console.log(`skip a disk that fills up: ${full}`);
  else {
    const ended = await start(line(deflated, source, full.folder)).ended;
    const left = [...stateOf(full.folder).keys()];
    const title = "a disk that is too small for temporary files";
    told(title, left.length > 0 ? `left: ${left.join(", ")}` : refusal(ended, /disk is full|are free/), first(ended.stderr));
    await filling(full.folder);
    const small = await start(line(oneFile, source, full.folder, ["--to", "safetensors", "--dtype", "float64"])).ended;
    told("a disk that is too small from the start", refusal(small, /needs \d+ bytes, \d+ are free/), first(small.stderr));
    full.unmount();
  }
  const folder = mkdtempSync(join(work, "limit-"));
  // Needs no rights: the shell forbids files of more than 4 MB. The signal that comes with it is for programs without error handling.
  const limited = await start(line(oneFile, source, folder, ["--no-check"]), [
    "sh",
    "-c",
    "ulimit -f 8192; trap '' XFSZ; exec \"$@\"",
    "sh",
  ]).ended;
  told("a limit on file sizes", stateOf(folder).size > 0 ? "something was left" : refusal(limited, /larger than/), first(limited.stderr));
  const readOnly = mounted("size=64m,ro");
  if (typeof readOnly === "string") console.log(`skip a read-only disk: ${readOnly}`);
  else {
    const ended = await start(line(oneFile, source, readOnly.folder)).ended;
    told("a read-only disk", refusal(ended, /read-only|are free/), first(ended.stderr));
    readOnly.unmount();
  }
  await permission();
}

/** The space is there when the run begins and gone before it ends; tried again where the run was faster. */
async function filling(folder: string): Promise<void> {
  const free = (): number => statfsSync(folder).bfree * statfsSync(folder).bsize;
  const all = free();
  const filler = join(folder, "filler");
  const title = `${twoFiles.name}: the disk fills up`;
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const run = start(line(twoFiles, source, folder, ["--no-check"]));
    // Without a turn for anything else, since the moment is short.
    for (const begun = performance.now(); free() > all - 65_536 && performance.now() - begun < 20_000; );
    fill(filler);
    const ended = await run.ended;
    rmSync(filler);
    const left = [...stateOf(folder).keys()];
    if (ended.code === 0) {
      emptied(folder);
      continue;
    }
    told(title, left.length > 0 ? `left: ${left.join(", ")}` : refusal(ended, /disk is full|are free/), first(ended.stderr));
    return;
  }
  console.log(`skip ${title}: the run was done before it was full, four times`);
}

async function permission(): Promise<void> {
  const closed = mkdtempSync(join(work, "closed-"));
  const other = process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
  chmodSync(work, 0o755);
  chmodSync(closed, 0o555);
  const able = other.length === 0 || spawnSync(other[0] ?? "", [...other.slice(1), process.execPath, "--version"]).status === 0;
  if (!able) {
    console.log("skip missing permission: root ignores it, and no other user can run Node here");
    return;
  }
  const ended = await start(line(oneFile, source, closed), other).ended;
  told("a folder without permission", refusal(ended, /permission denied/), first(ended.stderr));
  chmodSync(closed, 0o755);
  const secret = join(work, "secret.safetensors");
  copyFileSync(source, secret);
  chmodSync(secret, 0);
  const unread = await start(line(oneFile, secret, closed), other).ended;
  told("a source without permission", refusal(unread, /permission denied/), first(unread.stderr));
}

function fill(path: string): void {
  const fd = openSync(path, "w");
  try {
    for (;;) writeSync(fd, Buffer.alloc(1 << 16));
  } catch (error) {
    if (systemCode(error) !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
}

/** Sources that another program writes to at moments between start and end of a run. */
async function changing(): Promise<void> {
  const copy = join(work, "changing.safetensors");
  const whole = async (from: string): Promise<{ readonly state: State; readonly ms: number }> => {
    const folder = mkdtempSync(join(work, "changing-"));
    const { seconds } = await start(line(oneFile, from, folder)).ended;
    return { state: stateOf(folder), ms: seconds * 1000 };
  };
  const calm = await whole(source);
  const acts: readonly (readonly [string, () => void])[] = [
    ["shrinks", () => truncateSync(copy, 1_000_000)],
    ["is written to", () => overwrite(copy)],
    ["is replaced", () => renameSync(`${copy}.new`, copy)],
  ];
  for (const [what, act] of acts) {
    const refresh = (): void => {
      copyFileSync(source, copy);
      copyFileSync(before, `${copy}.new`);
    };
    refresh();
    act();
    const changed = what === "shrinks" ? calm : await whole(copy);
    const counts = new Map<string, number>();
    let problem: string | undefined;
    for (let k = 1; k <= 6; k += 1) {
      refresh();
      const folder = mkdtempSync(join(work, "changing-"));
      const run = start(line(oneFile, copy, folder));
      await Promise.race([sleep((calm.ms * (k + 2)) / 9), run.ended]);
      act();
      const ended = await run.ended;
      const now = stateOf(folder);
      // Done: then it was before the file was opened, or after it was read.
      const right = ended.code === 0 ? same(now, calm.state) || same(now, changed.state) : now.size === 0;
      problem ??= right ? undefined : `exit ${ended.code}, and there is ${[...now.keys()].join(", ") || "nothing"}`;
      if (ended.code !== 0) problem ??= refusal(ended, /changed|ends at|truncated|bytes/);
      const key = ended.code === 0 ? "done" : first(ended.stderr).replace(/^vggtool: [^:]*: /, "");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    told(`a source that ${what} while it is read`, problem, [...counts].map(([key, count]) => `${count} × ${key}`).join("; "));
  }
}

/** Values in the middle of the file; never behind its end, which would be another fault. */
function overwrite(path: string): void {
  const fd = openSync(path, "r+");
  const { size } = statSync(path);
  for (let tenth = 2; tenth < 9; tenth += 1) writeSync(fd, Buffer.from([1, 2, 3, 4]), 0, 4, 4 * Math.floor((size * tenth) / 40));
  closeSync(fd);
}

async function race(): Promise<void> {
  for (const kind of [oneFile, twoFiles]) {
    const folders = ["a", "b"].map((name) => join(work, `race ${kind.name} ${name}`));
    const wholes = [];
    for (const [k, folder] of folders.entries()) {
      mkdirSync(folder);
      await start(line(kind, k === 0 ? source : before, folder)).ended;
      wholes.push(stateOf(folder));
    }
    for (const force of [false, true]) {
      const counts = new Map<string, number>();
      let problem: string | undefined;
      for (let k = 0; k < 5; k += 1) {
        const folder = mkdtempSync(join(work, "race-"));
        const runs = [source, before].map((from) => start(line(kind, from, folder, force ? ["--force"] : [])).ended);
        const ended = await Promise.all(runs);
        const state = stateOf(folder);
        const which = wholes.findIndex((whole) => same(whole, state));
        for (const end of ended) if (end.code !== 0) problem ??= refusal(end, /is writing this output|exists already/);
        const codes = ended
          .map(({ code }) => code)
          .sort()
          .join(" and ");
        counts.set(codes, (counts.get(codes) ?? 0) + 1);
        if (which < 0) problem ??= `neither output is there: ${[...state.keys()].join(", ")}`;
        // With --force one that begins when the other is done replaces its output.
        if (codes !== "0 and 2" && !(force && codes === "0 and 0"))
          problem ??= `exits ${codes}: ${ended.map(({ stderr }) => first(stderr)).join(" / ")}`;
        if (which >= 0 && ended[which]?.code !== 0) problem ??= "the run that failed has written";
      }
      told(
        `${kind.name}: two runs at one output${force ? ", --force" : ""}`,
        problem,
        [...counts].map(([key, count]) => `${count} × exits ${key}`).join("; "),
      );
    }
  }
}

/** Kills at each step of the naming: a random moment seldom falls between two of them. */
async function moves(): Promise<void> {
  const folder = mkdtempSync(join(work, "moves-"));
  const references = [];
  for (const kind of [besideIt, twoFiles, threeFiles, ...otherForms])
    references.push(await reference(kind, { now: source, before }, folder));
  const { outcomes, problems, runs } = await killBetweenMoves(references, source, folder);
  const counts = [...outcomes].sort().map(([key, count]) => `${count} × ${key}`);
  told(`kills between two moves: ${runs} runs`, problems.length === 0 ? undefined : problems.join("\n     "), counts.join("; "));
}

const started = performance.now();
try {
  if (wanted("disk")) await disk();
  if (wanted("source")) await changing();
  if (wanted("race")) await race();
  if (wanted("moves")) await moves();
  if (wanted("kills")) {
    const { outcomes, problems, cleared } = await killConversions(
      Number(given.kills),
      Number(given.seed),
      { now: source, before },
      work,
      Number(given.lanes),
    );
    for (const problem of problems) console.log(`FAIL ${problem}`);
    failed += problems.length;
    console.log(
      `kills: ${[...outcomes]
        .sort()
        .map(([key, count]) => `${count} × ${key}`)
        .join("; ")}; ${cleared} left temporary files, which the next run cleared`,
    );
  }
} finally {
  rmSync(work, { recursive: true });
}
console.log(`faults: ${failed} failed, ${given.kills} kills (seed ${given.seed}), ${((performance.now() - started) / 1000).toFixed(0)} s`);
process.exitCode = failed === 0 ? 0 : 1;
