import type { Finding, Severity } from "../inspect/findings/check.ts";
import type { InspectRecord } from "../inspect/inspect.ts";
import type { TensorRecord } from "../inspect/list.ts";
import type { StatsRecord } from "../inspect/stats.ts";
import { layersText } from "./layers.ts";
import { count, type Style, shape, shortened, size, visible } from "./style.ts";
import { type Column, table } from "./table.ts";

export interface InspectTextOptions {
  /** Groups tensors by the first `depth` parts of their names. */
  readonly depth?: number;
}

/** What `vggtool inspect` prints: one line of what it is, the tensors, the totals, the findings. */
export function inspectText(record: InspectRecord, style: Style, options: InspectTextOptions = {}): string {
  const { paint } = style;
  const lines = [`${paint.strong(visible(record.file))}  ${record.format} (${visible(record.variant)}), ${size(record.bytes)}`];
  lines.push(architectureLine(record, style));
  if (record.tensors.length > 0)
    lines.push("", options.depth === undefined ? tensorTable(record.tensors, style) : groupTable(record.tensors, options.depth, style));
  if (record.layers !== undefined) lines.push("", layersText(record, style));
  lines.push("", totalsLine(record));
  if (record.findings.length > 0) lines.push("", ...record.findings.flatMap((finding) => findingLines(finding, style)));
  return lines.join("\n");
}

function architectureLine(record: InspectRecord, { paint }: Style): string {
  const found = record.architecture;
  if (found === null) return paint.faint("no VGG network was recognised");
  const parts = [
    found.classes === null ? "no head" : `${count(found.classes)} classes`,
    found.input === null ? `${found.inputChannels} input channels, input size not in the file` : `input ${found.input.join(" × ")}`,
    found.scheme === null ? "names of no known scheme" : `${found.scheme} names`,
    found.complete ? "complete" : paint.bad(`${found.missing.length} layers missing`),
  ];
  return `${paint.strong(found.name)}${found.confidence === "sure" ? "" : " (likely)"}: ${parts.join(", ")}`;
}

/** Columns other than the name take this many characters, roughly; the name gets what is left, and at least this much. */
const LEAST_NAME = 24;
const LONGEST_LABEL = 40;

function tensorTable(tensors: readonly TensorRecord[], { width, paint }: Style): string {
  const withLabels = width >= 120 && tensors.some((tensor) => tensor.label !== undefined && tensor.label !== tensor.name);
  const withRoles = tensors.some((tensor) => tensor.role !== undefined);
  const withHash = tensors.some((tensor) => tensor.sha256 !== undefined);
  const withStats = tensors.some((tensor) => tensor.stats !== undefined);
  const columns: Column[] = [
    { title: "name" },
    { title: "dtype" },
    { title: "shape", align: "right" },
    { title: "values", align: "right" },
    ...(withRoles && width >= 80 ? [{ title: "role" }] : []),
    ...(withLabels ? [{ title: "label" }] : []),
    ...(withHash ? [{ title: "sha256" }] : []),
    ...(withStats ? statsColumns : []),
  ];
  const cells = tensors.map((tensor) => [
    tensor.name === "" ? "''" : visible(tensor.name),
    tensor.stored === undefined ? tensor.dtype : `${tensor.dtype} (${tensor.stored})`,
    shape(tensor.shape),
    count(tensor.parameters),
    ...(withRoles && width >= 80 ? [tensor.role ?? (tensor.kind === "parameter" ? "" : tensor.kind)] : []),
    ...(withLabels ? [shortened(visible(tensor.label ?? ""), LONGEST_LABEL)] : []),
    ...(withHash ? [tensor.sha256 ?? ""] : []),
    ...(withStats ? statsCells(tensor.stats) : []),
  ]);
  const others = columns.slice(1).map((column, k) => Math.max(column.title.length, ...cells.map((row) => (row[k + 1] ?? "").length)));
  const room = Math.max(LEAST_NAME, width - others.reduce((sum, length) => sum + length + 2, 0));
  const rows = cells.map(([name, ...rest]) => [shortened(name ?? "", room), ...rest]);
  return table(columns, rows, paint.faint);
}

