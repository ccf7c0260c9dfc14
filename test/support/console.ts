import { spawn } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./cli.ts";

/** A command line that a page shows, and what the page says it prints. */
export interface Shown {
  /** 1-based, of the line with the prompt. */
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
}

/** A page's fenced blocks in which a line begins with the prompt `$ `, each with its commands in order. */
export function consoleBlocks(page: string): readonly (readonly Shown[])[] {
  const blocks: Shown[][] = [];
  let fence: string | undefined;
  let block: { line: number; command: string; output: string[] }[] = [];
  for (const [k, text] of page.split("\n").entries()) {
    const mark = /^(`{3,})/.exec(text)?.[1];
    if (fence === undefined) {
      fence = mark;
      block = [];
    } else if (text === fence) {
      for (const { output } of block) while (output.at(-1) === "") output.pop();
      if (block.length > 0) blocks.push(block);
      fence = undefined;
    } else if (text.startsWith("$ ")) block.push({ line: k + 1, command: text.slice(2), output: [] });
    else block.at(-1)?.output.push(text);
  }
  return blocks;
}

/** `<!-- files: NAME = PATH, … -->`: the fixtures that a page speaks of, by the names that it gives them. */
export function copyFiles(page: string, folder: string): void {
  const list = /<!-- files: ([^>]*?) -->/.exec(page)?.[1] ?? "";
  for (const pair of list.split(/,\s*/).filter((text) => text !== "")) {
    const [name = "", path = ""] = pair.split(/\s*=\s*/);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(root, path), join(folder, name), { recursive: true });
  }
}

/** Runs the commands of a block one after another in one shell, 110 columns wide; gives the lines of each, both streams as they came. */
export async function run(block: readonly Shown[], folder: string): Promise<readonly (readonly string[])[]> {
  const mark = "\u0001";
  const script = [
    `vggtool() { "$VGGTOOL_NODE" "$VGGTOOL_BIN" "$@"; }`,
    ...block.flatMap(({ command }) => [command, `s=$?; printf '${mark}'; (exit $s)`]),
  ].join("\n");
  const env = { ...process.env, NO_COLOR: "1", COLUMNS: "110", VGGTOOL_NODE: process.execPath, VGGTOOL_BIN: join(root, "bin", "vggtool") };
  const text = await new Promise<string>((resolve, reject) => {
    const child = spawn("bash", ["-c", `exec 2>&1\n${script}`], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      out += piece;
    });
    child.on("error", reject).on("close", () => resolve(out));
  });
  return block.map((_, k) => {
    const lines = (text.split(mark)[k] ?? "").split("\n");
    while (lines.at(-1) === "") lines.pop();
    return lines;
  });
}

/** Times and memory differ from run to run, an engine's deviation from machine to machine; a number of these is written `N`. */
function steady(line: string): string {
  return line
    .trimEnd()
    .replace(/\b\d+(\.\d+)? (ms|s|min)\b/g, "N s")
    .replace(/(self-test passed \(\d+ layers, )[\d.e-]+/g, "$1N")
    .replace(/peak memory \d+(\.\d+)? (MB|GB)/g, "peak memory N");
}

/** Whether a command printed what a page shows; a line `…` of the page means any number of lines. */
export function sameOutput(shown: readonly string[], printed: readonly string[]): boolean {
  const wanted = shown.map(steady);
  const got = printed.map(steady);
  const fits = (w: number, g: number): boolean => {
    if (w === wanted.length) return g === got.length;
    if (wanted[w] === "…") return Array.from({ length: got.length - g + 1 }, (_, k) => g + k).some((from) => fits(w + 1, from));
    return g < got.length && wanted[w] === got[g] && fits(w + 1, g + 1);
  };
  return fits(0, 0);
}

/** What a page should show of what was printed: new lines are taken over, and where the page left lines out, they stay left out. */
export function updated(shown: readonly string[], printed: readonly string[]): readonly string[] {
  const [a, b] = [shown.map(steady), printed.map(steady)];
  // Lengths of the longest common subsequences of a from i on and b from j on.
  const common = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row !== undefined) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const gap = { leftOut: false, from: j };
    while ((i < a.length || j < b.length) && !(i < a.length && a[i] === b[j])) {
      if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
        gap.leftOut ||= a[i] === "…";
        i += 1;
      } else j += 1;
    }
    lines.push(...(gap.leftOut ? ["…"] : printed.slice(gap.from, j)));
    if (i < a.length) lines.push(shown[i] ?? "");
    i += 1;
    j += 1;
  }
  return lines;
}
