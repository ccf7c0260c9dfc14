import { CheckpointError } from "../errors.ts";
import { findFormat } from "../formats.ts";
import type { Finding, Severity } from "../inspect/findings/check.ts";
import type { ArchitectureRecord, InspectRecord } from "../inspect/inspect.ts";
import type { TensorRecord } from "../inspect/list.ts";
import type { StatsRecord } from "../inspect/stats.ts";
import { size } from "../text/byte-size.ts";
import { layersText } from "./layers.ts";
import { metadataText } from "./metadata.ts";
import { sparkline } from "./sparkline.ts";
import { count, type Style, shape, visible } from "./style.ts";
import { type Column, table, tableBlocks } from "./table.ts";
import { wrapLines } from "./wrap.ts";

export interface InspectTextOptions {
  /** Groups tensors by the first `depth` parts of their names. */
  readonly depth?: number;
  /** What the file is and how much is in it, and nothing of its parts. */
  readonly summary?: boolean;
  /** Titles of the columns of the list, in this order; all where absent. */
  readonly columns?: readonly string[];
}

/** What `vggtool inspect` prints: one line of what it is, the tensors, the totals, the findings. */
export function inspectText(record: InspectRecord, style: Style, options: InspectTextOptions = {}): string {
  return [...inspectBlocks(record, style, options)].join("\n");
}

/** The same, some lines at a time: the text of a hundred thousand tensors is never all there. */
export function* inspectBlocks(record: InspectRecord, style: Style, options: InspectTextOptions = {}): Generator<string> {
  const list = options.summary === true || options.depth !== undefined ? [] : tensorTable(record.tensors, style, options.columns);
  yield* headed(visible(record.file), `  ${record.format} (${visible(record.variant)}), ${size(record.bytes)}`, style);
  yield* inspectHeadLines(record, style);
  if (options.summary === true) {
    yield totalsLine(record);
    return;
  }
  if (record.tensors.length > 0) {
    yield "";
    if (options.depth === undefined) yield* list;
    else yield groupTable(record.tensors, options.depth, style);
  }
  if (record.layers !== undefined) yield* ["", layersText(record, style)];
  yield* ["", totalsLine(record)];
  const bookkeeping = findFormat(record.format)?.bookkeeping ?? [];
  const metadata = new Map([...record.metadata].filter(([name]) => !bookkeeping.includes(name)));
  if (metadata.size > 0) yield* ["", metadataText(metadata, style)];
  if (record.findings.length > 0) yield "";
  for (const finding of record.findings) yield* findingLines(finding, style);
  yield* moreLines(record.findings, style);
}

/** What the file was recognised as, and what is beside that. */
export function* inspectHeadLines(record: InspectRecord, style: Style): Generator<string> {
  yield* architectureLines(record, style);
  yield* beside(record);
}

/** A text that begins with its subject, broken at the width of the terminal. */
function headed(subject: string, rest: string, { width, paint }: Style): string[] {
  const [first = "", ...more] = wrapLines(subject + rest, Math.max(40, width - 4));
  return [first.replace(subject, () => paint.strong(subject)), ...more.map((line) => `    ${line}`)];
}

function architectureLines(record: InspectRecord, style: Style): readonly string[] {
  const found = record.architecture;
  if (found === null) return [style.paint.faint("no VGG network was recognised")];
  const parts = [
    found.classes === null ? "no head" : `${count(found.classes)} classes`,
    found.input === null ? `${found.inputChannels} input channels, input size not in the file` : `input ${found.input.join(" × ")}`,
    found.scheme === null ? "names of no known scheme" : `${found.scheme} names`,
  ];
  const [state, good] = completeness(found);
  const lines = headed(found.name, `${found.confidence === "sure" ? "" : " (likely)"}: ${parts.join(", ")}, ${state}`, style);
  return good ? lines : lines.map((line) => line.replace(state, () => style.paint.bad(state)));
}

/** Roles that say which part is missing; the others are whole layers. */
function completeness({ complete, missing, through }: ArchitectureRecord): readonly [text: string, good: boolean] {
  if (complete) return ["complete", true];
  if (missing.length === 0) return [`up to ${through}, with other layers behind`, true];
  const what = missing.every(({ role }) => !role.includes(".")) ? "layer" : "part";
  return [`${missing.length} ${missing.length === 1 ? what : `${what}s`} missing`, false];
}

