import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "../../support/golden.ts";

/** An array that a reference reader saw. */
export interface Wanted {
  readonly name: string;
  readonly shape: readonly number[];
  /** The first 32 hexadecimal digits of SHA-256; one of several where two arrays of a file are stored alike. */
  readonly hashes: readonly string[];
}

/** A sparse array: the answers count and add its values in place of a hash. */
export interface WantedSparse {
  readonly name: string;
  readonly shape: readonly number[];
  readonly nonzeros: number;
  /** Of the real and of the imaginary parts. */
  readonly sum: readonly [number, number];
}

export interface Answer {
  readonly arrays: readonly Wanted[];
  readonly sparse: readonly WantedSparse[];
  /** Names of what is listed without values that could be compared: texts, structs, arrays without elements. */
  readonly others: ReadonlySet<string>;
}

/** By file, from every answers/FORMAT.json; a file of two lists has the answer of the first. */
export function readAnswers(folder: string): ReadonlyMap<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const file of readdirSync(folder).sort()) {
    const rows: unknown = JSON.parse(readFileSync(join(folder, file), "utf8"));
    for (const row of Array.isArray(rows) ? rows : []) {
      if (!isRecord(row) || typeof row.file !== "string" || answers.has(row.file) || row.error !== undefined) continue;
      answers.set(row.file, answerOf(row.tensors ?? row.initializers ?? row.weights ?? row.items));
    }
  }
  return answers;
}

function answerOf(list: unknown): Answer {
  const arrays: Wanted[] = [];
  const sparse: WantedSparse[] = [];
  const others = new Set<string>();
  for (const row of Array.isArray(list) ? list : []) {
    if (!isRecord(row)) continue;
    const name = String(row.name ?? "");
    const shape = Array.isArray(row.shape) ? row.shape.map(Number) : [];
    const any = Array.isArray(row.sha256_any) ? row.sha256_any.map(String) : [];
    const hashes = typeof row.sha256_c_le === "string" ? [row.sha256_c_le, ...any] : any;
    if (hashes.length > 0) arrays.push({ name, shape, hashes });
    else if (String(row.dtype).startsWith("sparse")) {
      const [real = 0, imaginary = 0] = Array.isArray(row.sum) ? row.sum.map(Number) : [Number(row.sum)];
      sparse.push({ name, shape, nonzeros: Number(row.nnz), sum: [real, imaginary] });
    } else others.add(name);
  }
  return { arrays, sparse, others };
}

/** The MATLAB answers write the index of every struct, we only those of struct arrays. */
export function plainName(name: string): string {
  return name.replaceAll("(1)", "");
}
