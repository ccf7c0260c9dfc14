import { describe, expect, test } from "vitest";
import { checkSources, unreadFindings } from "../../src/inspect/source/check-source.ts";
import { sarif } from "../../src/report/sarif.ts";

/** Facts of the SARIF 2.1.0 schema (OASIS, sarif-schema-2.1.0.json): what is required, and which values are allowed. */
const levels = ["none", "note", "warning", "error"];

describe("SARIF 2.1.0", () => {
  const text = "from torch import nn\nclass A(nn.Module):\n    def __init__(self):\n        self.convs = [nn.Conv2d(3, 3, 3)]\nclass B(\n";
  const reports = checkSources([[{ file: "my net/größe.py", cell: null, text }], [{ file: "train.ipynb", cell: 3, text }]]);
  const findings = reports.flatMap(({ file, faults, unread }) => [...faults, ...unreadFindings(file, unread)]);
  const log = sarif(findings, "1.2.3");

  test("the log has a version and runs, each with a driver of a name", () => {
    expect(log.version).toBe("2.1.0");
    expect(log.runs).toHaveLength(1);
    expect(log.runs[0]?.tool.driver).toMatchObject({ name: "vggtool", version: "1.2.3" });
  });

  test("each result has a message and a rule that the driver lists, at its place", () => {
    const [run] = log.runs;
    expect(run?.results).toHaveLength(findings.length);
    for (const result of run?.results ?? []) {
      expect(result.message.text).toEqual(expect.any(String));
      expect(levels).toContain(result.level);
      expect(run?.tool.driver.rules[result.ruleIndex]?.id).toBe(result.ruleId);
    }
  });

  test("locations are relative URIs with lines from 1; a cell is a property", () => {
    const [first, , third] = log.runs[0]?.results ?? [];
    expect(first?.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: "my%20net/gr%C3%B6%C3%9Fe.py" },
      region: { startLine: 4 },
    });
    expect(first?.locations[0]?.logicalLocations).toEqual([{ fullyQualifiedName: "A.convs", kind: "member" }]);
    expect(third).toMatchObject({ ruleId: "layers-unregistered", level: "error", properties: { cell: 3 } });
  });

  test("it is plain JSON, and findings about tensors are not in it", () => {
    expect(JSON.parse(JSON.stringify(log))).toEqual(log);
    expect(sarif([{ code: "mixed-dtype", severity: "warning", message: "", layers: [] }], "1").runs[0]?.results).toEqual([]);
  });
});
