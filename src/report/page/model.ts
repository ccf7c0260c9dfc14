import type { Filters } from "../../inspect/filters.ts";
import type { Finding } from "../../inspect/findings/check.ts";
import type { InspectRecord } from "../../inspect/inspect.ts";
import type { TensorRecord } from "../../inspect/list.ts";
import { assumptionText } from "../../model/assumption.ts";
import { size } from "../../text/byte-size.ts";
import { inspectHeadLines } from "../inspect.ts";
import { count, plain, shape } from "../style.ts";
import type {
  ComparisonData,
  FilterData,
  FindingData,
  LedgerData,
  PageData,
  SheetData,
  ShownTensor,
  StatsData,
  TensorsData,
} from "./data.ts";
import type { ReportedComparison, ReportRecord } from "./record.ts";
import { atMost, littleEndianBase64, shownHistogram, shownName, shownNumber, shownSentence } from "./shown.ts";
import { strips } from "./strip.ts";

/** Rows of a table, and of those the histograms: a page of a hundred thousand tensors is for nobody. */
const MOST_ROWS = 5000;
const MOST_HISTOGRAMS = 1000;
/** Outputs of a layer whose filters are shown; a VGG has 4096. */
const MOST_OUTPUTS = 1 << 16;
/** Bytes of kernels, place by place, of all layers together. */
const MOST_PLACES = 100_000;
const MOST_LAYERS_OF_FINDING = 60;

/** What the page of a checkpoint shows. */
export function reportData(record: ReportRecord): PageData {
  const { inspect, filters, comparison, conversion } = record;
  const sheet = filters?.sheet;
  return {
    title: `${shownName(inspect.file)}: vggtool report`,
    heading: shownName(inspect.file),
    facts: factsOf(inspect),
    evidence: (inspect.architecture?.evidence ?? []).map(shownSentence),
    assumed: inspect.assumed.map((each) => shownSentence(assumptionText(each))),
    findings: inspect.findings.map(findingData),
    strips: strips(inspect),
    tensors: tensorsData(inspect),
    ...(sheet === undefined || sheet === null ? {} : { sheet: sheetData(sheet) }),
    filters: filters === null ? [] : filterData(filters),
    ...(comparison === null ? {} : { comparison: comparisonData(comparison) }),
    ...(conversion === null ? {} : { ledger: ledgerData(conversion) }),
    top: [],
  };
}

function factsOf(record: InspectRecord): readonly string[] {
  const lines = [...inspectHeadLines(record, { width: Number.POSITIVE_INFINITY, paint: plain })];
  return [`${record.format} (${shownName(record.variant)}), ${size(record.bytes)}`, ...lines.map(shownSentence)];
}

function findingData({ severity, code, message, layers, fix }: Finding): FindingData {
  // Most messages name their layers, and to say them twice is noise.
  const [kept, left] = atMost(layers.every((layer) => message.includes(layer)) ? [] : layers, MOST_LAYERS_OF_FINDING);
  return {
    severity,
    code,
    message: shownSentence(message),
    layers: [...kept.map(shownName), ...(left === 0 ? [] : [`and ${count(left)} more`])],
    ...(fix === undefined ? {} : { fix: shownSentence(fix) }),
  };
}

function tensorsData({ tensors, totals }: InspectRecord): TensorsData {
  const [kept, left] = atMost(tensors, MOST_ROWS);
  const largest = new Set(
    kept.length <= MOST_HISTOGRAMS ? kept : kept.toSorted((a, b) => b.parameters - a.parameters).slice(0, MOST_HISTOGRAMS),
  );
  const rest = left === 0 ? "" : `; the first ${count(kept.length)} are listed`;
  return {
    total: `${count(totals.tensors)} tensors, ${count(totals.parameters)} parameters${rest}`,
    rows: kept.map((tensor) => tensorData(tensor, largest.has(tensor))),
  };
}

function tensorData(tensor: TensorRecord, withHistogram: boolean): ShownTensor {
  const { stats, stored, dtype, kind, role } = tensor;
  const known = role !== undefined || tensor.label === undefined || tensor.label === tensor.name;
  return {
    name: shownName(known ? tensor.name : `${tensor.name} (${tensor.label})`),
    role: role ?? (kind === "parameter" ? "" : kind),
    dtype: stored === undefined ? dtype : `${dtype} (${stored})`,
    shape: shape(tensor.shape),
    values: tensor.parameters,
    ...(stats === undefined ? {} : { stats: statsData(stats, withHistogram) }),
  };
}

