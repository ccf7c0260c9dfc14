import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formats } from "../src/formats.ts";
import { root } from "./support/cli.ts";

const page = readFileSync(join(root, "docs", "formats.md"), "utf8");
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split("\n")[0] ?? "", section]),
);

describe("docs/formats.md", () => {
  test("has a section for every format, in the order of the table, and for nothing else", () => {
    expect([...sections.keys()]).toEqual(["How the next one is added", ...formats.map((format) => format.id)]);
  });

  test.each(formats.map((format) => [format.id]))(
    "%s: what is read and what is not, the reference, a command, and files that exist",
    (id) => {
      const section = sections.get(id) ?? "";
      for (const word of ["- **Read**: ", "- **Not read**: ", "- **Reference**: ", "- **Where**: "]) expect(section).toContain(word);
      expect(section).toMatch(/`vggtool \w+ \S/);
      const code = [...section.matchAll(/`((?:readers|writers|containers)\/[^`]+)`/g)].map((found) => join("src", found[1] ?? ""));
      const data = [...section.matchAll(/`(fixtures\/[^`*]+)[`*]/g)].map((found) => found[1] ?? "");
      for (const path of [...code, ...data]) expect([path, existsSync(join(root, path))]).toEqual([path, true]);
      expect(data.length).toBeGreaterThan(0);
    },
  );
});
