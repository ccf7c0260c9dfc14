import { oneRowAChannel } from "../../compare/unflattened.ts";
import { CheckpointError } from "../../errors.ts";
import { isFc, isFcWeight, layerOf, type Role } from "../../model/role.ts";
import { isStored } from "../../model/scheme.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import type { Move } from "./plan-types.ts";
import type { RoleSource } from "./role-moves.ts";

/** Throws `mismatch` where a move does not give the shape that the output has to have. */
export function checkExpected(move: Move, { expected, title }: ConversionTarget, source: RoleSource): void {
  const other = expected?.checkpoint.tensors.get(move.to);
  if (other === undefined || other.shape.join() === move.toShape.join()) return;
  const role = move.fills[0]?.role;
  const from = move.fills[0]?.from[0]?.shape ?? move.toShape;
  const rows = role === undefined ? undefined : rowsOfChannels(role, other, source);
  const flattens = expected?.checkpoint.conventions.kernel !== "h w i o";
  throw new CheckpointError(
    "mismatch",
    rows === undefined
      ? `${role ?? move.to} is [${from.join(", ")}] in the source; [${other.shape.join(", ")}] in ${title} cannot hold it`
      : oneRowAChannel({ ...rows, layer: `${title}'s ${layerOf(rows.role)}`, holder: "the source", flattens }),
    {
      tensor: move.to,
      ...(role !== undefined && isFc(role)
        ? { hint: `a new head: --num-classes N --init normal; without it: --exclude ${layerOf(role)} --allow-missing` }
        : {}),
    },
  );
}

interface Rows {
  readonly role: Role;
  readonly channels: number;
  readonly needed: number;
  readonly grid: string;
}

/** The rows of the first fully connected layer, where the other side has one a channel and the source one a channel and position. */
function rowsOfChannels(role: Role, other: Tensor, source: RoleSource): Rows | undefined {
  if (!isFcWeight(role)) return undefined;
  const sizes = source.sizes(role, true);
  const [channels, height, width] = [sizes.get("i"), sizes.get("h"), sizes.get("w")];
  const slot = source.roles.get(role);
  const shape = isStored(slot) ? (source.tensors.get(slot.key)?.shape ?? []) : [];
  const needed = shape.reduce((product, n) => product * n, 1) / (sizes.get("o") ?? 1);
  if (channels === undefined || other.shape.length !== 2 || !other.shape.includes(channels)) return undefined;
  if (needed <= channels || needed % channels !== 0) return undefined;
  const known = height !== undefined && width !== undefined && height * width > 1;
  const grid = known ? `${height}×${width}×${channels}` : `${needed / channels} positions × ${channels} channels`;
  return { role, channels, needed, grid };
}
