/**
 * Opens every file of a folder that a `draw_*.py` filled, and compares names, dtypes, shapes and bytes with what the framework's library
 * read back (`expected.json`: file, tensor, [dtype, shape, SHA-256 of the values as `inspect --hash` has it]).
 *
 *     npx tsx test/interop/compare-drawn.ts FOLDER FORMAT
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";

type Described = readonly [dtype: string, shape: readonly number[], sha256: string];

const [folder = "", format = ""] = process.argv.slice(2);
const expected: Readonly<Record<string, Readonly<Record<string, Described>>>> = JSON.parse(
  readFileSync(join(folder, "expected.json"), "utf8"),
);
const problems: string[] = [];
let compared = 0;

/** What of one file differs from what is expected of it. */
async function compare(file: string, tensors: Readonly<Record<string, Described>>): Promise<void> {
  const ctx = createContext({ values: true });
  try {
    const checkpoint = await open(join(folder, file), ctx, { from: format });
    for (const name of checkpoint.tensors.keys()) if (tensors[name] === undefined) problems.push(`${file}: ${name} is not expected`);
    for (const [name, described] of Object.entries(tensors)) {
      const tensor = checkpoint.tensors.get(name);
      if (tensor === undefined) {
        problems.push(`${file}: ${name} (${described[0]}) is missing`);
        continue;
      }
      const found: Described = [tensor.dtype, tensor.shape, await hash(tensor, ctx)];
      compared += 1;
      if (JSON.stringify(found) !== JSON.stringify(described)) {
        problems.push(`${file}: ${name} is ${JSON.stringify(found)}, ${JSON.stringify(described)} is expected`);
      }
    }
    await checkpoint.close();
  } finally {
    await ctx.dispose();
  }
}

for (const [file, tensors] of Object.entries(expected)) {
  await compare(file, tensors).catch((error: unknown) => {
    problems.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  });
}
console.log(problems.length === 0 ? `${compared} tensors of ${Object.keys(expected).length} files are the same` : problems.join("\n"));
process.exitCode = problems.length === 0 && compared > 0 ? 0 : 1;
