/**
 * Opens every real file and compares its tensors with the answers of the reference readers, by hash and shape. Prints what is
 * wrong and a table by folder: right / tried (files with an answer), and what the others ended with.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isCheckpointError } from "../src/errors.ts";
import { createContext } from "../src/io/run.ts";
import { open } from "../src/open.ts";
import { hash } from "../src/tensor/hash.ts";
import { isRecord } from "../test/support/golden.ts";
import { real } from "../test/support/paths.ts";

const { values } = parseArgs({
  options: { dir: { type: "string", multiple: true }, file: { type: "string" }, quiet: { type: "boolean" }, slow: { type: "string" } },
});
if (real === undefined) throw new Error("../shared/real is not there");

interface Wanted {
  readonly name: string;
  readonly shape: string;
  readonly hashes: readonly string[];
}
const answers = new Map<string, readonly Wanted[]>();
/** file and name of tensors that an answer lists without a hash: strings. */
const unhashed = new Set<string>();
for (const file of readdirSync(join(real, "answers")).sort()) {
  const rows: unknown = JSON.parse(readFileSync(join(real, "answers", file), "utf8"));
  for (const row of Array.isArray(rows) ? rows : []) {
    if (!isRecord(row) || typeof row.file !== "string" || answers.has(row.file) || row.error !== undefined) continue;
    const list = row.tensors ?? row.initializers ?? row.weights ?? row.items;
    const wanted: Wanted[] = [];
    for (const tensor of Array.isArray(list) ? list : []) {
      if (!isRecord(tensor)) continue;
      const any = Array.isArray(tensor.sha256_any) ? tensor.sha256_any.map(String) : [];
      const hashes = typeof tensor.sha256_c_le === "string" ? [tensor.sha256_c_le, ...any] : any;
      if (hashes.length === 0) unhashed.add(`${row.file} ${String(tensor.name ?? "")}`);
      if (hashes.length > 0) wanted.push({ name: String(tensor.name ?? ""), shape: JSON.stringify(tensor.shape), hashes });
    }
    answers.set(row.file, wanted);
  }
}

const index: unknown = JSON.parse(readFileSync(join(real, "index.json"), "utf8"));
const table = new Map<string, { right: number; tried: number; opened: number; refused: number; broken: number }>();
const started = performance.now();
for (const row of Array.isArray(index) ? index : []) {
  if (!isRecord(row) || typeof row.file !== "string") continue;
  const folder = row.file.split("/")[0] ?? "";
  if (values.dir && !values.dir.includes(folder)) continue;
  if (values.file && !row.file.includes(values.file)) continue;
  const count = table.get(folder) ?? { right: 0, tried: 0, opened: 0, refused: 0, broken: 0 };
  table.set(folder, count);
  const wanted = answers.get(row.file);
  const ctx = createContext({ values: true });
  const begun = performance.now();
  const problems: string[] = [];
  try {
    const checkpoint = await open(join(real, row.file), ctx);
    const got = new Map<string, string[]>(); // hash → "name shape dtype"
    for (const tensor of checkpoint.tensors.values()) {
      const digest = (await hash(tensor, ctx)).slice(0, 32);
      if (unhashed.has(`${row.file} ${tensor.name}`)) continue;
      got.set(digest, [...(got.get(digest) ?? []), `${tensor.name} ${JSON.stringify(tensor.shape)} ${tensor.dtype}`]);
    }
    await checkpoint.close();
    if (wanted === undefined) count.opened += 1;
    else {
      const known = new Set(wanted.flatMap((tensor) => tensor.hashes));
      for (const tensor of wanted) {
        const found = tensor.hashes.flatMap((digest) => got.get(digest) ?? []);
        if (found.length === 0) problems.push(`not found: ${tensor.name} ${tensor.shape} ${tensor.hashes[0]}`);
        else if (!found.some((text) => text.includes(tensor.shape.replaceAll(" ", ""))))
          problems.push(`shape of ${tensor.name}: ${found[0]}, expected ${tensor.shape}`);
      }
      if (wanted.length > 0)
        for (const [digest, texts] of got) if (!known.has(digest)) problems.push(`not in the answer: ${texts.join("; ")}`);
    }
  } catch (error) {
    if (!isCheckpointError(error)) {
      count.broken += 1;
      problems.push(`BUG ${error instanceof Error ? error.stack?.split("\n").slice(0, 3).join(" ") : String(error)}`);
    } else if (wanted !== undefined && wanted.length > 0) problems.push(`${error.code}: ${error.message}`);
    else {
      count.refused += 1;
      if (!values.quiet)
        console.log(`${row.file}: refused, ${error.code}: ${error.message}${row.note ? `   [note: ${String(row.note)}]` : ""}`);
    }
  }
  await ctx.dispose();
  const seconds = (performance.now() - begun) / 1000;
  if (seconds > Number(values.slow ?? 2)) console.log(`${row.file}: ${seconds.toFixed(1)} s`);
  if (wanted !== undefined) {
    count.tried += 1;
    if (problems.length === 0) count.right += 1;
  }
  if (problems.length > 0 && !values.quiet) {
    console.log(row.file);
    for (const line of problems.slice(0, 4)) console.log(`    ${line.slice(0, 300)}`);
    if (problems.length > 4) console.log(`    … ${problems.length} in all`);
  }
}
console.log("folder             right/tried  opened  refused  broken");
for (const [folder, c] of [...table].sort()) {
  console.log(
    `${folder.padEnd(18)} ${`${c.right}/${c.tried}`.padStart(11)}  ${String(c.opened).padStart(6)}  ${String(c.refused).padStart(7)}  ${String(c.broken).padStart(6)}`,
  );
}
const sum = [...table.values()].reduce((a, c) => ({ right: a.right + c.right, tried: a.tried + c.tried, broken: a.broken + c.broken }), {
  right: 0,
  tried: 0,
  broken: 0,
});
console.log(
  `answers right / tried: ${sum.right} / ${sum.tried}; broken: ${sum.broken}; ${((performance.now() - started) / 1000).toFixed(0)} s`,
);
