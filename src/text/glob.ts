import { CheckpointError } from "../errors.ts";
import { shortened } from "./brief.ts";

/*
 * The one meaning of a pattern, wherever one is given: `*` any characters (slashes and dots too: tensor names are no paths), `?` one,
 * `[abc]` and `[!abc]` one of a set, `{a,b}` one of several (braces without a comma are themselves, as in MATLAB's `layers{3}`), `\` takes
 * the next character as it is. A pattern takes a name, and all that is below it: `fc8` is also `fc8.weight` and `fc8/biases`.
 *
 * Patterns are a person's and names a file's, so no pair of them may take long: all ways through the pattern are followed at once, character
 * by character (Thompson's simulation), which takes the length of the name times that of the pattern at most. No regular expression is made.
 */

/** Characters of a pattern. */
const longest = 1000;

/** A test for names. Throws `usage` for what is no pattern. */
export function glob(pattern: string): (name: string) => boolean {
  return tester(parse(pattern));
}

/** What each `*` of a pattern means in a name, in order, as little as possible; undefined where the whole name is not the pattern. */
export function globStars(pattern: string): (name: string) => readonly string[] | undefined {
  const steps = parse(pattern);
  return (name) => starsOf(steps, name);
}

/** A tensor under all the names a person may know it by. */
export interface Named {
  readonly key: string;
  readonly names: readonly string[];
}

/** The keys that any of the patterns takes. Throws `usage` for a pattern that takes none. */
export function matchAll(option: string, patterns: readonly string[], tensors: readonly Named[]): ReadonlySet<string> {
  const matched = new Set<string>();
  for (const pattern of patterns) {
    const takes = glob(pattern);
    const hits = tensors.filter(({ names }) => names.some(takes));
    if (hits.length === 0) {
      const known = tensors.slice(0, 3).map(({ key }) => shortened(key));
      throw new CheckpointError("usage", `${option} '${shortened(pattern)}' matches no tensor`, {
        hint: `names look like ${known.join(", ") || "nothing: there are none"}; 'vggtool inspect FILE' lists them`,
      });
    }
    for (const { key } of hits) matched.add(key);
  }
  return matched;
}

/** One step of a pattern; the next one follows unless it says others. */
type Step =
  /** Takes one character. */
  | { readonly kind: "one"; readonly takes: (code: number) => boolean }
  /** Takes any number of characters, from where it `begin`s. */
  | { readonly kind: "begin" | "star"; readonly star: number }
  /** Goes on at each of these. */
  | { readonly kind: "ways"; readonly to: readonly number[] };

function parse(pattern: string): readonly Step[] {
  const chars = Array.from(pattern);
  if (chars.length > longest) throw bad(pattern, `it has ${chars.length} characters, and ${longest} are the most`);
  const steps: Step[] = [];
  const open: Alternatives[] = [];
  const literal = (char: string): void => {
    const wanted = char.codePointAt(0);
    steps.push({ kind: "one", takes: (code) => code === wanted });
  };
  let stars = 0;
  for (let k = 0; k < chars.length; k += 1) {
    const char = chars[k] ?? "";
    const group = open.at(-1);
    if (char === "*") {
      steps.push({ kind: "begin", star: stars }, { kind: "star", star: stars });
      stars += 1;
    } else if (char === "?") steps.push({ kind: "one", takes: () => true });
    else if (char === "\\" && k + 1 < chars.length) {
      k += 1;
      literal(chars[k] ?? "");
    } else if (char === "[" && chars.indexOf("]", k + 2) > 0) {
      const end = chars.indexOf("]", k + 2);
      steps.push({ kind: "one", takes: set(pattern, chars.slice(k + 1, end)) });
      k = end;
    } else if (char === "{" && chars.slice(k, chars.indexOf("}", k) + 1).includes(",")) {
      const first = { kind: "ways", to: [steps.length + 1] } satisfies Step;
      steps.push(first);
      open.push({ starts: first.to, ends: [] });
    } else if (group !== undefined && (char === "," || char === "}")) {
      const end: number[] = [];
      steps.push({ kind: "ways", to: end });
      group.ends.push(end);
      if (char === ",") group.starts.push(steps.length);
      else {
        for (const to of group.ends) to.push(steps.length);
        open.pop();
      }
    } else literal(char);
  }
  if (open.length > 0) throw bad(pattern, "a brace is not closed; \\{ is a brace itself");
  return steps;
}

/** `{a,b}` while it is read: where each way starts, and where each goes on behind the brace. */
interface Alternatives {
  readonly starts: number[];
  readonly ends: number[][];
}

/** A test for `[abc]`, `[a-c]`, `[!abc]`. */
function set(pattern: string, chars: readonly string[]): (code: number) => boolean {
  const negated = chars.length > 1 && chars[0] === "!";
  const ranges: (readonly [from: number, to: number])[] = [];
  const codes = chars.slice(negated ? 1 : 0).map((char) => char.codePointAt(0) ?? 0);
  for (let k = 0; k < codes.length; k += 1) {
    const from = codes[k] ?? 0;
    const to = codes[k + 1] === hyphen ? codes[k + 2] : undefined;
    if (to !== undefined) k += 2;
    if (to !== undefined && to < from) throw bad(pattern, "a range in brackets goes upwards, as in [1-3]");
    ranges.push([from, to ?? from]);
  }
  return (code) => ranges.some(([from, to]) => code >= from && code <= to) !== negated;
}

