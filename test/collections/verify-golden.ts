/** Runs the golden cases that hold a whole network and compares their logits with the recorded ones. See --help. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createContext } from "../../src/io/run.ts";
import { type EngineId, engineIds } from "../../src/verify/engines/engines.ts";
import { verifyCheckpoint } from "../../src/verify/verify.ts";
import { expectedCases, isRecord } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

const { values } = parseArgs({
  options: {
    root: { type: "string", default: golden ?? "" },
    arch: { type: "string", multiple: true },
    case: { type: "string", multiple: true },
    engine: { type: "string" },
    every: { type: "string", default: "1" },
    pairs: { type: "boolean" },
    quiet: { type: "boolean" },
    help: { type: "boolean" },
  },
});
if (values.help) {
  console.log(`npx tsx test/collections/verify-golden.ts [--root FOLDER] [--arch NAME]… [--case PREFIX]… [--engine ID] [--every N] [--pairs] [--quiet]
  --every  runs one of N cases, those of all architectures in turn
  --pairs  compares every case with the safetensors of its architecture, layer by layer, instead of with logits.npy`);
  process.exit(0);
}
if (values.root === "") throw new Error("../shared/golden is not there");
const engine: EngineId | undefined = engineIds.find((id) => id === (values.engine ?? "wasm"));
if (engine === undefined) throw new Error(`--engine is one of ${engineIds.join(", ")}`);

/** Of the canonical weights, which the safetensors of an architecture do not say: PyTorch's. */
const CANONICAL_EPSILON = 1e-5;

/** Of the largest value: what every engine has to keep, pairs of files apart. */
const CLOSE = values.pairs ? Number.POSITIVE_INFINITY : 1e-5;

let [right, tried, worst, met] = [0, 0, 0, 0];
for (const item of expectedCases(values.root)) {
  if (values.arch && !values.arch.includes(item.arch)) continue;
  if (values.case && !values.case.some((prefix) => item.name.startsWith(prefix))) continue;
  const root = join(values.root, item.arch);
  const input = join(root, "input.npy");
  // PaddleClas's dropout scales at inference, and its files are run so: such a case has its own logits as written.
  const scales = item.json.scheme === "paddle-clas" || item.json.scheme === "paddle-models";
  const own = ["logits.npy", ...(scales ? ["logits_as_written.npy"] : [])].map((name) => join(item.folder, name)).find(existsSync);
  // `weights` absent or canonical: the folder's weights, whose logits are beside them.
  const isCanonical = item.json.weights === undefined || item.json.weights === "canonical";
  const expect = own ?? join(root, "logits.npy");
  const other = join(root, "safetensors", "model.safetensors");
  const roles = isRecord(item.json.roles) ? Object.keys(item.json.roles) : [];
  const isWhole = roles.includes("conv1_1.weight") && roles.some((role) => role.startsWith("fc8."));
  if (!existsSync(input) || !isWhole || (own === undefined && !isCanonical)) continue;
  if (values.pairs && (!isCanonical || !existsSync(other))) continue;
  const epsilon = item.json.bn_epsilon;
  // Only for files that do not say their own.
  const known = typeof epsilon === "number" ? { bnEpsilon: epsilon, ...(values.pairs ? { otherBnEpsilon: CANONICAL_EPSILON } : {}) } : {};
  met += 1;
  if ((met - 1) % Number(values.every) !== 0) continue;
  tried += 1;
  const ctx = createContext({ values: true });
  try {
    const record = await verifyCheckpoint(item.path, { engine, input, ...known, ...(values.pairs ? { other } : { expect }) }, ctx);
    const rel = Math.max(...record.layers.map((layer) => layer.maxRel ?? 0));
    const ok = record.pass && record.layers.at(-1)?.maxRel !== null && rel <= CLOSE;
    if (ok) right += 1;
    if (ok) worst = Math.max(worst, rel);
    if (!ok || !values.quiet) {
      console.log(
        `${ok ? "ok " : "BAD"} ${item.arch}/${item.name}  ${rel.toExponential(1)}${ok ? "" : `  ${record.firstDivergence}: ${record.diagnosis.join("; ")}`}`,
      );
    }
  } catch (error) {
    console.log(`ERR ${item.arch}/${item.name}  ${error instanceof Error ? error.message : String(error)}`);
  }
  await ctx.dispose();
}
console.log(`cases right / cases tried: ${right} / ${tried}; largest deviation ${worst.toExponential(1)} of the largest value (${engine})`);
