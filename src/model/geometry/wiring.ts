import type { LayerRecord } from "../../tensor/checkpoint.ts";

/** Which records are between two others. */
export interface Wiring {
  /** Records on a way from one to the other, in order, ends left out; undefined where the file knows its ways and has none. */
  between(from: LayerRecord, to: LayerRecord): readonly LayerRecord[] | undefined;
  /** Records that compute something out of what this one gives, in order. */
  behind(from: LayerRecord): readonly LayerRecord[];
}

/**
 * The ways through the layers that a file describes. A value is given by the last record before its reader that names it, so that
 * layers in place (Caffe) are on the way. Where no record names another (whole modules of PyTorch), the order of the file is kept.
 */
export function wiringOf(records: readonly LayerRecord[]): Wiring {
  const index = new Map(records.map((record, at) => [record, at]));
  const sources = records.map((): number[] => []);
  const givers = new Map<string, number>();
  records.forEach((record, at) => {
    for (const value of record.inputs) {
      const giver = givers.get(value);
      if (giver !== undefined) sources[at]?.push(giver);
    }
    for (const value of record.outputs ?? [record.name]) givers.set(value, at);
  });
  const wired = sources.some((of) => of.length > 0);
  return {
    between(from, to) {
      const [start, end] = [index.get(from), index.get(to)];
      if (start === undefined || end === undefined || start >= end) return undefined;
      if (!wired) return records.slice(start + 1, end);
      const way = reaching(sources, start, end);
      return way?.map((at) => records[at]).filter((record) => record !== undefined);
    },
    behind(from) {
      const start = index.get(from);
      if (start === undefined) return [];
      if (!wired) return records.slice(start + 1);
      const found = new Set([start]);
      for (let at = start + 1; at < records.length; at++) if (sources[at]?.some((source) => found.has(source)) === true) found.add(at);
      return records.filter((_, at) => at !== start && found.has(at));
    },
  };
}

/** Records between `start` and `end` that both are behind the one and lead to the other. Every source is earlier than its reader. */
function reaching(sources: readonly (readonly number[])[], start: number, end: number): readonly number[] | undefined {
  const behind = new Set([start]);
  for (let at = start + 1; at <= end; at++) if (sources[at]?.some((source) => behind.has(source)) === true) behind.add(at);
  if (!behind.has(end)) return undefined;
  const leading = new Set([end]);
  for (let at = end; at > start; at--) {
    if (!leading.has(at)) continue;
    for (const source of sources[at] ?? []) if (behind.has(source)) leading.add(source);
  }
  return [...leading].filter((at) => at > start && at < end).sort((a, b) => a - b);
}