const hyphen = "-".codePointAt(0);

function bad(pattern: string, hint: string): CheckpointError {
  return new CheckpointError("usage", `'${shortened(pattern)}' is no pattern`, { hint });
}

/** Dot and slash: what is behind them is below a name. */
const isBelow = (code: number): boolean => code === 0x2e || code === 0x2f;

/** The steps that all ways wait at, and where each character leads from there: found when it is met first. */
interface State {
  readonly steps: readonly number[];
  readonly taken: boolean;
  readonly next: Map<number, State>;
}

/** States that are kept; beyond them they are found anew, which takes longer and no more memory. */
const mostStates = 1000;
const lastAscii = 0x7f;

/** A test for names and what is below them, without a record of the stars: a listing asks it of a hundred thousand names. */
function tester(steps: readonly Step[]): (name: string) => boolean {
  const known = new Map<string, State>();
  const stateOf = (from: Iterable<number>): State => {
    const waiting = waitingAt(steps, from);
    const key = waiting.join();
    const found = known.get(key) ?? { steps: waiting, taken: waiting.includes(steps.length), next: new Map() };
    if (known.size >= mostStates) known.clear();
    known.set(key, found);
    return found;
  };
  const follow = (state: State, code: number): State => {
    const met = state.next.get(code);
    if (met !== undefined) return met;
    const found = stateOf(state.steps.flatMap((step) => after(steps[step], step, code)));
    if (code <= lastAscii) state.next.set(code, found);
    return found;
  };
  return (name) => {
    let state = stateOf([0]);
    for (let at = 0; at < name.length; at++) {
      const code = name.codePointAt(at) ?? 0;
      if (code > 0xffff) at += 1;
      if (state.taken && isBelow(code)) return true;
      state = follow(state, code);
      if (state.steps.length === 0) return false;
    }
    return state.taken;
  };
}

/** Where a step goes on behind a character. */
function after(step: Step | undefined, at: number, code: number): readonly number[] {
  if (step?.kind === "star") return [at];
  return step?.kind === "one" && step.takes(code) ? [at + 1] : [];
}

/** Steps that wait for a character, and the end, that can be reached without one; in the order of the pattern. */
function waitingAt(steps: readonly Step[], from: Iterable<number>): readonly number[] {
  const seen = new Set<number>();
  const pending = [...from];
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    if (seen.has(step)) continue;
    seen.add(step);
    const found = steps[step];
    if (found?.kind === "ways") pending.push(...found.to);
    else if (found?.kind === "begin" || found?.kind === "star") pending.push(step + 1);
  }
  return [...seen]
    .filter((step) => step === steps.length || steps[step]?.kind === "one" || steps[step]?.kind === "star")
    .sort((x, y) => x - y);
}

/** Where a star began or ended, the last first. */
interface Mark {
  readonly star: number;
  readonly at: number;
  readonly before: Mark | undefined;
}

/** A step that waits for a character, and the stars on the way to it. */
interface Way {
  readonly step: number;
  readonly mark: Mark | undefined;
}

/**
 * What the stars mean where the whole name is taken; undefined where it is not. Ways are in the order in which they are preferred, each
 * star as short as possible, and no step waits twice for one character.
 */
function starsOf(steps: readonly Step[], name: string): readonly string[] | undefined {
  const seen = new Int32Array(steps.length + 1).fill(-1);
  let at = 0;
  let ways: Way[] = [];
  const add = (to: Way[], step: number, mark: Mark | undefined): void => {
    if (seen[step] === at) return;
    seen[step] = at;
    const found = steps[step];
    if (found?.kind === "ways") for (const other of found.to) add(to, other, mark);
    else if (found?.kind === "begin") add(to, step + 1, { star: found.star, at, before: mark });
    else {
      if (found?.kind === "star") add(to, step + 1, { star: found.star, at, before: mark });
      to.push({ step, mark });
    }
  };
  add(ways, 0, undefined);
  for (const char of name) {
    const code = char.codePointAt(0) ?? 0;
    const next: Way[] = [];
    at += char.length;
    for (const { step, mark } of ways) {
      const found = steps[step];
      if (found?.kind === "star") add(next, step, mark);
      else if (found?.kind === "one" && found.takes(code)) add(next, step + 1, mark);
    }
    ways = next;
  }
  const taken = ways.find(({ step }) => step === steps.length);
  return taken === undefined ? undefined : texts(taken.mark, name, steps.filter(({ kind }) => kind === "begin").length);
}

function texts(last: Mark | undefined, name: string, count: number): readonly string[] {
  // A star that no way led through means nothing.
  const stars = Array.from({ length: count }, () => "");
  const ends = new Map<number, number>();
  for (let mark = last; mark !== undefined; mark = mark.before) {
    const end = ends.get(mark.star);
    if (end === undefined) ends.set(mark.star, mark.at);
    else stars[mark.star] = name.slice(mark.at, end);
  }
  return stars;
}
