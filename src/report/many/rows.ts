import type { DiffRecord } from "../../inspect/diff.ts";
import type { InspectRecord } from "../../inspect/inspect.ts";
import { size } from "../../text/byte-size.ts";
import type { VerifyRecord } from "../../verify/record.ts";
import { count, duration, type Style, tiny, visible } from "../style.ts";
import type { Column } from "../table.ts";

/* Many checkpoints: a row of a table for each, and what came of them together. */

const right = "right" as const;
const file: Column = { title: "file", least: 24 };

/** Columns of the table of a verb; `convert` prints more than a row. */
export const manyColumns: Readonly<Record<"inspect" | "verify" | "diff", readonly Column[]>> = {
  inspect: [
    file,
    { title: "format", spare: 2 },
    { title: "network", least: 16 },
    { title: "classes", align: right, spare: 1 },
    { title: "tensors", align: right, spare: 4 },
    { title: "parameters", align: right },
    { title: "size", align: right, spare: 3 },
    { title: "findings" },
  ],
  verify: [
    file,
    { title: "against", least: 16, spare: 2 },
    { title: "engine", spare: 1 },
    { title: "answer" },
    { title: "why", least: 24 },
  ],
  diff: [
    file,
    { title: "same tensors", align: right },
    { title: "max |a−b|", align: right, spare: 1 },
    { title: "answer" },
    { title: "why", least: 24 },
  ],
};

export function inspectCells(record: InspectRecord): readonly string[] {
  const { architecture: found, totals } = record;
  const network =
    found === null
      ? "no VGG"
      : `${found.name}${found.complete ? "" : `, ${found.missing.length === 0 ? `up to ${found.through}` : `${count(found.missing.length)} missing`}`}`;
  const severities = (["error", "warning", "info"] as const).flatMap((severity) => {
    const times = record.findings.filter((finding) => finding.severity === severity).length;
    return times === 0 ? [] : [`${times} ${severity}${times === 1 || severity === "info" ? "" : "s"}`];
  });
  return [
    visible(record.file),
    record.format,
    network,
    found?.classes == null ? "" : count(found.classes),
    count(totals.tensors),
    count(totals.parameters),
    size(record.bytes),
    severities.join(", "),
  ];
}

export function verifyCells(record: VerifyRecord): readonly string[] {
  const why = record.pass ? "" : [record.firstDivergence === null ? "" : `first at ${record.firstDivergence}`, ...record.diagnosis];
  return [
    visible(record.file),
    record.other === null ? "" : visible(record.other),
    record.engine.name,
    record.pass ? "pass" : "fail",
    typeof why === "string"
      ? why
      : why
          .filter((part) => part !== "")
          .map(visible)
          .join("; "),
  ];
}

export function diffCells(source: string, record: DiffRecord): readonly string[] {
  const same = record.tensors.filter(({ equal }) => equal).length;
  const most = record.tensors.reduce((value, { maxAbs }) => Math.max(value, maxAbs ?? 0), 0);
  return [
    visible(source),
    `${count(same)} of ${count(record.tensors.length)}`,
    tiny(most),
    record.equal ? "equal" : "different",
    record.explanations.map(visible).join("; "),
  ];
}

/** A text with the checkpoint that it is of above it. */
export function under(source: string, text: string, { paint }: Style): string {
  return [paint.strong(visible(source)), ...text.split("\n").map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

/** What came of many checkpoints; `--json` prints it as the last line. */
export interface SummaryRecord {
  readonly schema: "vggtool/summary/1";
  readonly total: number;
  /** The answer is yes, or there is none to give. */
  readonly done: number;
  /** The answer is no. */
  readonly no: number;
  /** It could not be done. */
  readonly failed: number;
  /** Files that were found, and are no checkpoints. */
  readonly skipped: number;
  /** Names that lead to what an earlier name leads to. */
  readonly repeated: number;
  readonly seconds: number;
}

export function summaryText({ total, done, no, failed, skipped, repeated, seconds }: SummaryRecord): string {
  const left = total - done - no - failed;
  const parts = [
    `${count(done)} done`,
    ...(no === 0 ? [] : [`${count(no)} with the answer no`]),
    ...(failed === 0 ? [] : [`${count(failed)} failed`]),
    ...(left === 0 ? [] : [`${count(left)} not reached`]),
  ];
  const beside = [
    ...(skipped === 0 ? [] : [`${count(skipped)} other ${skipped === 1 ? "file" : "files"} skipped`]),
    ...(repeated === 0 ? [] : [`${count(repeated)} named twice`]),
  ];
  return `${count(total)} ${total === 1 ? "checkpoint" : "checkpoints"} in ${duration(seconds)}: ${[parts.join(", "), ...beside].join("; ")}`;
}
