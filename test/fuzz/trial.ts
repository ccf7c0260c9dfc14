import { type ErrorCode, isCheckpointError } from "../../src/errors.ts";
import { inspectCheckpoint } from "../../src/inspect/inspect.ts";
import type { Context } from "../../src/io/context.ts";
import { insideFolder } from "../../src/io/paths.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { FileSet } from "../../src/io/source/source.ts";
import { openSet } from "../../src/open.ts";
import { inspectText } from "../../src/report/inspect.ts";
import { toJson } from "../../src/report/json.ts";
import { plain } from "../../src/report/style.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { hash } from "../../src/tensor/hash.ts";
import type { Files, Subject } from "./subjects.ts";

/** What opening came to: every tensor's dtype, shape and hash by its name, or the code of the error. */
export type Outcome = { readonly tensors: ReadonlyMap<string, string> } | { readonly code: ErrorCode };

/** Values are read of tensors up to this size: a damaged shape over a stride of zero may promise any number of elements. */
const mostBytes = 1 << 22;
/** Longer messages would fill a terminal with what a damaged file says its names are. */
const longestMessage = 2000;

/**
 * Opens a subject as a person would, reads every value, looks for findings, and prints both kinds of report. Where the content is
 * taken for something else, the reader that is meant is asked too. With `statistics` the findings that need them are looked for. Anything that is thrown and no CheckpointError comes through.
 */
export async function trial(subject: Subject, files: Files, statistics: boolean): Promise<Outcome> {
  const found = await attempt(subject, files, statistics, undefined);
  const other = "code" in found ? found.code === "unsupported" : found.format !== subject.format;
  if (!other) return found;
  const meant = await attempt(subject, files, statistics, subject.format);
  return "code" in found ? meant : found;
}

async function attempt(
  subject: Subject,
  files: Files,
  statistics: boolean,
  from: string | undefined,
): Promise<{ readonly tensors: ReadonlyMap<string, string>; readonly format: string } | { readonly code: ErrorCode }> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await openSet(memorySet(files), subject.entry, ctx, from === undefined ? {} : { from });
    try {
      return { tensors: await valuesOf(checkpoint, ctx, statistics), format: checkpoint.format };
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    if (error.message.length > longestMessage) throw new Error(`a message of ${error.message.length} characters`, { cause: error });
    return { code: error.code };
  } finally {
    await ctx.dispose();
  }
}

function memorySet(files: Files): FileSet {
  return {
    name: "memory",
    open: async (name) => {
      const found = files.get(insideFolder(name, "memory"));
      return found === undefined ? undefined : memorySource(found, name);
    },
    list: async () => [...files.keys()].sort(),
  };
}

async function valuesOf(checkpoint: Checkpoint, ctx: Context, statistics: boolean): Promise<ReadonlyMap<string, string>> {
  const tensors = new Map<string, string>();
  let small = true;
  for (const tensor of checkpoint.tensors.values()) {
    // Shapes are whole and not negative, whatever the file says.
    if (!tensor.shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw new Error(`shape [${tensor.shape.join(", ")}]`);
    const elements = tensor.shape.reduce((product, size) => product * size, 1);
    const readable = elements * 16 <= mostBytes;
    small &&= readable;
    tensors.set(tensor.name, `${tensor.dtype} [${tensor.shape.join()}] ${readable ? await hash(tensor, ctx) : "large"}`);
  }
  const record = await inspectCheckpoint("file", checkpoint, ctx, { layers: true, stats: small && statistics });
  JSON.parse(toJson(record));
  const text = await inspectText(record, { width: 100, paint: plain }, {});
  const control = /[^\P{Cc}\n]|\p{Cf}|\p{Cs}/u.exec(text);
  if (control !== null) throw new Error(`the report holds the control character ${JSON.stringify(control[0])}`);
  return tensors;
}

/** The first tensor that changed in silence, though a checksum covers it; `checked` as for a subject. */
export function silentChange(whole: Outcome, found: Outcome, checked: Subject["checked"] = false): string | undefined {
  if (checked === false || "code" in whole || "code" in found) return undefined;
  if (checked === "structure") {
    const names = [...new Set([...whole.tensors.keys(), ...found.tensors.keys()])];
    return names.find((name) => whole.tensors.get(name) !== found.tensors.get(name));
  }
  for (const [name, value] of found.tensors) {
    const before = whole.tensors.get(name);
    const meta = (text: string): string => text.slice(0, text.lastIndexOf(" "));
    if (before !== undefined && before !== value && meta(before) === meta(value)) return name;
  }
  return undefined;
}

export function sameOutcome(whole: Outcome, found: Outcome): boolean {
  if ("code" in whole || "code" in found) return false;
  return whole.tensors.size === found.tensors.size && [...whole.tensors].every(([name, value]) => found.tensors.get(name) === value);
}
