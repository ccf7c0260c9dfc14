import { keyOf, type Tokens } from "../../layers/tokens.ts";
import type { Entry } from "../entries.ts";
import { runsOf } from "../runs.ts";

export type FcName = "fc6" | "fc7" | "fc8";
export const fcNames: readonly FcName[] = ["fc6", "fc7", "fc8"];

/** Layers under names that say which of fc6, fc7 and fc8 each is. */
export interface NamedHead {
  readonly prefix: Tokens;
  readonly slots: ReadonlyMap<FcName, Entry>;
  /** The names are those of a VGG's fully connected layers; else only their numbers are. */
  readonly literal: boolean;
}

/** Numbers behind the word fc. */
const fcNumbers: ReadonlyMap<number, FcName> = new Map([
  [6, "fc6"],
  [7, "fc7"],
  [8, "fc8"],
  [1, "fc6"],
  [2, "fc7"],
  [3, "fc8"],
]);
/** Names of the layer that gives the classes, where fc1 and fc2 come before it: Keras, Gluon, timm, tf-slim. */
const lastNames: readonly string[] = ["predictions", "prediction", "output", "out", "logits", "head fc"];

/**
 * Numbers of three dense layers in one run: with ReLU and dropout between them (torchvision, before and since 2017), with ReLU alone, with
 * batch norm, and those that count dense layers only.
 */
const patterns: readonly (readonly [number, number, number])[] = [
  [0, 3, 6],
  [1, 4, 6],
  [0, 2, 4],
  [0, 4, 8],
  [1, 4, 7],
  [0, 1, 2],
  [1, 2, 3],
  [6, 7, 8],
];

/** fc6 … fc8, fc1 … fc3, fc1 fc2 predictions: by where they are. */
export function literalHeads(candidates: readonly Entry[]): readonly NamedHead[] {
  const heads = new Map<string, { prefix: Tokens; slots: Map<FcName, Entry> }>();
  const lasts: (readonly [Tokens, Entry])[] = [];
  const put = (prefix: Tokens, family: string, name: FcName, entry: Entry): void => {
    const key = `${keyOf(prefix)} | ${family}`;
    const head = heads.get(key) ?? { prefix, slots: new Map<FcName, Entry>() };
    heads.set(key, head);
    if (head.slots.get(name)?.layer === undefined) head.slots.set(name, entry);
  };
  for (const entry of candidates) {
    for (const tokens of entry.names.map(placeOf)) {
      const [word, number] = tokens.slice(-2);
      const name = word === "fc" && typeof number === "number" ? fcNumbers.get(number) : undefined;
      if (name !== undefined && typeof number === "number") put(tokens.slice(0, -2), number < 6 ? "fc1" : "fc6", name, entry);
      const last = lastNames.find((each) => keyOf(tokens) === each || keyOf(tokens).endsWith(` ${each}`));
      if (last !== undefined) lasts.push([tokens.slice(0, tokens.length - last.split(" ").length), entry]);
    }
  }
  for (const [prefix, entry] of lasts) {
    for (const head of heads.values()) {
      const near = isPrefix(prefix, head.prefix) || isPrefix(head.prefix, prefix);
      if (near && !head.slots.has("fc8")) head.slots.set("fc8", entry);
    }
  }
  return [...heads.values()].filter((head) => isFamily(head, candidates)).map((head) => ({ ...head, literal: true }));
}

/** Whether the numbers are names: fc.0, fc.3, fc.6 are places in a sequence, and one fc2 alone is anybody's. */
function isFamily({ prefix, slots }: Omit<NamedHead, "literal">, candidates: readonly Entry[]): boolean {
  const numbers = candidates.flatMap(({ names }) =>
    names
      .map(placeOf)
      .flatMap((tokens) =>
        tokens.length === prefix.length + 2 && tokens.at(-2) === "fc" && isPrefix(prefix, tokens) ? [Number(tokens.at(-1))] : [],
      ),
  );
  const named = numbers.every((number) => number >= 6 && number <= 8) || numbers.every((number) => number >= 1 && number <= 3);
  return named && (slots.size > 1 || slots.has("fc6") || numbers.some((number) => number >= 6));
}

function isPrefix(a: Tokens, b: Tokens): boolean {
  return a.length <= b.length && a.every((token, i) => token === b[i]);
}

/** The head of a known host, by its row. */
export function hostHead(candidates: readonly Entry[], names: Readonly<Record<string, FcName>>): NamedHead | undefined {
  const slots = new Map<FcName, Entry>();
  for (const entry of candidates) {
    for (const tokens of entry.names) {
      const key = keyOf(tokens);
      for (const [ending, name] of Object.entries(names)) if (key === ending || key.endsWith(` ${ending}`)) slots.set(name, entry);
    }
  }
  return slots.size === 0 ? undefined : { prefix: [], slots, literal: true };
}

/** Runs whose numbers are those of three dense layers, or of two of them; `counted`: numbers count layers of one class, as conv2d_3 does. */
export function numberedHeads(candidates: readonly Entry[], counted = false): readonly NamedHead[] {
  return runsOf(candidates).flatMap(({ prefix, suffix, items }): readonly NamedHead[] => {
    if (suffix.length > 0 || prefix.length === 0 || items.length > 3) return [];
    const numbers = items.map(({ number }) => number);
    const known = counted ? patterns.filter(([first, second]) => second === first + 1) : patterns;
    const fits = known.filter((pattern) => numbers.every((number) => pattern.includes(number)));
    return fits.map((pattern) => {
      const slots = new Map(items.map(({ number, entry }): [FcName, Entry] => [fcNames[pattern.indexOf(number)] ?? "fc8", entry]));
      return { prefix, slots, literal: false };
    });
  });
}

/** Words of the one layer of a module that is named for its place: output.fc1.fc. */
const plainWords = new Set(["fc", "linear", "dense"]);

function placeOf(tokens: Tokens): Tokens {
  const [number, word] = tokens.slice(-2);
  return typeof number === "number" && typeof word === "string" && plainWords.has(word) ? tokens.slice(0, -1) : tokens;
}

/** Whether the tokens of a name say that it gives the classes. */
export function isLastName(tokens: Tokens): boolean {
  const key = keyOf(tokens);
  return lastNames.some((each) => key === each || key.endsWith(` ${each}`));
}
