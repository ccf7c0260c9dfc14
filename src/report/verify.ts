import { size } from "../text/byte-size.ts";
import type { LayerResult, TopEntry, VerifyRecord } from "../verify/record.ts";
import { count, duration, type Style, shape, tiny, visible } from "./style.ts";
import { type Column, table } from "./table.ts";

/** What `vggtool verify` prints: the engine, the layers, the verdict with its diagnosis, the classes, the times. */
export function verifyText(record: VerifyRecord, style: Style): string {
  const { paint } = style;
  const against = record.other === null ? "" : `  against  ${paint.strong(visible(record.other))}`;
  const { engine } = record;
  const tested =
    engine.selfTest === null ? "" : `, self-test passed (${count(engine.selfTest.layers)} layers, ${tiny(engine.selfTest.largestError)})`;
  const lines = [
    `${paint.strong(visible(record.file))}${against}`,
    `engine ${engine.name} ${engine.version} on ${engine.device}${engine.deviceName === "" ? "" : ` (${visible(engine.deviceName)})`}${tested}, input ${shape(record.input.shape)}, ${visible(record.input.source)}`,
  ];
  if (record.tolerance !== null) {
    const { rtol, reason, layers } = record.tolerance;
    lines.push(`tolerance ${layers === undefined ? "" : "up to "}${tiny(rtol)} of each layer's largest value: ${reason}`);
  }
  for (const run of record.runs ?? []) {
    const apart = run.firstDivergence === null ? paint.good("agrees") : paint.bad(`differs from ${visible(run.firstDivergence)} on`);
    lines.push(
      `against ${visible(run.file)} on ${run.engine.name} ${run.engine.version} (${visible(run.engine.deviceName)}): ${apart}, at most ${tiny(run.maxRel)} of a layer's largest value, ${duration(run.seconds)}`,
    );
  }
  lines.push("", layerTable(record, style), "", verdict(record, style));
  for (const sentence of record.diagnosis) lines.push(`    ${visible(sentence)}`);
  if (record.top.length > 0) lines.push("", topTable(record.top, record.input.pictures, style));
  if (record.pair !== undefined) {
    const { layer, cosineDistance, euclideanDistance, pictures } = record.pair;
    lines.push(
      "",
      `${pictures.map(visible).join(" and ")}: cosine distance ${cosineDistance.toFixed(4)}, euclidean ${euclideanDistance.toFixed(4)} (${visible(layer)})`,
    );
  } else if (record.descriptor !== undefined) {
    lines.push("", `descriptor ${visible(record.descriptor.layer)}: ${shape(record.descriptor.shape)}; --json has its values`);
  }
  const { load, first, warm, other, selfTest } = record.seconds;
  const before = selfTest === undefined ? [] : [`self-test ${duration(selfTest)}`];
  const times = [
    ...before,
    `load ${duration(load)}`,
    `first run ${duration(first)}`,
    ...(warm === undefined ? [] : [`warm run ${duration(warm)}`]),
  ];
  lines.push(
    "",
    paint.faint(
      `${[...times, ...(other === undefined ? [] : [`other ${duration(other)}`])].join(", ")}, peak memory ${size(record.peakMemory)}`,
    ),
  );
  for (const note of record.notes) lines.push(paint.faint(`note: ${visible(note)}`));
  return lines.join("\n");
}

function layerTable(record: VerifyRecord, { paint }: Style): string {
  const compared = record.layers.some((layer) => layer.maxAbs !== null);
  // Each layer's own, where there is one.
  const allowed = compared && record.tolerance?.layers !== undefined;
  const columns: Column[] = [
    { title: "layer" },
    { title: "output", align: "right" },
    ...(compared
      ? [
          { title: "max |a−b|", align: "right" as const },
          { title: "of max |b|", align: "right" as const },
          ...(allowed ? [{ title: "allowed", align: "right" as const }] : []),
          { title: "mean |a−b|", align: "right" as const },
          { title: "cosine", align: "right" as const },
        ]
      : [
          { title: "min", align: "right" as const },
          { title: "max", align: "right" as const },
        ]),
    { title: "" },
  ];
  const rows = record.layers.map((layer) => [
    visible(layer.role),
    shape(layer.shape),
    ...(compared
      ? [
          optional(layer.maxAbs),
          optional(layer.maxRel),
          ...(allowed ? [optional(layer.maxAbs === null ? null : (layer.tolerance ?? null))] : []),
          optional(layer.meanAbs),
          cosine(layer.cosine),
        ]
      : [number(layer.min), number(layer.max)]),
    layer.pass ? paint.good(layer.maxAbs === null ? "finite" : "ok") : paint.bad(problem(layer)),
  ]);
  return table(columns, rows, paint.faint);
}

const optional = (value: number | null): string => (value === null ? "" : tiny(value));
const cosine = (value: number | null): string => (value === null ? "" : value.toFixed(6));
const number = (value: number): string => (Number.isFinite(value) ? value.toPrecision(4) : String(value));
const problem = (layer: LayerResult): string => (layer.problem === undefined ? "differs" : visible(layer.problem));

function verdict(record: VerifyRecord, { paint }: Style): string {
  const compared = record.layers.filter((layer) => layer.maxAbs !== null);
  const what =
    compared.length === 0
      ? "every layer's output is finite"
      : compared.length === record.layers.length
        ? "every layer agrees"
        : `${compared.map((layer) => layer.role).join(", ")} ${compared.length === 1 ? "agrees" : "agree"}, the others are finite`;
  return record.pass
    ? paint.good(`pass: ${what}`)
    : paint.bad(`fail: the first layer that differs is ${record.firstDivergence ?? "unknown"}`);
}

function topTable(top: readonly TopEntry[], pictures: readonly string[] | undefined, { paint }: Style): string {
  const several = top.some((entry) => entry.picture > 0);
  return table(
    [
      ...(several ? [{ title: "picture", align: pictures === undefined ? ("right" as const) : ("left" as const) }] : []),
      { title: "top", align: "right" },
      { title: "class", align: "right" },
      { title: "probability", align: "right" },
      { title: "" },
    ],
    top.map((entry) => [
      ...(several ? [visible(pictures?.[entry.picture] ?? String(entry.picture))] : []),
      String(entry.rank),
      count(entry.index),
      entry.probability.toFixed(4),
      entry.label === undefined ? "" : visible(entry.label),
    ]),
    paint.faint,
  );
}
