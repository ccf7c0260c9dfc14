import { checkSources, type SourceReport } from "../../../src/inspect/source/check-source.ts";

/** The report of one file. */
export function reportOf(text: string, file = "model.py"): SourceReport {
  const [report] = checkSources([[{ file, cell: null, text }]]);
  if (report === undefined) throw new Error("a report for each file");
  return report;
}

/** "class.attribute kind line: makers" of each fault. */
export function found(text: string): readonly string[] {
  return reportOf(text).problems.map(
    ({ className, attribute, kind, line, makers }) => `${className}.${attribute ?? ""} ${kind} ${line}: ${makers.join(" ")}`,
  );
}

/** Classes that were read to their end. */
export function read(text: string): readonly string[] {
  return reportOf(text).read.map((entry) => entry.class);
}

/** "line: reason" of what was not. */
export function unread(text: string): readonly string[] {
  return reportOf(text).unread.map(({ line, reason }) => `${line}: ${reason}`);
}

/** A PyTorch module: lines of its constructor, from line 5, and what forward does. */
export function torchModule(lines: readonly string[], forward: readonly string[] = ["return x"]): string {
  const body = (text: readonly string[]): string => text.map((line) => `        ${line}\n`).join("");
  return `import torch.nn as nn\nclass Net(nn.Module):\n    def __init__(self, cfg=None):\n        super().__init__()\n${body(lines)}    def forward(self, x):\n${body(forward)}`;
}
