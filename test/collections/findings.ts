/**
 * Runs the findings that need no values over every golden case and every real file. Prints each of severity error or warning, and how
 * many there are of each code: complete networks give none of severity error. --layers also makes the layer table of each.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isCheckpointError } from "../../src/errors.ts";
import { inspectCheckpoint } from "../../src/inspect/inspect.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { expectedCases } from "../support/golden.ts";
import { golden, real } from "../support/paths.ts";

const { values } = parseArgs({ options: { layers: { type: "boolean" }, quiet: { type: "boolean" }, root: { type: "string" } } });
const root = values.root ?? golden;
const cases = root === undefined ? [] : expectedCases(root).map((item) => ({ name: `${item.arch}/${item.name}`, path: item.path }));
const folder = real ?? "";
const files =
  real === undefined
    ? []
    : readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name !== "answers" && entry.name !== "not-real")
        .flatMap(({ name }) =>
          readdirSync(join(folder, name)).map((file) => ({ name: `real/${name}/${file}`, path: join(folder, name, file) })),
        );

const counts = new Map<string, number>();
const count = (key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};
for (const { name, path } of [...cases, ...files]) {
  const ctx = createContext();
  try {
    const checkpoint = await open(path, ctx);
    const record = await inspectCheckpoint(name, checkpoint, ctx, { layers: values.layers === true });
    await checkpoint.close();
    const { architecture, findings } = record;
    count(architecture === null ? "no network" : architecture.complete ? "complete network" : "incomplete network");
    for (const { code, severity } of findings) count(`${severity} ${code}`);
    const loud = findings.filter(({ severity }) => severity !== "info");
    if (values.quiet !== true)
      for (const { code, severity, message } of loud) console.log(`${name}: ${severity} ${code}: ${message.slice(0, 200)}`);
    if (architecture?.complete === true && findings.some(({ severity }) => severity === "error"))
      console.log(`${name}: COMPLETE, WITH AN ERROR`);
    const unknown = record.layers?.filter((row) => row.outputShape === undefined && row.type !== "other").length ?? 0;
    if (unknown > 0) console.log(`${name}: ${unknown} of ${record.layers?.length} layers without an output shape`);
    const total = record.layerTotals?.parameters;
    if (total !== undefined && total !== record.totals.parameters)
      console.log(`${name}: ${total} parameters in the layer table, ${record.totals.parameters} in the list`);
  } catch (error) {
    count(isCheckpointError(error) ? `not read: ${error.code}` : `CRASH`);
    if (!isCheckpointError(error)) console.log(`${name}: ${String(error)}`);
  } finally {
    await ctx.dispose();
  }
}
for (const [key, number] of [...counts].sort()) console.log(String(number).padStart(5), key);
