import { type ErrorWhere, isCheckpointError } from "../index.ts";
import { toJson } from "../report/json.ts";
import { visible, visibleWithin } from "../report/style.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { print, tell } from "./streams.ts";

/** Tells what went wrong and returns the exit code: a sentence for people, `vggtool/error/1` with --json. */
export function reportFailure(error: unknown, json: boolean, file?: string): ExitCode {
  if (!isCheckpointError(error)) return reportBug(error, json);
  // What was typed wrongly is no fault of the file.
  const adds = error.where.file === undefined && file !== undefined && error.code !== "usage";
  const where = { ...error.where, ...(adds ? { file } : {}) };
  if (json) print(`${toJson(errorRecord(error.code, error.summary, where))}\n`);
  else tell(`${sentence(error.summary, where)}\n`);
  if (process.env.VGGTOOL_DEBUG === "1") tell(`${stackOf(error)}\n`);
  return error.code === "interrupted" ? exitCodes.interrupted : exitCodes.failed;
}

/** Characters that are shown of a file's name, a message, a tensor's name and a hint, which may have names from files in them, of any length. */
const longest = { file: 160, message: 600, tensor: 120, hint: 2000 } as const;

function sentence(message: string, where: ErrorWhere): string {
  const places = [
    where.offset === undefined ? "" : `at byte ${where.offset}`,
    where.tensor === undefined ? "" : `tensor ${visibleWithin(where.tensor, longest.tensor)}`,
  ].filter((place) => place !== "");
  const file = where.file === undefined || where.file === "" ? "" : `${visibleWithin(where.file, longest.file)}: `;
  const head = `vggtool: ${file}${visibleWithin(message, longest.message)}${places.length > 0 ? ` (${places.join(", ")})` : ""}`;
  return where.hint === undefined ? head : `${head}\n  ${visibleWithin(where.hint, longest.hint)}`;
}

function errorRecord(code: string, message: string, where: ErrorWhere): unknown {
  const { file, offset, tensor, hint } = where;
  return { schema: "vggtool/error/1", error: { code, message, file, offset, tensor, hint } };
}

function stackOf({ stack = "" }: Error): string {
  return stack.split("\n").map(visible).join("\n");
}

/** Anything that is no CheckpointError is a bug of ours, and says so. */
function reportBug(error: unknown, json: boolean): ExitCode {
  const message = error instanceof Error ? error.message : String(error);
  if (json) print(`${toJson(errorRecord("internal", message, {}))}\n`);
  const stack = process.env.VGGTOOL_DEBUG === "1" && error instanceof Error ? `\n${stackOf(error)}` : "";
  tell(`vggtool: this is a bug in vggtool: ${visible(message)}\n  run again with VGGTOOL_DEBUG=1 and report what it prints${stack}\n`);
  return exitCodes.failed;
}
