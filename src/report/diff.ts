import type { DiffRecord, DiffTensor } from "../inspect/diff.ts";
import { shortened } from "../text/brief.ts";
import { count, type Style, tiny, visible } from "./style.ts";
import { table } from "./table.ts";

/** Tensors that differ are listed up to here, and names that only one side has; --json has all. */
const MOST_ROWS = 40;
const MOST_NAMES = 12;

/** What `vggtool diff` prints: the tensors that differ, what only one side has, the explanations, the verdict. */
export function diffText(record: DiffRecord, style: Style): string {
  const { paint } = style;
  const differing = record.tensors.filter((tensor) => !tensor.equal);
  const lines: string[] = [];
  if (differing.length > 0) lines.push(differenceTable(differing.slice(0, MOST_ROWS), style));
  if (differing.length > MOST_ROWS) lines.push(`… ${count(differing.length)} tensors differ in all`);
  lines.push(...onlyLine("only in A", record.onlyA, style), ...onlyLine("only in B", record.onlyB, style));
  for (const sentence of record.explanations) lines.push(`${paint.warn("why")}: ${visible(sentence)}`);
  const same = record.tensors.length - differing.length;
  const counts = `${count(same)} of ${count(record.tensors.length)} tensors hold the same values`;
  lines.push(record.equal ? paint.good(`equal: ${counts}`) : paint.bad(`different: ${counts}`));
  return lines.join("\n");
}

function differenceTable(tensors: readonly DiffTensor[], { paint, width }: Style): string {
  const room = Math.max(16, Math.floor((width - 60) / 2));
  return table(
    [
      { title: "role" },
      { title: "in A" },
      { title: "in B" },
      { title: "move" },
      { title: "max |a−b|", align: "right" },
      { title: "cosine", align: "right" },
    ],
    tensors.map((tensor) => [
      tensor.role ?? "",
      shortened(visible(tensor.a ?? "(implied)"), room),
      shortened(visible(tensor.b ?? "(implied)"), room),
      tensor.move,
      tensor.maxAbs === null ? "other size" : tiny(tensor.maxAbs),
      tensor.cosine === null ? "" : tensor.cosine.toFixed(6),
    ]),
    paint.faint,
  );
}

function onlyLine(title: string, names: readonly string[], { paint }: Style): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMES ? ` … ${count(names.length)} in all` : "";
  return [`${paint.warn(title)}: ${names.slice(0, MOST_NAMES).map(visible).join(", ")}${more}`];
}
