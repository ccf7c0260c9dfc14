import { CheckpointError } from "../../errors.ts";
import type { Described } from "../../model/described.ts";
import { isFc, isFcWeight, layerOf, type Role } from "../../model/role.ts";
import type { Move } from "../plan/plan-types.ts";
import type { RoleSource } from "../plan/role-moves.ts";

/** Throws `mismatch` where a move does not give the shape that the other checkpoint has. */
export function checkLike(move: Move, like: ReadonlyMap<string, Described>, source: RoleSource): void {
  const other = like.get(move.to);
  if (other === undefined || other.shape.join() === move.toShape.join()) return;
  const role = move.fills[0]?.role;
  const from = move.fills[0]?.from[0]?.shape ?? move.toShape;
  const unflattened = role === undefined ? undefined : unflattenedRows(role, other, source);
  if (unflattened !== undefined) throw new CheckpointError("mismatch", unflattened, { tensor: move.to });
  throw new CheckpointError(
    "mismatch",
    `${role ?? move.to} is [${from.join(", ")}] in the source; [${other.shape.join(", ")}] in the other checkpoint cannot hold it`,
    {
      tensor: move.to,
      ...(role !== undefined && isFc(role)
        ? { hint: `a new head: --num-classes N --init normal; without it: --exclude ${layerOf(role)} --allow-missing` }
        : {}),
    },
  );
}

/** The sentence for slim.fully_connected on a 4-D pool5: fc6 then has one row a channel. */
function unflattenedRows(role: Role, other: Described, source: RoleSource): string | undefined {
  if (!isFcWeight(role)) return undefined;
  const sizes = source.sizes(role, true);
  const channels = sizes.get("i");
  const rows = other.shape.length === 2 ? other.shape : [];
  const area = (sizes.get("h") ?? 0) * (sizes.get("w") ?? 0);
  const stored = source.roles.get(role);
  const shape = stored !== undefined && "key" in stored ? (source.tensors.get(stored.key)?.shape ?? []) : [];
  const elements = shape.reduce((product, n) => product * n, 1);
  const outputs = sizes.get("o") ?? 1;
  const needed = elements / outputs;
  if (channels === undefined || !rows.includes(channels) || needed <= channels || needed % channels !== 0) return undefined;
  const grid = area > 1 ? `${sizes.get("h")}×${sizes.get("w")}×${channels}` : `${needed / channels} positions × ${channels} channels`;
  return `the other checkpoint's ${layerOf(role)} has ${channels} rows, one for each channel of pool5: its fully connected layer was applied to pool5 without flattening it, and can never hold the ${needed} rows (${grid}) of the source`;
}
