import { keysOf } from "../../model/scheme.ts";
import type { Move, Plan } from "./plan-types.ts";

/** The plan with moves by hand put in: a source tensor that is moved by hand is not moved otherwise, and what it fills is not filled twice. */
export function withHandMoves(plan: Plan, byHand: readonly Move[]): Plan {
  if (byHand.length === 0) return plan;
  const taken = new Set(byHand.flatMap(operandKeys));
  const filled = new Set(byHand.map(({ to }) => to));
  const others = plan.moves.filter((move) => !filled.has(move.to) && !operandKeys(move).some((key) => taken.has(key)));
  const kept = new Set(others);
  const dropped = plan.moves
    .filter((move) => !kept.has(move))
    .flatMap(operandKeys)
    .filter((key) => !taken.has(key));
  return {
    ...plan,
    moves: [...others, ...byHand],
    unused: [
      ...plan.unused.filter(({ key }) => !taken.has(key)),
      ...dropped.map((key) => ({ key, reason: "--map fills its place from elsewhere" })),
    ],
    missing: plan.missing.filter(({ key }) => !filled.has(key)),
  };
}

/** Keys of the source that a move takes. */
export function operandKeys(move: Move): readonly string[] {
  return move.fills.flatMap(({ from }) => from.flatMap(keysOf));
}
