import { CheckpointError } from "../../errors.ts";
import type { Described } from "../described.ts";
import type { Identity } from "../identity.ts";
import { kindOf } from "../kinds.ts";
import { isStored, keysOf, type Slot } from "../scheme.ts";
import { byAffix } from "./affix.ts";
import { type HandPair, namedTensor } from "./by-hand.ts";
import { type DerivedMove, derivedMove, type Home } from "./derived-move.ts";
import type { Alignment, AlignSide, Ambiguity, Fits, FoundPairs, NumericInfo, RolePair, TensorPair } from "./pairs.ts";
import { byStructure } from "./structure.ts";

/*
 * The one alignment of two checkpoints, for `diff`, `verify A B` and `--like`: roles; then equal names; then names that are equal but for a
 * prefix or a suffix; then the order inside one parent. It works where neither side is a VGG, and what could be several things stays open,
 * with all candidates.
 */

/**
 * Says which tensors of two checkpoints mean the same. Reads no values. `byHand`: pairs that a person gives, which take part in nothing else;
 * throws `usage` where B has no such tensor.
 */
export function align(a: AlignSide, b: AlignSide, byHand: readonly HandPair[] = []): Alignment {
  const hands = byHand.map((pair) => handPair(pair, b));
  const usedA = new Set(hands.map((pair) => pair.a.name));
  const usedB = new Set(hands.map((pair) => pair.b.name));
  const isFree = ({ a: slotA, b: slotB }: RolePair): boolean =>
    !keysIn(slotA).some((key) => usedA.has(key)) && !keysIn(slotB).some((key) => usedB.has(key));
  const roles = rolePairs(a, b).filter(isFree);
  for (const pair of roles) {
    for (const key of keysIn(pair.a)) usedA.add(key);
    for (const key of keysIn(pair.b)) usedB.add(key);
  }
  const open = (side: AlignSide, used: ReadonlySet<string>): readonly Described[] =>
    [...side.tensors.values()].filter(({ name }) => !used.has(name));
  const [openA, openB] = [open(a, usedA), open(b, usedB)];
  const found = alignTensors(openA.filter(isNumbers), openB.filter(isNumbers), a, b);
  for (const pair of found.tensors) {
    usedA.add(pair.a.name);
    usedB.add(pair.b.name);
  }
  return {
    roles,
    tensors: [...hands, ...found.tensors],
    ambiguous: found.ambiguous.length > 0 ? found.ambiguous : doubtfulBodies(a, b, usedA, usedB),
    onlyA: openA.flatMap(({ name }) => (usedA.has(name) ? [] : [name])),
    onlyB: openB.flatMap(({ name }) => (usedB.has(name) ? [] : [name])),
  };
}

function handPair({ from, to, fromAxes, toAxes, sizes }: HandPair, b: AlignSide): TensorPair {
  const other = namedTensor(to, b.tensors, "B");
  if (!isNumbers(other)) throw new CheckpointError("unsupported", "--map: text cannot be compared", { tensor: to });
  const straight = fromAxes.names.join() === toAxes.names.join();
  const kind = !straight ? "transpose" : from.shape.join() === other.shape.join() ? "copy" : "reshape";
  return { by: "hand", a: from, b: other, move: { kind, from: fromAxes, to: toAxes }, sizes };
}

/** What a training keeps beside the network. */
function isState(tensor: NumericInfo): boolean {
  return ["optimizer", "average", "bookkeeping"].includes(kindOf(tensor));
}

/** The alignment of tensors without roles. Each is paired once at most. */
export function alignTensors(
  a: readonly NumericInfo[],
  b: readonly NumericInfo[],
  homeA: Home,
  homeB: Home,
): Pick<Alignment, "tensors" | "ambiguous"> {
  // An optimizer keeps tensors of the same shapes under similar names: they are never a layer's.
  const fits = (from: NumericInfo, to: NumericInfo): DerivedMove | undefined =>
    isState(from) === isState(to) ? derivedMove(from, homeA, to, homeB) : undefined;
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

function byName(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): FoundPairs {
  const names = new Map(b.map((tensor) => [tensor.name, tensor]));
  const tensors: TensorPair[] = [];
  for (const tensor of a) {
    const other = names.get(tensor.name);
    if (other !== undefined) tensors.push({ by: "name", a: tensor, b: other, move: fits(tensor, other) });
  }
  return { tensors, ambiguous: [] };
}

/**
 * Plain arrays do not say in which order a square matrix or a kernel of 3 × 3 × 3 × 3 is kept; the arrays of that rank whose sides differ do,
 * where they all agree.
 */
function decideSquares(pairs: readonly TensorPair[]): readonly TensorPair[] {
  const orders = new Map<number, Map<string, DerivedMove>>();
  for (const { a, b, move } of pairs) {
    if (move === undefined || move.kind === "reshape" || a.shape.length !== b.shape.length || a.shape.includes(1)) continue;
    const known = orders.get(a.shape.length) ?? new Map<string, DerivedMove>();
    orders.set(a.shape.length, known.set(`${move.from} to ${move.to}`, move));
  }
  return pairs.map((pair) => {
    const [move, ...others] = pair.move === undefined ? (orders.get(pair.a.shape.length)?.values() ?? []) : [];
    const fits = move !== undefined && others.length === 0 && reordered(pair.a.shape, move).join() === pair.b.shape.join();
    return fits ? { ...pair, move } : pair;
  });
}

/** The shape of an array after its axes were put in another order. */
function reordered(shape: readonly number[], { from, to }: DerivedMove): readonly number[] {
  return to.names.map((name) => shape[from.names.indexOf(name)] ?? 0);
}

/**
 * Places of the same roles. Where both are named alike, a key that both have means one thing: a role that says otherwise counted layers that
 * are not there, and the name is believed.
 */
function rolePairs(a: AlignSide, b: AlignSide): readonly RolePair[] {
  if (a.identity === undefined || b.identity === undefined || !isOneBody(a.identity, b.identity)) return [];
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

/**
 * Whether the first bodies mean one another. Of several in one file (a siamese network, image and text) the first may be any: then the same
 * prefix has to say it, or the names do.
 */
function isOneBody(a: Identity, b: Identity): boolean {
  return (a.bodies.length < 2 && b.bodies.length < 2) || a.prefix === b.prefix;
}

/** Where the bodies of one side could each be that of the other, and names did not say which: what is left of their weights. */
function doubtfulBodies(a: AlignSide, b: AlignSide, usedA: ReadonlySet<string>, usedB: ReadonlySet<string>): readonly Ambiguity[] {
  if (a.identity === undefined || b.identity === undefined || isOneBody(a.identity, b.identity)) return [];
  const left = ({ bodies }: Identity, used: ReadonlySet<string>): readonly string[] =>
    bodies.flatMap(({ roles }) => [...roles.values()].flatMap(keysIn)).filter((key) => !used.has(key));
  const [openA, openB] = [left(a.identity, usedA), left(b.identity, usedB)];
  return openA.length === 0 || openB.length === 0 ? [] : [{ a: openA, b: openB }];
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