function statsData(stats: NonNullable<TensorRecord["stats"]>, withHistogram: boolean): StatsData {
  return {
    min: shownNumber(stats.min),
    max: shownNumber(stats.max),
    mean: shownNumber(stats.mean),
    std: shownNumber(stats.std),
    zeros: stats.zeros,
    notFinite: stats.nan + stats.inf,
    percentiles: Object.entries(stats.percentiles).map(([percent, value]) => [percent, shownNumber(value)]),
    ...(stats.histogram === null || !withHistogram ? {} : { histogram: shownHistogram(stats.histogram) }),
  };
}

function sheetData({ layer, outputs, kernel, channels, order, orderSource, values }: NonNullable<Filters["sheet"]>): SheetData {
  const first = order === "bgr" ? "blue" : "red";
  const grounds =
    order === null
      ? "Nothing says in which order the channels are."
      : `The first channel is ${first}, ${orderSource === "read" ? "as the file says" : "which is assumed from its convention"}.`;
  return { layer, outputs, kernel, channels, order, grounds, values: littleEndianBase64(values) };
}

/** The largest value of a uint16. */
const FULL = 65535;

function filterData({ layers }: Filters): readonly FilterData[] {
  let room = MOST_PLACES;
  const shown = layers.filter(({ norms }) => norms.length <= MOST_OUTPUTS);
  return shown.map(({ layer, norms, kernel, places, inputs }) => {
    const most = norms.reduce((largest, norm) => Math.max(largest, Number.isFinite(norm) ? norm : 0), 0);
    const scaled = Uint16Array.from(norms, (norm) => (most === 0 || Number.isNaN(norm) ? 0 : Math.round((norm / most) * FULL)));
    const drawn = kernel !== null && places.length <= room;
    if (drawn) room -= places.length;
    return {
      layer,
      outputs: norms.length,
      kernel: drawn ? kernel : null,
      most: Number(most.toPrecision(6)),
      norms: littleEndianBase64(scaled),
      places: drawn ? littleEndianBase64(places) : "",
      inputs,
    };
  });
}

function comparisonData({ other, diff, rowLikeness }: ReportedComparison): ComparisonData {
  const [kept] = atMost(diff.tensors, MOST_ROWS);
  return {
    other: shownName(other),
    equal: diff.equal,
    explanations: diff.explanations.map(shownSentence),
    rows: kept.map((tensor) => ({
      name: shownName(tensor.role ?? tensor.a ?? tensor.b ?? ""),
      move: tensor.move,
      equal: tensor.equal,
      maxAbs: shownNumber(tensor.maxAbs),
      maxRel: shownNumber(tensor.maxRel),
      meanAbs: shownNumber(tensor.meanAbs),
      cosine: shownNumber(tensor.cosine),
      ...(tensor.histogram === undefined ? {} : { histogram: shownHistogram(tensor.histogram) }),
    })),
    onlyA: atMost(diff.onlyA, MOST_ROWS)[0].map(shownName),
    onlyB: atMost(diff.onlyB, MOST_ROWS)[0].map(shownName),
    ...(rowLikeness === null ? {} : { rowLikeness }),
  };
}

function ledgerData({ plan, ledger, warnings }: NonNullable<ReportRecord["conversion"]>): LedgerData {
  const { filled, unused, missing } = ledger.totals;
  const sources = new Map(ledger.targets.map(({ key, from }) => [key, from]));
  const reasons = (list: typeof plan.unused) =>
    atMost(list, MOST_ROWS)[0].map(({ key, reason }) => ({ key: shownName(key), why: shownSentence(reason) }));
  return {
    target: `${plan.format}, ${plan.scheme} names`,
    totals: `${count(filled)} tensors filled, ${count(unused)} left out, ${count(missing)} not filled`,
    moves: atMost(plan.moves, MOST_ROWS)[0].map((move) => ({
      to: shownName(move.to),
      kind: `${move.toDtype} ${shape(move.toShape)}`,
      move: move.move,
      from: (sources.get(move.to) ?? []).map(shownName).join(", "),
    })),
    left: reasons(plan.unused),
    missing: reasons(plan.missing),
    warnings: [...plan.assumed.map((each) => shownSentence(assumptionText(each))), ...warnings.map(shownSentence)],
  };
}