/** Other VGGs of the file, and what they are parts of. */
function* beside({ architecture, bodies, host, foreign }: InspectRecord): Generator<string> {
  for (const body of bodies.slice(1)) {
    const [state] = completeness(body);
    yield `also ${body.name} under ${body.prefix === "" ? "no prefix" : body.prefix}, ${state}`;
  }
  if (host !== null) yield `inside: ${host.name}, by ${host.key}`;
  else if (architecture !== null && foreign.length > 0)
    yield `with ${foreign.length} other ${foreign.length === 1 ? "layer" : "layers"} behind ${architecture.through} or beside it`;
}

/** Names are shortened to this before columns are left out. */
const LEAST_NAME = 24;
const LEAST_LABEL = 16;

function tensorTable(tensors: readonly TensorRecord[], { width, paint }: Style, asked: readonly string[] | undefined): Iterable<string> {
  const withLabels = tensors.some((tensor) => tensor.label !== undefined && tensor.label !== tensor.name);
  const withRoles = tensors.some((tensor) => tensor.role !== undefined);
  const withHash = tensors.some((tensor) => tensor.sha256 !== undefined);
  const withStats = tensors.some((tensor) => tensor.stats !== undefined);
  const columns: Column[] = [
    // The role tells rows of statistics apart, where a name has lost its middle.
    withStats
      ? { title: "name", least: width < NARROW ? LEAST_BESIDE_STATS : LEAST_NAME, repeats: repeated(tensors) }
      : { title: "name", least: LEAST_NAME },
    { title: "dtype", spare: 4 },
    { title: "shape", align: "right", spare: 2 },
    { title: "values", align: "right", spare: 3 },
    ...(withRoles ? [withStats ? { title: "role" } : { title: "role", spare: 5 }] : []),
    ...(withLabels ? [{ title: "label", least: LEAST_LABEL, spare: 6 }] : []),
    ...(withHash ? [{ title: "sha256" }] : []),
    ...(withStats ? statsColumns(tensors) : []),
  ];
  const digits = width < NARROW ? 3 : 4;
  const notFinite = columns.some(({ title }) => title === "NaN, inf");
  const cells = (tensor: TensorRecord): string[] => [
    tensor.name === "" ? "''" : visible(tensor.name),
    tensor.stored === undefined ? tensor.dtype : `${tensor.dtype} (${tensor.stored})`,
    shape(tensor.shape),
    count(tensor.parameters),
    ...(withRoles ? [tensor.role ?? (tensor.kind === "parameter" ? "" : tensor.kind)] : []),
    ...(withLabels ? [visible(tensor.label ?? "")] : []),
    ...(withHash ? [tensor.sha256 ?? ""] : []),
    ...(withStats ? statsCells(tensor.stats, digits, notFinite) : []),
  ];
  const chosen = asked?.map((title) => columnOf(title, columns));
  const rows = {
    *[Symbol.iterator]() {
      for (const tensor of tensors) {
        const row = cells(tensor);
        yield chosen === undefined ? row : chosen.map((k) => row[k] ?? "");
      }
    },
  };
  // What was asked for by name is not left out.
  const kept = chosen?.flatMap((k) => columns.slice(k, k + 1)).map(({ spare: _spare, ...column }) => column);
  return tableBlocks(kept ?? columns, rows, paint.faint, width);
}

/** Where a column is. Throws `usage` for one that the list does not have. */
function columnOf(title: string, columns: readonly Column[]): number {
  const found = columns.findIndex((column) => column.title === title);
  if (found >= 0) return found;
  const hint = title === "sha256" ? "add --hash" : "--hash and --stats add more";
  throw new CheckpointError("usage", `--columns ${visible(title)}: the list has ${columns.map((column) => column.title).join(", ")}`, {
    hint,
  });
}

/** Names beside statistics are shortened to this before columns are left out. */
const LEAST_BESIDE_STATS = 12;
/** Below so many columns, numbers have three digits. */
const NARROW = 100;

/** What all names begin with, up to the end of a word. */
function repeated(tensors: readonly TensorRecord[]): string {
  const [first, ...rest] = tensors.map(({ name }) => visible(name));
  if (first === undefined || rest.length === 0) return "";
  let length = first.length;
  for (const name of rest) while (!name.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length).replace(/[\p{L}\p{N}]+$/u, "");
}

