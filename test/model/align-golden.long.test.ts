import { expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { align } from "../../src/model/align/align.ts";
import { grouped } from "../../src/model/align/grouped.ts";
import type { NumericInfo } from "../../src/model/align/pairs.ts";
import { identify } from "../../src/model/identify.ts";
import { kindOf } from "../../src/model/kinds.ts";
import { layerOf } from "../../src/model/role.ts";
import { isStored, keysOf } from "../../src/model/scheme.ts";
import { open } from "../../src/open.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";

/*
 * The weights of every golden checkpoint against themselves under other names and in the reverse order, by its names alone: no role is known. What is paired is
 * paired rightly, and nearly all is: what is left has no name but its part ("bias"), or is one of several that nothing distinguishes.
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

test.skipIf(golden === undefined)(
  "a layer that one side lacks is all that one side lacks, whichever it is",
  async () => {
    const wrong: string[] = [];
    let tried = 0;
    for (const { arch, path } of expectedCases(golden ?? "")) {
      if (arch !== "vgg16bn-64x96") continue;
      const ctx = createContext({ values: true });
      const checkpoint = await open(path, ctx);
      const identity = identify(checkpoint);
      const keysOfLayers = grouped(
        [...(identity?.roles ?? [])].filter(([, slot]) => isStored(slot)),
        ([role]) => layerOf(role),
      );
      for (const [layer, slots] of keysOfLayers) {
        const dropped = new Set(slots.flatMap(([, slot]) => (isStored(slot) ? keysOf(slot) : [])));
        const rest = { ...checkpoint, tensors: new Map([...checkpoint.tensors].filter(([key]) => !dropped.has(key))) };
        const { roles, tensors, onlyA, onlyB } = align({ ...checkpoint, identity }, { ...rest, identity: identify(rest) });
        const moved = roles.filter(({ a, b }) => isStored(a) && isStored(b) && a.key !== b.key);
        const renamed = tensors.filter(({ a, b }) => a.name !== b.name);
        const text = (key: string): boolean => checkpoint.tensors.get(key)?.dtype === "string";
        const missing = onlyA.filter((key) => !text(key));
        const isRight = missing.length === dropped.size && missing.every((key) => dropped.has(key)) && onlyB.every(text);
        if (moved.length + renamed.length > 0 || !isRight) wrong.push(`${path} without ${layer}: ${missing.join()}`);
        tried += 1;
      }
      await checkpoint.close();
      await ctx.dispose();
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(400);
  },
  60_000,
);