const statsColumns: readonly Column[] = ["min", "max", "mean", "std", "zeros", "NaN, inf"].map((title) => ({ title, align: "right" }));

function statsCells(stats: StatsRecord | undefined): string[] {
  if (stats === undefined) return statsColumns.map(() => "");
  const number = (value: number | bigint | null): string => {
    if (value === null) return "";
    return Number.isInteger(Number(value)) ? value.toString() : Number(Number(value).toPrecision(4)).toString();
  };
  const { min, max, mean, std, zeros, nan, inf } = stats;
  return [...[min, max, mean, std].map(number), count(zeros), nan + inf === 0 ? "" : count(nan + inf)];
}

function groupTable(tensors: readonly TensorRecord[], depth: number, { width, paint }: Style): string {
  const groups = new Map<string, { tensors: number; values: number; bytes: number }>();
  for (const tensor of tensors) {
    const parts = (tensor.label ?? tensor.name).split(/(?<=[/.])/);
    const name = parts.length > depth ? `${parts.slice(0, depth).join("")}…` : parts.join("");
    const group = groups.get(name) ?? { tensors: 0, values: 0, bytes: 0 };
    groups.set(name, { tensors: group.tensors + 1, values: group.values + tensor.parameters, bytes: group.bytes + tensor.bytes });
  }
  const columns: Column[] = [
    { title: "group" },
    { title: "tensors", align: "right" },
    { title: "values", align: "right" },
    { title: "size", align: "right" },
  ];
  const rows = [...groups].map(([name, group]) => [
    shortened(visible(name), Math.max(LEAST_NAME, width - 44)),
    count(group.tensors),
    count(group.values),
    size(group.bytes),
  ]);
  return table(columns, rows, paint.faint);
}

function totalsLine({ totals, tensors }: InspectRecord): string {
  const shown = tensors.length === totals.tensors ? "" : ` (${count(tensors.length)} shown)`;
  const rest = totals.notParameters === 0 ? "" : `, ${count(totals.notParameters)} other values`;
  return `${count(totals.tensors)} tensors${shown}, ${count(totals.parameters)} parameters${rest}, ${size(totals.bytes)}`;
}

const marks: Readonly<Record<Severity, "bad" | "warn" | "faint">> = { error: "bad", warning: "warn", info: "faint" };

/** A finding's layers are listed up to here; --json has all. */
const MOST_LAYERS = 16;

export function findingLines(finding: Finding, { paint, width }: Style): readonly string[] {
  const mark = paint[marks[finding.severity]];
  const room = Math.max(40, width - 4);
  const message = visible(finding.message);
  const [first = "", ...rest] = wrapped(`${finding.severity} ${finding.code}: ${message}`, room);
  const head = `${finding.severity} ${finding.code}:`;
  const lines = [
    first.replace(head, () => `${mark(finding.severity)} ${paint.strong(finding.code)}:`),
    ...rest.map((line) => `    ${line}`),
  ];
  // Most messages name their layers; the line would say them twice.
  if (finding.layers.some((layer) => !message.includes(visible(layer)))) {
    const named = finding.layers.slice(0, MOST_LAYERS).map(visible).join(" ");
    const more = finding.layers.length > MOST_LAYERS ? ` … ${finding.layers.length} in all` : "";
    lines.push(...wrapped(named + more, room).map((line) => `    ${line}`));
  }
  if (finding.fix !== undefined) {
    const [start = "", ...others] = wrapped(`fix: ${visible(finding.fix)}`, room);
    lines.push(`    ${start.replace("fix:", () => `${paint.good("fix")}:`)}`, ...others.map((line) => `    ${line}`));
  }
  return lines;
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
