import packageJson from "../../../package.json" with { type: "json" };
import { type Finding, inspectSource, type SourceRecord, sourceIsUnsaid } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { visible } from "../../report/style.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { type CommonOptions, outputFor, setExitCode } from "../output.ts";
import { tell } from "../streams.ts";

interface Options extends CommonOptions {
  readonly sarif?: boolean;
}

/** `inspect --source model.py`: the code alone, without a checkpoint. Gives the findings, for --fail-on. */
export async function runSource(paths: readonly string[], options: Options): Promise<readonly Finding[]> {
  const output = await outputFor(options);
  try {
    const records = await inspectSource(paths);
    const unsaid = await sourceIsUnsaid(records);
    if (options.sarif === true) output.data(await sarifText(records.flatMap(({ findings }) => findings)));
    else if (output.json) for (const record of records) output.data(toJson(record));
    else if (!unsaid || records.some(({ read }) => read.length > 0))
      output.data((await import("../../report/source.ts")).sourceText(records, output.style));
    if (!unsaid) return records.flatMap(({ faults }) => faults);
    for (const record of records) for (const line of unreadLines(record)) tell(`vggtool: ${line}\n`);
    setExitCode(exitCodes.failed);
  } catch (error) {
    setExitCode(reportFailure(error, output.json, paths[0]));
  }
  return [];
}

/** Findings about source code as SARIF 2.1.0. */
export async function sarifText(findings: SourceRecord["findings"]): Promise<string> {
  return toJson((await import("../../report/sarif.ts")).sarif(findings, packageJson.version));
}

function unreadLines({ file, unread }: SourceRecord): readonly string[] {
  return unread.map(({ reason, line, cell }) => {
    const place = line === null ? "" : cell === null ? `line ${line}: ` : `cell ${cell}, line ${line}: `;
    return `${visible(file)}: ${place}${visible(reason)}`;
  });
}
