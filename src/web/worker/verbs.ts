import { isCheckpointError } from "../../errors.ts";
import { blobFile, fileAt, mount, unmountAll } from "../../io/browser/disk.ts";
import { takeOutputs } from "../../io/browser/output.ts";
import { servedFiles } from "../../io/browser/served.ts";
import { convert } from "../../library/convert.ts";
import { inspect } from "../../library/inspect.ts";
import { listFormats } from "../../library/list-formats.ts";
import { type FoundCheckpoint, findCheckpoints } from "../../library/many/find-checkpoints.ts";
import { report } from "../../library/report.ts";
import type { RunOptions } from "../../library/run-options.ts";
import type { ReportRecord } from "../../report/page/record.ts";
import { visibleWithin } from "../../report/style.ts";
import type { FoundRow, LookOptions, Verb, Verbs, WorkFailure } from "../messages.ts";

type Work = { readonly [V in Verb]: (asked: Verbs[V]["asked"], run: RunOptions) => Promise<Verbs[V]["given"]> };

/** Letters of a name, a sentence and a hint that the page shows. */
const longest = { name: 200, message: 600, hint: 2000 } as const;

/** What the page may ask for; what takes long reports to `run`. */
export const verbs: Work = {
  async take(files, run) {
    for (const { path, bytes } of files) mount(path, blobFile(bytes));
    return foundOnDisk(run);
  },
  async serve({ address }, run) {
    for (const { path, file } of await servedFiles(address)) mount(path, file);
    return foundOnDisk(run);
  },
  async forget() {
    unmountAll();
    return null;
  },
  async look(asked, run) {
    const { reportData } = await import("../../report/page/model.ts");
    return reportData(await recordOf(asked, run));
  },
  async page(asked, run) {
    const { reportPage } = await import("../../report/page/page.ts");
    const html = reportPage(await recordOf({ ...asked, values: true }, run));
    return { path: `${lastName(asked.source)}.html`, bytes: new Blob([html], { type: "text/html" }) };
  },
  async json({ source }, run) {
    const { jsonPieces } = await import("../../report/json.ts");
    return [...jsonPieces(await inspect(source, run))].join("");
  },
  async targets() {
    const { formats } = await listFormats();
    return formats.flatMap(({ to, title }) => to.map((id) => ({ id, title })));
  },
  async convert({ source, to }, run) {
    const { plan, warnings, seconds, checked } = await convert(source, { ...run, to });
    const files = takeOutputs();
    const { count } = await import("../../report/style.ts");
    return {
      files: files.map(({ path, bytes }) => ({ path: lastName(path), bytes })),
      summary: `${count(plan.moves.length)} tensors written${checked ? " and compared with what was read" : ""}, in ${seconds.toFixed(1)} s`,
      warnings: warnings.map((each) => visibleWithin(each, longest.message)),
    };
  },
};

async function foundOnDisk(run: RunOptions): Promise<Verbs["take"]["given"]> {
  const { checkpoints, skipped } = await findCheckpoints(["."], run);
  return { found: checkpoints.map(foundRow).filter(({ files }) => files > 0), skipped };
}

async function recordOf({ source, values, other }: LookOptions, run: RunOptions): Promise<ReportRecord> {
  if (values || other !== undefined) return report(source, { ...run, ...(other === undefined ? {} : { other }) });
  const nothing = { output: null, filters: null, comparison: null, conversion: null };
  return { schema: "vggtool/report/1", ...nothing, inspect: await inspect(source, run) };
}

/** By its main file, also where a folder is one checkpoint and was found as that. */
function foundRow({ source, place, files }: FoundCheckpoint): FoundRow {
  const [main = source] = files;
  const there = files.flatMap((path) => fileAt(path) ?? []);
  return {
    source: main,
    name: visibleWithin(source === "." ? main : place, longest.name),
    files: there.length,
    bytes: there.reduce((sum, { size }) => sum + size, 0),
  };
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What went wrong, for a person. */
export function workFailureOf(error: unknown): WorkFailure {
  if (!isCheckpointError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message: `this is a bug in vggtool: ${visibleWithin(message, longest.message)}` };
  }
  const { file, tensor, offset, hint } = error.where;
  const places = [
    ...(offset === undefined ? [] : [`at byte ${offset}`]),
    ...(tensor === undefined ? [] : [`tensor ${visibleWithin(tensor, longest.name)}`]),
  ];
  const head = file === undefined || file === "" ? "" : `${visibleWithin(file, longest.name)}: `;
  return {
    message: `${head}${visibleWithin(error.summary, longest.message)}${places.length === 0 ? "" : ` (${places.join(", ")})`}`,
    ...(hint === undefined ? {} : { hint: visibleWithin(hint, longest.hint) }),
  };
}
