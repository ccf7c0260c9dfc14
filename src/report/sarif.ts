import type { Finding, Severity } from "../inspect/findings/check.ts";
import type { SourceFinding } from "../inspect/source/check-source.ts";

/** SARIF 2.1.0, OASIS: section 3.27.10 has the levels. */
const levels: Readonly<Record<Severity, "error" | "warning" | "note">> = { error: "error", warning: "warning", info: "note" };

const rules = [
  { id: "layers-unregistered", text: "Layers are made that the framework never registers: they are neither trained nor saved." },
  { id: "source-unread", text: "Code that could not be read, of which nothing is said." },
] as const;

/** Findings about source code as a SARIF log, for the code scanning of GitHub, GitLab and editors. `version`: of this tool. */
export function sarif(findings: readonly Finding[], version: string) {
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "vggtool",
            version,
            rules: rules.map(({ id, text }) => ({ id, shortDescription: { text }, defaultConfiguration: { level: "error" } })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: findings.flatMap((finding) => (isOfSource(finding) ? [result(finding)] : [])),
      },
    ],
  };
}

/** Findings about the checkpoint have no line of code. */
function isOfSource(finding: Finding): finding is SourceFinding {
  return "file" in finding && "line" in finding && "cell" in finding && "class" in finding && "attribute" in finding;
}

function result({ code, severity, message, fix, file, line, cell, class: className, attribute }: SourceFinding) {
  const names = [className, attribute].filter((name) => name !== null);
  return {
    ruleId: code,
    ruleIndex: rules.findIndex(({ id }) => id === code),
    level: levels[severity],
    message: { text: fix === undefined ? message : `${message} — fix: ${fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(file) },
          ...(line === null ? {} : { region: { startLine: line } }),
        },
        ...(names.length === 0
          ? {}
          : { logicalLocations: [{ fullyQualifiedName: names.join("."), kind: attribute === null ? "type" : "member" }] }),
      },
    ],
    // A line of a notebook counts from the start of its cell.
    ...(cell === null ? {} : { properties: { cell } }),
  };
}

/** Section 3.4.3: a URI, relative for a relative path; the parts of a path are encoded, its slashes are not. */
function uriOf(file: string): string {
  const encoded = file.replaceAll("\\", "/").split("/").map(encodeURIComponent).join("/");
  return file.startsWith("/") ? `file://${encoded}` : encoded;
}
