import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Expected, parseExpected } from "../../support/canonical.ts";

/** A golden case that holds a network. */
export interface PairCase {
  readonly name: string;
  readonly folder: string;
  /** What a person would open. */
  readonly path: string;
  readonly expected: Expected;
  /** float32, the folder's own weights, nothing recomputed or packed: what comes out of it has the bits of the others. */
  readonly plain: boolean;
}

export function pairCases(root: string, wanted: readonly string[] | undefined): readonly PairCase[] {
  return readdirSync(root).flatMap((name): PairCase[] => {
    const folder = join(root, name);
    if (!existsSync(join(folder, "expected.json")) || wanted?.includes(name) === false) return [];
    const expected = parseExpected(readFileSync(join(folder, "expected.json"), "utf8"));
    if (!expected.roles.has("conv1_1.weight")) return [];
    const own = expected.weights === undefined || expected.weights === "canonical";
    const pairs = [...expected.roles.values()];
    const float32 = pairs.every(([key = ""]) => expected.tensors.get(key)?.dtype === "float32");
    const plain = own && float32 && expected.derived.size === 0 && pairs.every(([, pattern = ""]) => !/[*|]/.test(pattern));
    return [{ name, folder, path: join(folder, expected.open), expected, plain }];
  });
}
