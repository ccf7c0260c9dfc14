import { parseAxes } from "../../tensor/axes.ts";
import type { Described } from "../described.ts";
import type { Identity } from "../identity.ts";
import { isStored, keysOf, type Slot } from "../scheme.ts";
import { byAffix } from "./affix.ts";
import { type DerivedMove, derivedMove, type Home } from "./derived-move.ts";
import type { Alignment, AlignSide, Ambiguity, Fits, Found, NumericInfo, RolePair, TensorPair } from "./pairs.ts";
import { byStructure } from "./structure.ts";

/*
 * The one alignment of two checkpoints, for `diff`, `verify A B` and `--like`: roles; then equal names; then names that are equal but for a
 * prefix or a suffix; then the order inside one parent. It works where neither side is a VGG, and what could be several things stays open,
 * with all candidates.
 */

/** What takes part. */
export interface AlignOptions {
  /** Whether a tensor of A takes part; all where absent. Roles of tensors that do not are left out too. */
  readonly takesA?: (key: string) => boolean;
  readonly takesB?: (key: string) => boolean;
}

/** Says which tensors of two checkpoints mean the same. Reads no values. */
export function align(a: AlignSide, b: AlignSide, { takesA = () => true, takesB = () => true }: AlignOptions = {}): Alignment {
  const usedA = new Set<string>();
  const usedB = new Set<string>();
  const roles = rolePairs(a, b).filter(({ a: slotA, b: slotB }) => keysIn(slotA).every(takesA) && keysIn(slotB).every(takesB));
  for (const pair of roles) {
    for (const key of keysIn(pair.a)) usedA.add(key);
    for (const key of keysIn(pair.b)) usedB.add(key);
  }
  const open = (side: AlignSide, used: ReadonlySet<string>, takes: (key: string) => boolean): readonly Described[] =>
    [...side.tensors.values()].filter(({ name }) => !used.has(name) && takes(name));
  const [openA, openB] = [open(a, usedA, takesA), open(b, usedB, takesB)];
  const found = alignTensors(openA.filter(isNumbers), openB.filter(isNumbers), a, b);
  for (const pair of found.tensors) {
    usedA.add(pair.a.name);
    usedB.add(pair.b.name);
  }
  return {
    roles,
    ...found,
    onlyA: openA.flatMap(({ name }) => (usedA.has(name) ? [] : [name])),
    onlyB: openB.flatMap(({ name }) => (usedB.has(name) ? [] : [name])),
  };
}

/** The alignment of tensors without roles. Each is paired once at most. */
export function alignTensors(
  a: readonly NumericInfo[],
  b: readonly NumericInfo[],
  homeA: Home,
  homeB: Home,
): Pick<Alignment, "tensors" | "ambiguous"> {
  const fits = (from: NumericInfo, to: NumericInfo): DerivedMove | undefined => derivedMove(from, homeA, to, homeB);
  const pairs: TensorPair[] = [];
  const ambiguous: Ambiguity[] = [];
  const used = new Set<NumericInfo>();
  for (const step of [byName, byAffix, byStructure]) {
    const found = step(
      a.filter((tensor) => !used.has(tensor)),
      b.filter((tensor) => !used.has(tensor)),
      fits,
    );
    pairs.push(...found.tensors);
    ambiguous.push(...found.ambiguous);
    // What is ambiguous by name is not decided by less.
    const doubtful = new Set(found.ambiguous.flatMap((each) => each.a.map((key) => `a ${key}`).concat(each.b.map((key) => `b ${key}`))));
    for (const pair of found.tensors) used.add(pair.a).add(pair.b);
    for (const tensor of a) if (doubtful.has(`a ${tensor.name}`)) used.add(tensor);
    for (const tensor of b) if (doubtful.has(`b ${tensor.name}`)) used.add(tensor);
  }
  return { tensors: decideSquares(pairs), ambiguous };
}

function byName(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): Found {
  const names = new Map(b.map((tensor) => [tensor.name, tensor]));
  const tensors: TensorPair[] = [];
  for (const tensor of a) {
    const other = names.get(tensor.name);
    if (other !== undefined) tensors.push({ by: "name", a: tensor, b: other, move: fits(tensor, other) });
  }
  return { tensors, ambiguous: [] };
}

/**
 * Plain arrays do not say which way round a square matrix is kept; the matrices beside it that are no squares do, where they all agree.
 */
function decideSquares(pairs: readonly TensorPair[]): readonly TensorPair[] {
  const decided = new Set(pairs.flatMap(({ a, move }) => (move !== undefined && isMatrix(a) ? [move.kind] : [])));
  const [kind, ...more] = decided;
  if (kind === undefined || more.length > 0 || kind === "reshape") return pairs;
  return pairs.map((pair) => {
    const isSquare = pair.move === undefined && pair.a.shape.length === 2 && pair.a.shape[0] === pair.a.shape[1];
    if (!isSquare || pair.a.shape.join() !== pair.b.shape.join()) return pair;
    return { ...pair, move: { kind, from: parseAxes("a0 a1"), to: parseAxes(kind === "copy" ? "a0 a1" : "a1 a0") } };
  });
}

function isMatrix({ shape }: NumericInfo): boolean {
  return shape.length === 2 && shape.every((size) => size > 1);
}

/**
 * Places of the same roles. Where both are named alike, a key that both have means one thing: a role that says otherwise counted layers that
 * are not there, and the name is believed.
 */
function rolePairs(a: AlignSide, b: AlignSide): readonly RolePair[] {
  if (a.identity === undefined || b.identity === undefined) return [];
  const alike = namesAlike(a.identity, b.identity);
  const contradicts = (slot: Slot, other: Slot, side: AlignSide): boolean =>
    alike && "key" in slot && !("key" in other && other.key === slot.key) && side.tensors.has(slot.key);
  const pairs: RolePair[] = [];
  for (const [role, slot] of a.identity.roles) {
    const other = b.identity.roles.get(role);
    if (other === undefined || ("constant" in slot && "constant" in other)) continue;
    if (contradicts(slot, other, b) || contradicts(other, slot, a)) continue;
    pairs.push({ by: "role", role, a: slot, b: other });
  }
  return pairs;
}

/** Whether a key of one is a key of the other by the same counting: one convention, one configuration, batch norm in both or in none. */
function namesAlike(a: Identity, b: Identity): boolean {
  return a.scheme === b.scheme && a.network.config === b.network.config && a.network.batchNorm === b.network.batchNorm;
}

/** Keys that a slot takes from a file: none for a constant. */
function keysIn(slot: Slot): readonly string[] {
  return isStored(slot) ? keysOf(slot) : [];
}

function isNumbers(tensor: Described): tensor is NumericInfo {
  return tensor.dtype !== "string";
}
