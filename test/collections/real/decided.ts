import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Context } from "../../../src/io/context.ts";
import type { Checkpoint, Inert } from "../../../src/tensor/checkpoint.ts";
import { loadFloat64 } from "../../../src/tensor/load.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";
import { isRecord } from "../../support/golden.ts";
import { plainName } from "./answers.ts";
import type { Differences } from "./compare.ts";

/*
 * decided.json: the files that differ from their answer because docs/decisions.md says so, or because the answer holds less than
 * the file. Each names every array concerned; all else of the file is compared as ever, and what is listed has to differ in just
 * this way.
 */

export interface Decided {
  readonly reason: string;
  /** Names, as in the answer, of what is no tensor of ours. */
  readonly notListed: readonly string[];
  /** What we list and the answer does not: values by an independent reader. */
  readonly alsoListed: readonly { readonly name: string; readonly shape: readonly number[]; readonly sha256: string }[];
  /** Names of arrays that the answer holds in a wider type. */
  readonly widened: readonly string[];
  /** The error that takes the place of an answer. */
  readonly refused: { readonly code: string; readonly says: string } | undefined;
}

export function readDecided(): ReadonlyMap<string, Decided> {
  const table: unknown = JSON.parse(readFileSync(new URL("decided.json", import.meta.url), "utf8"));
  if (!isRecord(table) || !isRecord(table.reasons) || !Array.isArray(table.files))
    throw new Error("decided.json: reasons and files expected");
  const found = new Map<string, Decided>();
  for (const row of table.files) {
    if (!isRecord(row) || typeof row.file !== "string" || typeof row.reason !== "string" || !isRecord(table.reasons[row.reason])) {
      throw new Error(`decided.json: no file with a reason: ${JSON.stringify(row)}`);
    }
    const { refused } = row;
    found.set(row.file, {
      reason: row.reason,
      notListed: texts(row.notListed),
      widened: texts(row.widened),
      alsoListed: (Array.isArray(row.alsoListed) ? row.alsoListed : []).map((tensor: unknown) => {
        if (!isRecord(tensor) || !Array.isArray(tensor.shape))
          throw new Error(`decided.json: ${row.file}: no array: ${JSON.stringify(tensor)}`);
        return { name: String(tensor.name), shape: tensor.shape.map(Number), sha256: String(tensor.sha256) };
      }),
      refused: isRecord(refused) ? { code: String(refused.code), says: String(refused.says) } : undefined,
    });
  }
  return found;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What a refused file lacks of the error that was decided; nothing where it is just that. */
export function judgeRefusal(decided: Decided, code: string, message: string): readonly string[] {
  const { refused } = decided;
  return refused?.code === code && message.includes(refused.says) ? [] : [`${code}: ${message}`];
}

/** The differences that are not the decided ones, and the decided ones that are not there. */
export async function judge(decided: Decided, found: Differences, checkpoint: Checkpoint, ctx: Context): Promise<Differences> {
  const wrong = [...found.wrong];
  if (decided.refused !== undefined) wrong.push("is read, and listed as refused");
  const rest = new Set([...decided.notListed, ...decided.widened]);
  const extra = new Set(found.extra);
  const missing = [];
  for (const want of found.missing) {
    if (!rest.delete(want.name)) missing.push(want);
    else if (decided.widened.includes(want.name)) {
      const tensor = checkpoint.tensors.get(plainName(want.name));
      const digest = tensor === undefined ? "" : await widenedHash(tensor, ctx);
      if (!want.hashes.includes(digest) || tensor?.shape.join() !== want.shape.join()) wrong.push(`${want.name}: other values, widened`);
      for (const row of extra) if (row.name === tensor?.name) extra.delete(row);
    } else if (!isTold(decided.reason, want.name, checkpoint)) wrong.push(`${want.name}: neither listed nor told`);
  }
  for (const name of rest) wrong.push(`${name}: is in the table, and does not differ`);
  for (const row of decided.alsoListed) {
    const tensor = [...extra].find(({ name }) => name === row.name);
    if (tensor === undefined) wrong.push(`${row.name}: is in the table, and does not differ`);
    else if (tensor.digest !== row.sha256 || tensor.shape.join() !== row.shape.join())
      wrong.push(`${row.name}: other values or another shape`);
    if (tensor !== undefined) extra.delete(tensor);
  }
  return { missing, wrong, extra: [...extra] };
}

/** Whether the checkpoint says that something of this name is in the file, though it is no tensor. */
function isTold(reason: string, name: string, { notes, metadata }: Checkpoint): boolean {
  if (reason === "left by the last pass") {
    // Many paths of a graph lead to one module, and ours is another than the answer's: only the field is the same.
    const field = name.slice(name.lastIndexOf("."));
    const left: Inert | undefined = metadata.get(reason);
    return Array.isArray(left) && left.some((path) => typeof path === "string" && path.endsWith(field));
  }
  const objects = notes.filter(({ code }) => code === "unknown-object").map(({ tensor = "" }) => tensor);
  // SciPy gives objects of new classes (MCOS) the name None.
  if (name.startsWith("None(1).arr")) return objects.length > 0;
  const path = plainName(name);
  return objects.some((object) => path === object || path.startsWith(`${object}.`) || path.startsWith(`${object}{`));
}

/** Of the values as float32, which holds every bfloat16 and float16. */
async function widenedHash(tensor: Tensor, ctx: Context): Promise<string> {
  if (tensor.dtype !== "bfloat16" && tensor.dtype !== "float16") return "";
  const numbers = Float32Array.from(await loadFloat64(tensor, ctx));
  return createHash("sha256").update(new Uint8Array(numbers.buffer)).digest("hex").slice(0, 32);
}
