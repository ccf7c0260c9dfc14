import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { PROCESS_TIMEOUT, root } from "../support/cli.ts";
import { consoleBlocks, copyFiles, run, sameOutput, updated } from "../support/console.ts";

/*
 * Every command that a page shows with its output is run, in an empty folder with the files that the page names, and has to print that output.
 * `VGGTOOL_UPDATE_PAGES=1 npm run test:long -- test/docs` writes what is printed into the pages.
 */

const update = process.env.VGGTOOL_UPDATE_PAGES === "1";
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const pages = ["README.md", ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name))]
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }))
  .filter(({ text }) => text.includes("<!-- files: "));

describe.each(pages)("$name", ({ name, text }) => {
  test(
    "prints what it shows",
    async () => {
      const place = mkdtempSync(join(folder, "page-"));
      copyFiles(text, place);
      const lines = text.split("\n");
      const blocks = consoleBlocks(text);
      expect(blocks).not.toEqual([]);
      const wrong: unknown[] = [];
      const changes: { from: number; count: number; lines: readonly string[] }[] = [];
      for (const block of blocks) {
        for (const [k, printed] of (await run(block, place)).entries()) {
          const shown = block[k];
          if (shown === undefined || sameOutput(shown.output, printed)) continue;
          wrong.push({ line: shown.line, command: shown.command, shown: shown.output, printed });
          changes.push({ from: shown.line, count: shown.output.length, lines: updated(shown.output, printed) });
        }
      }
      if (update) {
        for (const { from, count, lines: printed } of changes.reverse()) lines.splice(from, count, ...printed);
        writeFileSync(join(root, name), lines.join("\n"));
      } else expect(wrong).toEqual([]);
    },
    PROCESS_TIMEOUT,
  );
});

const translated = readdirSync(join(root, "docs", "zh"), { recursive: true, encoding: "utf8" }).filter(
  (name) => name.endsWith(".md") && name !== "index.md",
);

/** The text of a translated page with the blocks of the English one. */
function translatedBlocks(name: string): string {
  const block = /^```\n\$ [\s\S]*?^```$/gm;
  const english = [...readFileSync(join(root, "docs", name), "utf8").matchAll(block)].map(([text]) => text);
  return readFileSync(join(root, "docs", "zh", name), "utf8").replace(block, () => english.shift() ?? "");
}

test.each(translated)("docs/zh/%s shows what the English page shows", (name) => {
  const blocks = (page: string): unknown =>
    consoleBlocks(readFileSync(join(root, "docs", page), "utf8")).map((block) => block.map(({ command, output }) => ({ command, output })));
  if (update) writeFileSync(join(root, "docs", "zh", name), translatedBlocks(name));
  expect(blocks(join("zh", name))).toEqual(blocks(name));
});

test("`…` means any number of lines, and times do not count", () => {
  expect(sameOutput(["a", "…", "took 3 ms"], ["a", "b", "c", "took 14.5 ms"])).toBe(true);
  expect(sameOutput(["a", "…"], ["b"])).toBe(false);
  expect(sameOutput(["a"], ["a", "b"])).toBe(false);
});

test("an updated page leaves out what it left out, and takes over what is new", () => {
  expect(updated(["head", "…", "end"], ["head", "x", "y", "end", "new"])).toEqual(["head", "…", "end", "new"]);
  expect(updated(["head", "old", "end"], ["head", "end"])).toEqual(["head", "end"]);
});
