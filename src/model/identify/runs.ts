import { keyOf, type Tokens } from "../layers/tokens.ts";
import type { Entry } from "./entries.ts";

/** Layers whose names differ in one number alone: features.0, features.2 … */
export interface Run {
  /** The words and numbers before the running number. */
  readonly prefix: Tokens;
  readonly suffix: Tokens;
  /** By number, ascending. */
  readonly items: readonly RunItem[];
}

export interface RunItem {
  readonly number: number;
  readonly entry: Entry;
}

interface OpenRun {
  readonly prefix: Tokens;
  readonly suffix: Tokens;
  readonly items: Map<number, Entry>;
}

/** Groups layers by every number in their names. A name without the number (Keras' conv2d before conv2d_1) is number 0. */
export function runsOf(entries: readonly Entry[]): readonly Run[] {
  const runs = new Map<string, OpenRun>();
  for (const entry of entries) {
    for (const tokens of entry.names) {
      tokens.forEach((token, at) => {
        if (typeof token !== "number") return;
        const [prefix, suffix] = [tokens.slice(0, at), tokens.slice(at + 1)];
        const key = keyOf([...prefix, "#", ...suffix]);
        const run = runs.get(key) ?? { prefix, suffix, items: new Map<number, Entry>() };
        if (run.items.size === 0) runs.set(key, run);
        if (!run.items.has(token)) run.items.set(token, entry);
      });
    }
  }
  addFirst(runs, entries);
  return [...runs.values(), ...dividedRuns(entries)].map(({ prefix, suffix, items }) => ({
    prefix,
    suffix,
    items: [...items].map(([number, entry]) => ({ number, entry })).toSorted((a, b) => a.number - b.number),
  }));
}

/** Modules that only divide a run into parts, in which its number goes on: LPIPS and CRAFT keep features.N as slice1.N, slice2.N … */
const dividers = new Set(["slice"]);

function dividedRuns(entries: readonly Entry[]): readonly OpenRun[] {
  const parts = new Map<string, { prefix: Tokens; items: { part: number; number: number; entry: Entry }[] }>();
  for (const entry of entries) {
    for (const tokens of entry.names) {
      const [divider, part, number] = tokens.slice(-3);
      if (typeof divider !== "string" || !dividers.has(divider) || typeof part !== "number" || typeof number !== "number") continue;
      const prefix = tokens.slice(0, -3);
      const run = parts.get(keyOf(prefix)) ?? { prefix, items: [] };
      if (run.items.length === 0) parts.set(keyOf(prefix), run);
      run.items.push({ part, number, entry });
    }
  }
  return [...parts.values()].map(({ prefix, items }) => {
    const ordered = new Map<number, Entry>();
    let last = -1;
    for (const { number, entry } of items.toSorted((a, b) => a.part - b.part || a.number - b.number)) {
      // A part that begins anew is another module.
      if (number < last) break;
      if (!ordered.has(number)) ordered.set(number, entry);
      last = number;
    }
    return { prefix, suffix: [], items: ordered };
  });
}

function addFirst(runs: ReadonlyMap<string, OpenRun>, entries: readonly Entry[]): void {
  const unnumbered = new Map<string, OpenRun>();
  for (const run of runs.values()) {
    if (run.prefix.length === 0 || run.items.has(0)) continue;
    unnumbered.set(keyOf([...run.prefix, ...run.suffix]), run);
  }
  for (const entry of entries) {
    for (const tokens of entry.names) {
      const run = unnumbered.get(keyOf(tokens));
      if (run !== undefined && !run.items.has(0)) run.items.set(0, entry);
    }
  }
}
