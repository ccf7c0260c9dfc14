import type { Compared, Side } from "../compare/side.ts";
import type { Context } from "../io/context.ts";
import type { IdentifyOptions } from "../model/options.ts";
import type { ReportedComparison, ReportRecord } from "../report/page/record.ts";
import { type CheckpointInput, nameOfInput, pathOfInput } from "../tensor/checkpoint-input.ts";
import { type DependentOption, refuseIgnored } from "../text/ignored.ts";
import { type Checks, checkInput, checkOptions, checkpoint, flag, pictureSize, text } from "./checks.ts";
import { identifyOptions } from "./identify-options.ts";
import { jsonable } from "./jsonable.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `report` takes beside what every verb takes. */
export interface ReportOptions extends RunOptions, Pick<IdentifyOptions, "inputSize"> {
  /** Another checkpoint, which this one is compared with. */
  readonly other?: CheckpointInput;
  /** Read the other as this format. */
  readonly otherFrom?: string;
  /** Shows what a conversion to this target would do; nothing is converted. */
  readonly to?: string;
  /** Path of the page that is written; none is where absent (`reportPage` of vggtool/report makes its text). */
  readonly output?: string;
  /** Replace what is there already. */
  readonly force?: boolean;
}

const reportChecks: Checks<ReportOptions> = {
  ...runChecks,
  inputSize: pictureSize,
  other: checkpoint,
  otherFrom: text,
  to: text,
  output: text,
  force: flag,
};

const dependent: readonly DependentOption<ReportOptions>[] = [
  {
    option: "--other-from",
    given: ({ otherFrom }) => otherFrom !== undefined,
    counts: ({ other }) => other !== undefined,
    without: "a second checkpoint",
    add: "OTHER",
  },
];

/**
 * All that can be seen of a checkpoint: what it is, findings, statistics and histograms of every tensor, its filters; with `other` how far
 * the two are apart. Reads every value. With `output` also written as one page of HTML that asks for nothing.
 *
 * @param input A path, an address, bytes, or an open checkpoint, which stays open.
 * @throws CheckpointError `not-found`, `malformed`, `unsupported`, `mismatch` with `other`, and the others of docs/errors.md.
 * @example
 * const { filters } = await report("vgg16.pth", { output: "vgg16.html" });
 * console.log(filters?.layers.map(({ layer, norms }) => [layer, Math.max(...norms)]));
 */
export async function report(input: CheckpointInput, options: ReportOptions = {}): Promise<ReportRecord> {
  await spoken(undefined, async () => {
    checkInput("report", input);
    checkOptions("report", options, reportChecks);
    refuseIgnored(dependent, options);
  });
  return withContext(nameOfInput(input), options, { values: true }, async (ctx) => {
    const [{ open }, { inspectIdentified }, { filters }] = await Promise.all([
      import("../open.ts"),
      import("../inspect/inspect.ts"),
      import("../inspect/filters.ts"),
    ]);
    const opened = await open(input, ctx, options);
    try {
      const { record, checkpoint, identity, statistics } = await inspectIdentified(nameOfInput(input), opened, ctx, {
        ...options,
        stats: true,
        heads: true,
      });
      const side: Side = { name: "A", checkpoint, ...(identity === undefined ? {} : { identity }) };
      const filtered = identity === undefined || statistics === undefined ? null : await filters(checkpoint, identity, statistics, ctx);
      const made: ReportRecord = {
        schema: "vggtool/report/1",
        output: options.output ?? null,
        inspect: record,
        filters: filtered,
        comparison: options.other === undefined ? null : await compared(side, options.other, options, ctx),
        conversion: options.to === undefined ? null : await planned(side, options.to, pathOfInput(input), ctx),
      };
      if (options.output !== undefined) await written(made, options.output, options.force === true);
      return jsonable(made);
    } finally {
      await opened.close();
    }
  });
}

async function compared(a: Side, other: CheckpointInput, options: ReportOptions, ctx: Context): Promise<ReportedComparison> {
  const [{ open }, { diffCheckpoints }, { rowLikeness }, { identify }, { withRealNumbers }] = await Promise.all([
    import("../open.ts"),
    import("../inspect/diff.ts"),
    import("../inspect/row-likeness.ts"),
    import("../model/identify.ts"),
    import("../tensor/dequantised.ts"),
  ]);
  const from = options.otherFrom === undefined ? {} : { from: options.otherFrom };
  const opened = withRealNumbers(await open(other, ctx, { amplified: options.amplified, ...from }));
  try {
    const identity = identify(opened, identifyOptions(options));
    const b: Side = { name: "B", checkpoint: opened, ...(identity === undefined ? {} : { identity }) };
    const both: Compared = { a, b, rtol: 0 };
    const diff = await diffCheckpoints(a, b, ctx, { histograms: true });
    return { other: nameOfInput(other), diff, rowLikeness: (await rowLikeness(both, ctx)) ?? null };
  } finally {
    await opened.close();
  }
}

/** The plan of a conversion, which is not carried out. */
async function planned(
  { checkpoint: source, identity }: Side,
  to: string,
  path: string | undefined,
  ctx: Context,
): Promise<NonNullable<ReportRecord["conversion"]>> {
  const { convertCheckpoint } = await import("../convert/convert.ts");
  const request = { checkpoint: source, identity, ...(path === undefined ? {} : { input: path }) };
  const { plan, ledger, warnings } = await convertCheckpoint(request, { to, dryRun: true }, ctx);
  return { plan, ledger, warnings };
}

async function written(made: ReportRecord, path: string, force: boolean): Promise<void> {
  const [{ reportPage }, { writeWhole }] = await Promise.all([import("../report/page/page.ts"), import("../io/output/write-whole.ts")]);
  await writeWhole(path, [new TextEncoder().encode(reportPage(made))], force);
}
