import type { SourceRecord } from "../inspect/source/read-source.ts";
import { findingLines } from "./inspect.ts";
import { type Style, visible } from "./style.ts";

/** What `vggtool inspect --source` prints of a file alone. */
export function sourceText(record: SourceRecord, style: Style): string {
  const count = record.findings.length;
  const verdict = count === 0 ? "every layer that it makes is registered" : count === 1 ? "1 finding" : `${count} findings`;
  const head = `${style.paint.strong(visible(record.file))}: ${verdict}`;
  return [head, ...record.findings.flatMap((finding) => findingLines(finding, style))].join("\n");
}
