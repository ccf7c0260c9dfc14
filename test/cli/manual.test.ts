import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { makeProgram } from "../../src/cli/program.ts";
import { PROCESS_TIMEOUT, vggtool } from "../support/cli.ts";

vi.setConfig({ testTimeout: PROCESS_TIMEOUT, hookTimeout: PROCESS_TIMEOUT });
const shells = ["bash", "zsh", "fish"] as const;
const folder = mkdtempSync(join(tmpdir(), "vggtool-manual-"));
const there = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;
const script = (shell: string): string => join(folder, `vggtool.${shell}`);
let page = "";

beforeAll(async () => {
  for (const shell of shells) writeFileSync(script(shell), (await vggtool(["completion", shell])).stdout);
  writeFileSync(join(folder, "a face.mat"), "");
  page = (await vggtool(["man"])).stdout;
});
afterAll(() => rmSync(folder, { recursive: true }));

const lines = [
  ["a command", ["in"], ["inspect"]],
  ["a target", ["convert", "--to", "k"], ["keras"]],
  ["an option", ["convert", "--fo"], ["--fold-bn", "--force"]],
  ["a choice", ["convert", "--fc", "c"], ["conv"]],
  ["a file with a space in its name", ["convert", "a"], ["a face.mat"]],
  ["a shell", ["completion", "fi"], ["fish"]],
  ["a command to help with", ["help", "v"], ["verify"]],
] as const;

describe.skipIf(!there("bash"))("bash completes", () => {
  test.each(lines)("%s", (_, typed, expected) => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expansion of the shell
    const ask = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _vggtool; printf "%s\\n" "${COMPREPLY[@]}"';
    const { stdout } = spawnSync("bash", ["-c", ask, script("bash"), "vggtool", ...typed], { cwd: folder, encoding: "utf8" });
    expect(stdout.trim().split("\n")).toEqual(expected);
  });
});

describe.skipIf(!there("fish"))("fish completes", () => {
  test.each(lines)("%s", (_, typed, expected) => {
    const ask = `source ${script("fish")}; complete -C "vggtool ${typed.join(" ")}"`;
    const { stdout } = spawnSync("fish", ["-c", ask], { cwd: folder, encoding: "utf8" });
    const found = stdout.trim().split("\n");
    expect(found.map((line) => line.split("\t")[0])).toEqual(expected);
  });
});

describe.skipIf(!there("zsh"))("zsh completes", () => {
  test("a target, with a terminal of its own", () => {
    const session = `zmodload zsh/zpty
      zpty shell 'zsh -f -i'
      zpty -w shell "PS1='> '; autoload -Uz compinit; compinit -u -D; source ${script("zsh")}; print rea''dy"
      zpty -r shell out '*ready*'
      zpty -w -n shell $'vggtool convert --to k\\t'
      zpty -r shell out '*keras*' && print -r -- completed
      zpty -d shell`;
    const { stdout } = spawnSync("zsh", ["-f", "-c", session], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    expect(stdout).toContain("completed");
  });
});

describe("the manual page", () => {
  test("has every command and option of --help, and no macro by chance", () => {
    for (const command of makeProgram().commands) {
      expect(page).toContain(`.SS vggtool ${command.name()} `);
      for (const { long } of command.options) expect(page).toContain((long ?? "").replaceAll("-", "\\-"));
    }
    const macros = new Set(["TH", "SH", "SS", "TP", "PP", "B", "br", "nf", "fi"]);
    expect([...page.matchAll(/^\.(\S+)/gm)].map(([, macro = ""]) => macro).filter((macro) => !macros.has(macro))).toEqual([]);
  });

  test.skipIf(spawnSync("mandoc", ["-T", "lint", "/dev/null"]).error !== undefined)("is one that mandoc finds no fault in", () => {
    const { stdout } = spawnSync("mandoc", ["-T", "lint", "-W", "warning"], { input: page, encoding: "utf8" });
    expect(stdout.split("\n").filter((line) => /WARNING|ERROR/.test(line) && !/missing date/.test(line))).toEqual([]);
  });
});

describe("what is typed wrongly is said as every other error is", () => {
  test.each([
    [["insepct"], "unknown command 'insepct'", "did you mean inspect?"],
    [["help", "convrt"], "unknown command 'convrt'", "did you mean convert?"],
    [["convert"], "missing required argument 'file'", "vggtool convert --help lists its options"],
    [["convert", "x", "--forc"], "unknown option '--forc'", "did you mean --force?"],
    [["convert", "x", "--fc", "flat"], "option '--fc <form>' argument 'flat' is invalid", "vggtool convert --help lists its options"],
    [["formats", "x"], "too many arguments for 'formats'", "vggtool formats --help lists its options"],
    [["--frobnicate"], "unknown option '--frobnicate'", "vggtool --help lists the commands"],
  ])("%j", async (args, found, hint) => {
    const { code, stdout, stderr } = await vggtool(args);
    const [first = "", second = ""] = stderr.trimEnd().split("\n");
    expect([code, stdout]).toEqual([2, ""]);
    expect(first.startsWith(`vggtool: ${found}`)).toBe(true);
    expect(second).toBe(`  ${hint}`);
    const json: unknown = JSON.parse((await vggtool([...args, "--json"])).stdout);
    expect(json).toMatchObject({ schema: "vggtool/error/1", error: { code: "usage", hint } });
  });

  test("help of a command is its --help", async () => {
    expect((await vggtool(["help", "diff"])).stdout).toBe((await vggtool(["diff", "--help"])).stdout);
  });
});
