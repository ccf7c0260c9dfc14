import { convert, diff, inspect, isCheckpointError, verify } from "../../index.ts";
import { jsonPieces } from "../../report/json.ts";
import type { Style } from "../../report/style.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { styleFor } from "../terminal.ts";
import type { Failure, Form, Outcome, Task } from "./task.ts";

interface Answer {
  readonly code: ExitCode;
  /** What --json prints. */
  readonly record: object;
  text(style: Style): Promise<string>;
  cells(): Promise<readonly string[]>;
}

/** Runs one task; what goes wrong is its outcome. */
export async function runTask(task: Task, form: Form, signal: AbortSignal): Promise<Outcome> {
  try {
    const answer = await answerOf(task, signal);
    return {
      kind: "answer",
      code: answer.code,
      text:
        form.kind === "json" ? [...jsonPieces(answer.record)].join("") : form.kind === "text" ? await answer.text(await styleOf(form)) : "",
      cells: form.kind === "row" ? await answer.cells() : [],
    };
  } catch (error) {
    return { kind: "failure", failure: failureOf(error) };
  }
}

function styleOf({ color, width }: Form): Promise<Style> {
  return styleFor(color, width);
}

async function answerOf(task: Task, signal: AbortSignal): Promise<Answer> {
  const { source } = task;
  const rows = () => import("../../report/many/rows.ts");
  if (task.verb === "inspect") {
    const record = await inspect(source, { ...task.options, signal });
    const { shown } = task;
    return {
      code: record.findings.some(({ severity }) => task.failOn.includes(severity)) ? exitCodes.no : exitCodes.done,
      record,
      text: async (style) => (await import("../../report/inspect.ts")).inspectText(record, style, shown),
      cells: async () => (await rows()).inspectCells(record),
    };
  }
  if (task.verb === "convert") {
    const result = await convert(source, { ...task.options, signal });
    const dry = task.options.dryRun === true;
    return {
      code: exitCodes.done,
      record: { file: source, ...(dry ? result.plan : result) },
      async text(style) {
        const { convertText, planText } = await import("../../report/convert.ts");
        return (await rows()).under(source, dry ? planText(result, style) : convertText(result, style), style);
      },
      cells: async () => [],
    };
  }
  if (task.verb === "verify") {
    const record = await verify(source, { ...task.options, signal });
    return {
      code: record.pass ? exitCodes.done : exitCodes.no,
      record,
      text: async (style) => (await import("../../report/verify.ts")).verifyText(record, style),
      cells: async () => (await rows()).verifyCells(record),
    };
  }
  const record = await diff(task.against, source, { ...task.options, signal });
  return {
    code: record.equal ? exitCodes.done : exitCodes.no,
    record: { file: source, ...record },
    text: async (style) => (await rows()).under(source, (await import("../../report/diff.ts")).diffText(record, style), style),
    cells: async () => (await rows()).diffCells(source, record),
  };
}

function failureOf(error: unknown): Failure {
  if (!isCheckpointError(error)) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { message, where: {}, ...(stack === undefined ? {} : { stack }) };
  }
  const { cause: _cause, ...where } = error.where;
  return { code: error.code, message: error.summary, where, ...(error.stack === undefined ? {} : { stack: error.stack }) };
}
