import { describe, expect, test } from "vitest";
import { inspect } from "../../src/index.ts";
import { checks } from "../../src/inspect/audit.ts";
import { explainCode, explanations, explanationText } from "../../src/report/explain.ts";
import { inspectText } from "../../src/report/inspect.ts";
import { plain } from "../../src/report/style.ts";
import { vggtool } from "../support/cli.ts";

/** docs/errors.md, in its order. */
const errors = ["truncated", "malformed", "unsupported", "unsafe", "not-found", "mismatch", "usage", "changed", "io", "interrupted"];
const style = { width: 60, paint: plain };

describe("what the documentation says of a code", () => {
  test("every finding and every error has one entry", () => {
    const codes = explanations().map(({ code }) => code);
    expect([...codes].sort()).toEqual([...checks.map(({ code }) => code), "source-unread", ...errors].sort());
    for (const { text, severity, of } of explanations()) {
      expect(text.length).toBeGreaterThan(60);
      expect(severity).toMatch(of === "error" ? /^$/ : /error|warning|info/);
    }
  });

  test("a row of the table: its meaning, then what to do", () => {
    expect(explainCode("mixed-dtype")).toEqual({
      schema: "vggtool/explain/1",
      code: "mixed-dtype",
      of: "finding",
      severity: "warning",
      text: "Parameters in more than one floating-point type.\n\nWhat to do: `convert --dtype`.",
      page: "docs/findings.md",
    });
  });

  test("a section: its paragraphs and lists within the width, without signs of markup", () => {
    const text = explanationText(explainCode("looks-initial"), style);
    expect(text).toMatch(/^looks-initial: a finding \(info; warning when it is every\nlayer\)\n\nLayers distributed as/);
    expect(text).toContain("\n\n- mean within four standard errors of 0;");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text).not.toMatch(/`|\]\(/);
    expect(text).toMatch(/from docs\/findings\.md$/);
  });

  test("links are their words and the page", () => {
    expect(explanationText(explainCode("source-unread"), style)).toContain("(docs/source.md)");
  });
});

describe("vggtool explain", () => {
  test("prints the entry, also as JSON", async () => {
    const { code, stdout } = await vggtool(["explain", "truncated", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, explainCode("truncated")]);
  });

  test("an unknown code is an error, with the nearest that there is", async () => {
    const near = await vggtool(["explain", "layer-missing"]);
    expect([near.code, near.stdout]).toEqual([2, ""]);
    expect(near.stderr).toContain("did you mean vggtool explain layers-missing?");
    const far = await vggtool(["explain", "\u001b[31mx".repeat(9)]);
    expect([far.code, far.stderr]).toEqual([2, expect.stringContaining("the codes are layers-missing")]);
    expect(far.stderr).not.toContain("\u001b");
  });
});

test("findings end with one line that names their codes, each once", async () => {
  const record = await inspect("fixtures/demo/vgg16.pdparams");
  const [finding] = record.findings;
  if (finding === undefined) throw new Error("no finding");
  const lines = (codes: readonly string[]): readonly string[] =>
    inspectText({ ...record, findings: codes.map((code) => ({ ...finding, code })) }, style)
      .split("\n")
      .filter((line) => line.includes("vggtool explain"));
  expect(lines(["host"])).toEqual(["more: vggtool explain host"]);
  expect(lines(["host", "assumed", "host"])).toEqual(["more: vggtool explain host (or assumed)"]);
  expect(lines([])).toEqual([]);
});
