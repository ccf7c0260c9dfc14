import type { ConvertResult } from "../convert/convert.ts";
import type { LayerLine, Left, Move, Plan } from "../convert/plan/plan-types.ts";
import { sidecarSuffix } from "../encodings/sidecar.ts";
import { findFormat } from "../formats.ts";
import { dirname } from "../io/path.ts";
import { assumptionText } from "../model/assumption.ts";
import { kindTitles } from "../model/layers/layer-kind.ts";
import { shortened } from "../text/brief.ts";
import { size } from "../text/byte-size.ts";
import { count, duration, type Style, shape, tiny, visible } from "./style.ts";
import { table } from "./table.ts";

/** Lines about tensors of one fate are listed up to here; --json has all. */
const MOST_LINES = 12;

/** What `vggtool convert` prints: the ledger in short, and where the output is. */
export function convertText(result: ConvertResult, style: Style): string {
  const { paint } = style;
  const { ledger, plan } = result;
  const lines = [
    summary(result, style),
    ...layerLines(ledger.layers, style),
    ...leftLines("left out", plan.unused, style),
    ...leftLines("not filled", plan.missing, style),
  ];
  const twice = ledger.totals.usedTwice === 0 ? [] : ledger.sources.filter((line) => line.use === "used twice");
  if (twice.length > 0) lines.push(`used more than once: ${twice.map((line) => visible(line.key)).join(", ")}`);
  lines.push(
    ...lossLines(result),
    ...assumedLines(plan, style),
    ...result.warnings.map((warning) => `${paint.warn("warning")}: ${visible(warning)}`),
  );
  const checked = result.checked ? "read back and compared with the source" : "not compared with the source";
  const speed = `${duration(result.seconds)}, ${size(result.bytes)}`;
  lines.push(`${paint.good("wrote")} ${paint.strong(visible(result.output))} (${plan.format}, ${speed}, ${checked})`);
  const beside = result.files.find((file) => file.endsWith(sidecarSuffix));
  if (beside !== undefined) lines.push(`beside it, as the format cannot store it: how images are prepared (${visible(beside)})`);
  const latest = findFormat(plan.format)?.latest;
  if (latest !== undefined) {
    const [folder, prefix] = [dirname(result.output), result.output].map((path) => visible(JSON.stringify(path)));
    lines.push(`${latest.finds} finds it after: ${latest.sets}(${folder}, ${prefix})`);
  }
  return lines.join("\n");
}

/** What `vggtool convert --dry-run` prints: every move. */
export function planText(result: ConvertResult, style: Style): string {
  const { plan } = result;
  const room = Math.max(20, Math.floor((style.width - 46) / 2));
  const rows = plan.moves.map((move) => [
    shortened(visible(move.to), room),
    `${move.toDtype} ${shape(move.toShape)}`,
    move.move,
    shortened(sources(move), room),
  ]);
  return [
    table([{ title: "target" }, { title: "dtype and shape" }, { title: "move" }, { title: "from" }], rows, style.paint.faint),
    "",
    summary(result, style),
    ...layerLines(result.ledger.layers, style),
    ...leftLines("left out", plan.unused, style),
    ...leftLines("not filled", plan.missing, style),
    ...assumedLines(plan, style),
    ...result.warnings.map((warning) => `${style.paint.warn("warning")}: ${visible(warning)}`),
    `nothing was written; without --dry-run it would be ${visible(result.output)}`,
  ].join("\n");
}

function sources(move: Move): string {
  const operands = move.fills.flatMap((fill) => fill.from);
  if (operands.length === 0) return move.fills.map((fill) => fill.formula).join(", ");
  return [...new Set(operands.map((operand) => `${visible(operand.key)} (${operand.axes.text})`))].join(" + ");
}

/** 38 tensors: 10 copied, 28 transposed; vgg names to canonical names */
function summary(result: ConvertResult, { paint }: Style): string {
  const kinds = new Map<string, number>();
  for (const move of result.plan.moves) kinds.set(move.move, (kinds.get(move.move) ?? 0) + 1);
  const parts = [...kinds].map(([kind, times]) => `${count(times)} × ${kind}`);
  const { totals } = result.ledger;
  return `${paint.strong(`${count(totals.filled)} tensors`)} to ${result.plan.scheme} names: ${parts.join(", ")}; ${count(totals.used + totals.usedTwice)} of ${count(totals.used + totals.usedTwice + totals.unused)} source tensors used`;
}

function leftLines(title: string, left: readonly Left[], { paint }: Style): readonly string[] {
  const byReason = new Map<string, string[]>();
  for (const { reason, key } of left) {
    const keys = byReason.get(reason);
    if (keys === undefined) byReason.set(reason, [key]);
    else keys.push(key);
  }
  return [...byReason].map(([reason, keys]) => {
    const more = keys.length > MOST_LINES ? ` … ${keys.length} in all` : "";
    return `${paint.warn(title)}: ${keys.slice(0, MOST_LINES).map(visible).join(", ")}${more} (${visible(reason)})`;
  });
}

/** Layers under their own names: how many of a kind went from which axes to which, and which stay as they are stored, and why. */
function layerLines(layers: readonly LayerLine[], style: Style): readonly string[] {
  const moves = new Map<string, number>();
  for (const { kind, axes } of layers) {
    if (axes === undefined || kind === "norm" || kind === "scale") continue;
    const change = axes.from === axes.to ? axes.to : `${axes.from} -> ${axes.to}`;
    const text = `${kindTitles[kind]} (${change})`;
    moves.set(text, (moves.get(text) ?? 0) + 1);
  }
  const turned = [...moves].map(([text, times]) => `${count(times)} × ${text}`);
  const kept = layers.flatMap(({ layer, kept: reason }) => (reason === undefined ? [] : [{ key: layer, reason }]));
  return [...(turned.length === 0 ? [] : [`layers under their own names: ${turned.join(", ")}`]), ...leftLines("axes kept", kept, style)];
}

function assumedLines({ assumed }: Plan, { paint }: Style): readonly string[] {
  return assumed.map((one) => `${paint.warn("assumed")}: ${visible(assumptionText(one))}`);
}

function lossLines(result: ConvertResult): readonly string[] {
  const losses = [...result.ledger.losses.values()];
  if (losses.length === 0) return [];
  const most = (pick: (loss: (typeof losses)[number]) => number): number => losses.reduce((value, loss) => Math.max(value, pick(loss)), 0);
  const sum = (pick: (loss: (typeof losses)[number]) => number): number => losses.reduce((value, loss) => value + pick(loss), 0);
  return [
    `rounding: largest error ${tiny(most((loss) => loss.maxAbs))} absolute, ${tiny(most((loss) => loss.maxRel))} relative; ${count(sum((loss) => loss.overflows))} overflows, ${count(sum((loss) => loss.underflows))} underflows`,
  ];
}
