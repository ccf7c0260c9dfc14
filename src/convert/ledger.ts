import type { Described } from "../model/described.ts";
import type { Role } from "../model/scheme.ts";
import type { Loss } from "../tensor/cast.ts";
import type { Move, Plan } from "./plan-types.ts";
import { keysOf } from "./roles.ts";

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
  readonly totals: {
    readonly used: number;
    readonly unused: number;
    readonly usedTwice: number;
    readonly filled: number;
    readonly missing: number;
  };
}

export function makeLedger(plan: Plan, tensors: ReadonlyMap<string, Described>, losses: ReadonlyMap<string, Loss>): Ledger {
  const uses = new Map<string, { to: string[]; role?: Role }>();
  for (const move of plan.moves) {
    for (const key of new Set(move.fills.flatMap(({ from }) => from.flatMap(keysOf)))) {
      const role = move.fills.flatMap(({ from }) => from).find((operand) => operand.key === key)?.role;
      const known = uses.get(key);
      if (known === undefined) uses.set(key, { to: [move.to], ...(role === undefined ? {} : { role }) });
      else known.to.push(move.to);
    }
  }
  const reasons = new Map(plan.unused.map((left) => [left.key, left]));
  const sources = [...tensors.keys()].map((key): SourceLine => {
    const use = uses.get(key);
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
  const targets = plan.moves.map((move): TargetLine => {
    const loss = losses.get(move.to);
    const role = move.fills[0]?.role;
    return {
      key: move.to,
      ...(role === undefined ? {} : { role }),
      move: move.move,
      from: [...new Set(move.fills.flatMap(({ from }) => from.flatMap(keysOf)))],
      ...(loss === undefined ? {} : { loss }),
    };
  });
  const count = (use: SourceLine["use"]): number => sources.filter((line) => line.use === use).length;
  return {
    sources,
    targets,
    missing: plan.missing,
    totals: {
      used: count("used"),
      unused: count("unused"),
      usedTwice: count("used twice"),
      filled: targets.length,
      missing: plan.missing.length,
    },
  };
}
