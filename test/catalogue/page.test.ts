import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tablesOf } from "../../src/catalogue/schema.ts";
import { catalogue } from "../../src/index.ts";
import { root } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

/* docs/catalogue.md; its SQL is run by the interop job, with DuckDB. */

const folder = mkdtempSync(join(tmpdir(), "vggtool-catalogue-"));
afterAll(() => rmSync(folder, { recursive: true }));

const page = readFileSync(join(root, "docs", "catalogue.md"), "utf8");

test("names every column", () => {
  const tables = tablesOf({ hash: true, stats: true });
  for (const { columns } of Object.values(tables)) for (const { name } of columns) expect(page).toContain(`\`${name}\``);
});

test("the program for hyparquet prints what the page says", async () => {
  const [, program = "", said = ""] = /^```js\n([\s\S]*?)^```\n+```\n([\s\S]*?)^```/m.exec(page) ?? [];
  await catalogue([join(fixtures, "demo"), join(fixtures, "interop")], { out: join(folder, "zoo"), hash: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "page.mjs"), program);
  const ran = spawnSync(process.execPath, ["page.mjs"], { cwd: folder, encoding: "utf8" });
  expect(ran.stderr).toBe("");
  expect(ran.stdout).toBe(said);
});
