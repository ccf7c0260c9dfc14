import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { doneText } from "../../src/cli/progress.ts";
import { wantsColor } from "../../src/cli/terminal.ts";
import { PROCESS_TIMEOUT, root, vggtool } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

vi.setConfig({ testTimeout: PROCESS_TIMEOUT });
const file = join(fixtures, "demo", "vgg_face_question.pdparams");

describe("colour", () => {
  test.each([
    ["auto", false, {}, false],
    ["auto", true, {}, true],
    ["auto", true, { TERM: "dumb" }, false],
    ["auto", false, { FORCE_COLOR: "1" }, true],
    ["auto", false, { FORCE_COLOR: "0" }, false],
    ["auto", true, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ["auto", false, { NO_COLOR: "", FORCE_COLOR: "1" }, true],
    ["always", false, { NO_COLOR: "1" }, true],
    ["never", true, { FORCE_COLOR: "1" }, false],
  ] as const)("%s, terminal %s, with %j: %s", (choice, terminal, env, expected) => {
    expect(wantsColor(choice, terminal, env)).toBe(expected);
  });

  test("none in a pipe, but where it is forced; the text is the same", async () => {
    const [piped, forced] = await Promise.all([vggtool(["inspect", file]), vggtool(["inspect", file], { env: { FORCE_COLOR: "1" } })]);
    expect(piped.stdout).not.toContain("\x1b");
    expect(forced.stdout).toContain("\x1b[31merror\x1b[39m");
    expect(stripVTControlCharacters(forced.stdout)).toBe(piped.stdout);
    // A short work draws no bar, and a pipe never gets one.
    expect([piped.stderr, forced.stderr]).toEqual(["", ""]);
  });
});

/** util-linux' `script` runs a command on a terminal of its own. */
const script = spawnSync("script", ["--version"], { encoding: "utf8" });
describe.skipIf(script.status !== 0 || !script.stdout.includes("util-linux"))("on a terminal of 80 columns", () => {
  const onTerminal = (env: Readonly<Record<string, string>>): string => {
    const command = `stty cols 80 rows 24; '${process.execPath}' '${join(root, "bin", "vggtool")}' inspect --layers fixtures/demo/vgg16.pdparams`;
    const ran = spawnSync("script", ["-qec", command, "/dev/null"], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, TERM: "xterm", NO_COLOR: "", FORCE_COLOR: "", COLUMNS: "", NODE_OPTIONS: "", ...env },
    });
    expect(ran.status).toBe(0);
    // What a progress bar drew on a slow machine, it took back.
    return ran.stdout
      .slice(ran.stdout.lastIndexOf("\x1b[K") + 1)
      .replaceAll("\r\n", "\n")
      .replace(/^\[K/, "");
  };

  test("it is coloured and no wider; NO_COLOR leaves the same text plain", () => {
    const coloured = onTerminal({});
    expect(coloured).toContain("\x1b[1m");
    const bare = stripVTControlCharacters(coloured);
    expect(bare.split("\n").filter((line) => Array.from(line).length > 80)).toEqual([]);
    expect(bare).toMatch(/^features\.0\.weight +float32 +4 × 3 × 3 × 3 +108 +conv1_1\.weight$/m);
    expect(onTerminal({ NO_COLOR: "1" })).toBe(bare);
  });
});

test.each([
  [248e6, 553e6, 0.8, "248 of 553 MB, 310 MB/s, 1 s left"],
  [1e9, 20e9, 10, "1,000 of 20,000 MB, 100 MB/s, 3 min left"],
  [553e6, 553e6, 2, "553 MB, 277 MB/s"],
  [80e6, undefined, 1, "80 MB, 80 MB/s"],
])("progress of %d of %d bytes after %d s: %s", (seen, total, seconds, text) => {
  expect(doneText(seen, total, seconds)).toBe(text);
});
