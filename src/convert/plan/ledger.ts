import type { Described } from "../../model/described.ts";
import type { Role } from "../../model/role.ts";
import { keysOf } from "../../model/scheme.ts";
import type { Loss } from "../../tensor/move/cast.ts";
import { CarriedMove } from "./carried-move.ts";
import type { LayerLine, Move, Plan } from "./plan-types.ts";

/** What became of one source tensor. */
export interface SourceLine {
  readonly key: string;
  readonly role?: Role;
  readonly use: "used" | "unused" | "used twice";
  /** Target keys. */
  readonly to: readonly string[];
  /** A sentence, where it is unused. */
  readonly reason?: string;
}

/** How one target tensor came about. */
export interface TargetLine {
  readonly key: string;
  readonly role?: Role;
  readonly move: Move["move"];
  readonly from: readonly string[];
  readonly loss?: Loss;
}

/** Every source tensor and every target slot, once. */
export interface Ledger {
  readonly sources: readonly SourceLine[];
  readonly targets: readonly TargetLine[];
  readonly missing: Plan["missing"];
  /** Layers that travel under their own names: what each is, and what became of its axes. */
  readonly layers: readonly LayerLine[];
  /** What rounding cost, by target key: those of `targets`, and in no JSON. */
  readonly losses: ReadonlyMap<string, Loss>;
  readonly totals: {
    readonly used: number;
    readonly unused: number;
    readonly usedTwice: number;
    readonly filled: number;
    readonly missing: number;
  };
}

/** The lines are made as they are asked for: of a hundred thousand tensors they take as much as all the rest. */
export function makeLedger(
  plan: Plan,
  tensors: ReadonlyMap<string, Described>,
  losses: ReadonlyMap<string, Loss>,
  layers: readonly LayerLine[],
): Ledger {
  const ledger = {
    get sources() {
      return sourceLines(plan, tensors);
    },
    get targets() {
      return plan.moves.map((move) => targetLine(move, losses.get(move.to)));
    },
    missing: plan.missing,
    layers,
    totals: totalsOf(plan, tensors),
    losses,
  };
  // The lines have them already.
  return Object.defineProperty(ledger, "losses", { enumerable: false });
}

function totalsOf(plan: Plan, tensors: ReadonlyMap<string, Described>): Ledger["totals"] {
  const uses = new Map<string, number>();
  for (const move of plan.moves) {
    if (!(move instanceof CarriedMove)) for (const key of sourceKeys(move)) uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  let carried = 0;
  for (const move of plan.moves) {
    if (!(move instanceof CarriedMove)) continue;
    const known = uses.get(move.to);
    if (known === undefined) carried += 1;
    else uses.set(move.to, known + 1);
  }
  let [once, twice] = [0, 0];
  for (const [key, times] of uses) {
    if (!tensors.has(key)) continue;
    if (times === 1) once += 1;
    else twice += 1;
  }
  const used = carried + once;
  return { used, unused: tensors.size - used - twice, usedTwice: twice, filled: plan.moves.length, missing: plan.missing.length };
}

function sourceKeys(move: Move): ReadonlySet<string> {
  return new Set(move.fills.flatMap(({ from }) => from.flatMap(keysOf)));
}

function sourceLines(plan: Plan, tensors: ReadonlyMap<string, Described>): readonly SourceLine[] {
  const uses = new Map<string, { to: string[]; role?: Role }>();
  const carried = new Set<string>();
  for (const move of plan.moves) {
    if (move instanceof CarriedMove) {
      carried.add(move.to);
      continue;
    }
    const operands = move.fills.flatMap(({ from }) => from);
    for (const key of sourceKeys(move)) {
      const role = operands.find((operand) => operand.key === key)?.role;
      const known = uses.get(key);
      if (known === undefined) uses.set(key, { to: [move.to], ...(role === undefined ? {} : { role }) });
      else known.to.push(move.to);
    }
  }
  const reasons = new Map(plan.unused.map((left) => [left.key, left]));
  return Array.from(tensors.keys(), (key): SourceLine => {
    const use = uses.get(key);
    if (carried.has(key)) return use === undefined ? { key, use: "used", to: [key] } : { key, use: "used twice", to: [...use.to, key] };
    if (use !== undefined)
      return { key, ...(use.role === undefined ? {} : { role: use.role }), use: use.to.length > 1 ? "used twice" : "used", to: use.to };
    const left = reasons.get(key);
    return {
      key,
      ...(left?.role === undefined ? {} : { role: left.role }),
      use: "unused",
      to: [],
      reason: left?.reason ?? "part of a tensor that was left out",
    };
  });
}

function targetLine(move: Move, loss: Loss | undefined): TargetLine {
  const role = move.fills[0]?.role;
  return {
    key: move.to,
    ...(role === undefined ? {} : { role }),
    move: move.move,
    from: [...sourceKeys(move)],
    ...(loss === undefined ? {} : { loss }),
  };
}
