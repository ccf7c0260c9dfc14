import { Random } from "../support/random.ts";

/** What is done to one file: cut to a length, or bytes replaced. */
export type Mutation =
  | { readonly kind: "prefix"; readonly length: number }
  | { readonly kind: "byte"; readonly at: number; readonly value: number }
  | { readonly kind: "random"; readonly changes: readonly { readonly at: number; readonly value: number }[] };

export type Kind = Mutation["kind"];

export interface PlanOptions {
  /** Every byte of the dense part gets all 255 other values, instead of up to four. */
  readonly allValues: boolean;
  /** Random changes behind the dense part (anywhere, where the file is no longer). */
  readonly random: number;
  readonly seed: number;
}

/** Bytes at the front of which every single one is changed. */
export const dense = 4096;

/** All mutations of one file, numbered: number n is always the same change, so that (file, seed, n) says everything. */
export interface MutationPlan {
  readonly total: number;
  readonly counts: Readonly<Record<Kind, number>>;
  mutation(n: number): Mutation;
  /** The n-th to try: a walk through all of them in large steps, so that a run that is cut short has seen some of everything. */
  order(n: number): number;
}

export function mutationPlan(bytes: Uint8Array, options: PlanOptions): MutationPlan {
  const front = Math.min(dense, bytes.length);
  const each = options.allValues ? 255 : 4;
  const counts = { prefix: bytes.length, byte: front * each, random: bytes.length === 0 ? 0 : options.random };
  const total = counts.prefix + counts.byte + counts.random;
  const step = coprime(Math.floor(total * 0.618), total);
  return {
    total,
    counts,
    mutation(n) {
      if (n < counts.prefix) return { kind: "prefix", length: n };
      const k = n - counts.prefix;
      if (k < counts.byte) {
        const at = Math.floor(k / each);
        return { kind: "byte", at, value: newValue(bytes[at] ?? 0, k % each, options.allValues) };
      }
      return randomChanges(bytes, options.seed, n);
    },
    order: (n) => (n * step) % total,
  };
}

/** One bit at the low end, one at the high end, all bits, and zero (or 0x7f where it is zero already). */
function newValue(old: number, which: number, all: boolean): number {
  if (all) return (old + which + 1) % 256;
  const values = [old ^ 1, old ^ 0x80, old ^ 0xff, old === 0 ? 0x7f : 0];
  return values[which] ?? 0;
}

/** Mostly one byte; sometimes a few, or a field of 4 or 8 bytes with an extreme number. */
function randomChanges(bytes: Uint8Array, seed: number, n: number): Mutation {
  const random = new Random(seed * 1_000_003 + n);
  const low = bytes.length > dense ? dense : 0;
  const position = (): number => random.integer(low, bytes.length - 1);
  const sort = random.next();
  if (sort < 0.6) return { kind: "random", changes: [{ at: position(), value: random.integer(0, 255) }] };
  if (sort < 0.8) {
    return {
      kind: "random",
      changes: Array.from({ length: random.integer(2, 6) }, () => ({ at: position(), value: random.integer(0, 255) })),
    };
  }
  const width = random.pick([2, 4, 8]);
  const start = position();
  const field = random.pick([[0xff], [0], [0, 0, 0, 0x80], [0xff, 0xff, 0xff, 0x7f], [0, 0, 0, 0, 1]]);
  const changes = Array.from({ length: width }, (_, k) => ({ at: start + k, value: field[k % field.length] ?? 0 }));
  return { kind: "random", changes: changes.filter(({ at }) => at < bytes.length) };
}

export function mutated(bytes: Uint8Array, mutation: Mutation): Uint8Array {
  if (mutation.kind === "prefix") return bytes.slice(0, mutation.length);
  const copy = bytes.slice();
  for (const { at, value } of mutation.kind === "byte" ? [mutation] : mutation.changes) copy[at] = value;
  return copy;
}

export function describe(mutation: Mutation): string {
  if (mutation.kind === "prefix") return `cut to ${mutation.length} bytes`;
  const changes = mutation.kind === "byte" ? [mutation] : mutation.changes;
  return changes.map(({ at, value }) => `byte ${at} = 0x${value.toString(16).padStart(2, "0")}`).join(", ");
}

function coprime(start: number, total: number): number {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  for (let step = Math.max(1, start); ; step += 1) if (gcd(step, Math.max(1, total)) === 1) return step;
}
