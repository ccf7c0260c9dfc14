import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogueCommand } from "../../src/cli/commands/catalogue.ts";
import { convertCommand } from "../../src/cli/commands/convert.ts";
import { diffCommand } from "../../src/cli/commands/diff.ts";
import { inspectCommand } from "../../src/cli/commands/inspect.ts";
import { reportCommand } from "../../src/cli/commands/report.ts";
import { showCommand } from "../../src/cli/commands/show.ts";
import { verifyCommand } from "../../src/cli/commands/verify.ts";
import { root } from "../support/cli.ts";

const page = readFileSync(join(root, "docs", "cli.md"), "utf8");
const common = ["--json", "--quiet", "--offline", "--download", "--cache", "--color", "--help", "--amplified"];

describe("docs/cli.md", () => {
  const catalogue = catalogueCommand();
  const commands = [
    inspectCommand(),
    convertCommand(),
    verifyCommand(),
    diffCommand(),
    reportCommand(),
    showCommand(),
    catalogue,
    ...catalogue.commands,
  ];
  test.each(
    commands.map((command) => [`${command.parent === null ? "" : `${command.parent.name()} `}${command.name()}`, command] as const),
  )("lists the options of %s, all of them and no others", (name, command) => {
    const section = page.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? "";
    const rows = [...section.matchAll(/^\| (`--[^|]+) \|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/--[a-z-]+/g)].map(([option]) => option),
    );
    const has = command.options.map(({ long }) => long ?? "").filter((option) => !common.includes(option));
    expect([...rows].sort()).toEqual([...has].sort());
  });

  test("names the options that every command takes", () => {
    for (const option of common) expect(page).toContain(`\`${option}\``);
  });
});