function statsColumns(tensors: readonly TensorRecord[]): readonly Column[] {
  const numbers: readonly Column[] = ["min", "max", "mean", "std"].map((title) => ({ title, align: "right" }));
  const notFinite = tensors.some(({ stats }) => stats !== undefined && stats.nan + stats.inf > 0);
  const zeros: Column = { title: "zeros", align: "right", spare: 1 };
  return [{ title: "spread" }, ...numbers, zeros, ...(notFinite ? [{ title: "NaN, inf", align: "right" as const }] : [])];
}

function statsCells(stats: StatsRecord | undefined, digits: number, notFinite: boolean): string[] {
  if (stats === undefined) return [];
  const number = (value: number | bigint | null): string => {
    if (value === null) return "";
    return Number.isInteger(Number(value)) ? value.toString() : Number(Number(value).toPrecision(digits)).toString();
  };
  const { min, max, mean, std, zeros, nan, inf, histogram } = stats;
  const cells = [sparkline(histogram?.counts ?? []), ...[min, max, mean, std].map(number), count(zeros)];
  return notFinite ? [...cells, nan + inf === 0 ? "" : count(nan + inf)] : cells;
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
    { title: "group", least: LEAST_NAME },
    { title: "tensors", align: "right" },
    { title: "values", align: "right" },
    { title: "size", align: "right" },
  ];
  const rows = [...groups].map(([name, group]) => [visible(name), count(group.tensors), count(group.values), size(group.bytes)]);
  return table(columns, rows, paint.faint, width);
}

function totalsLine({ totals, tensors }: InspectRecord): string {
  const shown = tensors.length === totals.tensors ? "" : ` (${count(tensors.length)} shown)`;
  const rest = totals.notParameters === 0 ? "" : `, ${count(totals.notParameters)} other values`;
  return `${count(totals.tensors)} tensors${shown}, ${count(totals.parameters)} parameters${rest}, ${size(totals.bytes)}`;
}

const marks: Readonly<Record<Severity, "bad" | "warn" | "faint">> = { error: "bad", warning: "warn", info: "faint" };

/** Sentences are broken here, however wide the terminal. */
const LONGEST_LINE = 196;

/** A finding's layers are listed up to here; --json has all. */
const MOST_LAYERS = 16;

/** One line for all findings: where each of their codes is explained. */
export function moreLines(findings: readonly Finding[], { paint, width }: Style): readonly string[] {
  const [first, ...others] = new Set(findings.map(({ code }) => code));
  if (first === undefined) return [];
  const line = `more: vggtool explain ${first}${others.length === 0 ? "" : ` (or ${others.join(", ")})`}`;
  return wrapLines(line, Math.min(LONGEST_LINE, Math.max(40, width - 4))).map((text, k) => paint.faint(k === 0 ? text : `    ${text}`));
}

export function findingLines(finding: Finding, { paint, width }: Style): readonly string[] {
  const mark = paint[marks[finding.severity]];
  const room = Math.min(LONGEST_LINE, Math.max(40, width - 4));
  const message = visible(finding.message);
  const [first = "", ...rest] = wrapLines(`${finding.severity} ${finding.code}: ${message}`, room);
  const head = `${finding.severity} ${finding.code}:`;
  const lines = [
    first.replace(head, () => `${mark(finding.severity)} ${paint.strong(finding.code)}:`),
    ...rest.map((line) => `    ${line}`),
  ];
  // Most messages name their layers; the line would say them twice.
  if (finding.layers.some((layer) => !message.includes(visible(layer)))) {
    const named = finding.layers.slice(0, MOST_LAYERS).map(visible).join(" ");
    const more = finding.layers.length > MOST_LAYERS ? ` … ${finding.layers.length} in all` : "";
    lines.push(...wrapLines(named + more, room).map((line) => `    ${line}`));
  }
  if (finding.fix !== undefined) {
    const [start = "", ...others] = wrapLines(`fix: ${visible(finding.fix)}`, room);
    lines.push(`    ${start.replace("fix:", () => `${paint.good("fix")}:`)}`, ...others.map((line) => `    ${line}`));
  }
  return lines;
}
