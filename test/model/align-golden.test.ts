import { expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { align } from "../../src/model/align/align.ts";
import type { NumericInfo } from "../../src/model/align/pairs.ts";
import { kindOf } from "../../src/model/kinds.ts";
import { open } from "../../src/open.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

/*
 * The weights of every golden checkpoint against themselves under other names and in the reverse order, by its names alone: no role is known. What is paired is
 * paired rightly, and nearly all is: what is left has no name but its part ("bias"), or is one of several that nothing tells apart.
 */

const renames: readonly (readonly [what: string, rename: (key: string) => string])[] = [
  ["a prefix that frameworks put", (key) => `module.${key}`],
  ["a prefix of a person's own", (key) => `trunk/net_${key}`],
  ["a suffix", (key) => `${key}/.value`],
];

test.skipIf(golden === undefined)(
  "all goldens under other names",
  async () => {
    const wrong: string[] = [];
    let [tensors, right] = [0, 0];
    for (const { path } of expectedCases(golden ?? "")) {
      const ctx = createContext({ values: true });
      const checkpoint = await open(path, ctx);
      const own = [...checkpoint.tensors.values()].filter(isNumeric).filter((tensor) => ["parameter", "buffer"].includes(kindOf(tensor)));
      for (const [what, rename] of renames) {
        const others = own.toReversed().map(({ name, dtype, shape }): NumericInfo => ({ name: rename(name), dtype, shape }));
        const other = { ...checkpoint, tensors: new Map(others.map((tensor) => [tensor.name, tensor])) };
        for (const { a, b } of align({ ...checkpoint, tensors: new Map(own.map((tensor) => [tensor.name, tensor])) }, other).tensors) {
          if (rename(a.name) === b.name) right += 1;
          else wrong.push(`${what}: ${path}: ${a.name} → ${b.name}`);
        }
        tensors += own.length;
      }
      await checkpoint.close();
      await ctx.dispose();
    }
    expect(wrong).toEqual([]);
    expect(tensors).toBeGreaterThan(30_000);
    expect(right / tensors).toBeGreaterThan(0.99);
  },
  60_000,
);
