import type { SourceRecord } from "../inspect/source/read-source.ts";
import { findingLines, moreLines } from "./inspect.ts";
import { type Style, visible } from "./style.ts";
import { wrapLines } from "./wrap.ts";

/** What `vggtool inspect --source` prints of files alone. */
export function sourceText(records: readonly SourceRecord[], style: Style): string {
  const more = moreLines(
    records.flatMap(({ findings }) => findings),
    style,
  );
  return [...records.map((record) => fileText(record, style)), ...more].join("\n");
}

function fileText(record: SourceRecord, style: Style): string {
  const [first = "", ...more] = wrapLines(`${visible(record.file)}: ${verdict(record)}`, Math.max(40, style.width - 4));
  const head = first.replace(visible(record.file), (file) => style.paint.strong(file));
  const lines = [head, ...more.map((line) => `    ${line}`)];
  return [...lines, ...record.findings.flatMap((finding) => findingLines(finding, style))].join("\n");
}

/** One of three: faults; all is registered, of the classes that are named; nothing can be said, or of some classes only. */
function verdict({ read, unread, faults }: SourceRecord): string {
  const classes = read
    .map(({ class: name, line, cell }) => `${visible(name)} (${cell === null ? "" : `cell ${cell}, `}line ${line})`)
    .join(", ");
  if (faults.length > 0) return faults.length === 1 ? "1 layer is not registered" : `${faults.length} faults`;
  if (unread.length === 0) return `every layer of these classes is registered: ${classes}`;
  return read.length === 0 ? "nothing can be said" : `no fault in ${classes}; the rest was not read`;
}
