/** Counts the golden cases whose listing (names, dtypes, shapes, sha256) is exactly the expected one. See --help. */
import { parseArgs } from "node:util";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

const { values } = parseArgs({
  options: {
    root: { type: "string", default: golden ?? "" },
    arch: { type: "string", multiple: true },
    case: { type: "string", multiple: true },
    format: { type: "string" },
    quiet: { type: "boolean" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log("npx tsx test/collections/golden.ts [--root FOLDER] [--arch NAME]… [--case PREFIX]… [--format ID] [--quiet]");
  process.exit(0);
}
if (values.root === "") throw new Error("../shared/golden is not there");

const byFormat = new Map<string, [right: number, tried: number]>();
let right = 0;
let tried = 0;
for (const item of expectedCases(values.root)) {
  if (values.arch && !values.arch.includes(item.arch)) continue;
  if (values.case && !values.case.some((prefix) => item.name.startsWith(prefix))) continue;
  const ctx = createContext({ values: true });
  let format = "?";
  const problems: string[] = [];
  try {
    const checkpoint = await open(item.path, ctx);
    format = checkpoint.format;
    const names = [...checkpoint.tensors.keys()];
    for (const name of item.tensors.keys()) if (!checkpoint.tensors.has(name)) problems.push(`missing ${JSON.stringify(name)}`);
    for (const name of names) if (!item.tensors.has(name)) problems.push(`not expected ${JSON.stringify(name)}`);
    for (const [name, expected] of item.tensors) {
      const tensor = checkpoint.tensors.get(name);
      if (tensor === undefined) continue;
      if (tensor.dtype !== expected.dtype) problems.push(`${name}: dtype ${tensor.dtype}, expected ${expected.dtype}`);
      if (JSON.stringify(tensor.shape) !== JSON.stringify(expected.shape))
        problems.push(`${name}: shape ${tensor.shape}, expected ${expected.shape}`);
      else if ((await hash(tensor, ctx)) !== expected.sha256) problems.push(`${name}: sha256 differs`);
    }
    await checkpoint.close();
  } catch (error) {
    problems.push(
      error instanceof Error
        ? `${error.name}: ${error.message} ${JSON.stringify((error as { where?: unknown }).where ?? error.stack)}`
        : String(error),
    );
  }
  await ctx.dispose();
  if (values.format && format !== values.format) continue;
  tried += 1;
  const count = byFormat.get(format) ?? [0, 0];
  byFormat.set(format, [count[0] + (problems.length === 0 ? 1 : 0), count[1] + 1]);
  if (problems.length === 0) right += 1;
  else if (!values.quiet) {
    console.log(`${item.arch}/${item.name} (${format})`);
    for (const line of problems.slice(0, 5)) console.log(`    ${line}`);
    if (problems.length > 5) console.log(`    … ${problems.length} in all`);
  }
}
for (const [format, [ok, all]] of [...byFormat].sort()) console.log(`${format.padEnd(14)} ${ok} / ${all}`);
console.log(`cases right / cases tried: ${right} / ${tried}`);
