import { oneRowAChannel } from "../../compare/unflattened.ts";
import type { Network } from "../../model/network/network.ts";
import { isFcWeight, layerOf, type Role } from "../../model/role.ts";
import { isStored } from "../../model/scheme.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { escaped } from "../../text/excluding.ts";
import { Refusal, type Way } from "../../text/refusal.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { fcLayers } from "../target/head.ts";
import { newHead } from "./judge.ts";
import type { Move } from "./plan-types.ts";
import type { RoleSource } from "./role-moves.ts";

/** Throws `mismatch` where moves do not give the shapes that the output has to have, with a hint for all of them. */
export function checkExpected(moves: readonly Move[], { expected, title }: ConversionTarget, source: RoleSource): void {
  const wrong = moves.flatMap((move) => {
    const other = expected?.checkpoint.tensors.get(move.to);
    return other === undefined || other.shape.join() === move.toShape.join() ? [] : [{ move, other, role: move.fills[0]?.role }];
  });
  const [first] = wrong;
  if (first === undefined) return;
  const { move, other, role } = first;
  const from = move.fills[0]?.from[0]?.shape ?? move.toShape;
  const rows = role === undefined ? undefined : rowsOfChannels(role, other, source);
  const flattens = expected?.checkpoint.conventions.kernel !== "h w i o";
  const layers = [...new Set(wrong.map((each) => (each.role === undefined ? each.move.to : layerOf(each.role))))];
  throw new Refusal(
    "mismatch",
    rows === undefined
      ? `${role ?? move.to} is [${from.join(", ")}] in the source; [${other.shape.join(", ")}] in ${title} cannot hold it`
      : oneRowAChannel({ ...rows, layer: `${title}'s ${layerOf(rows.role)}`, holder: "the source", flattens }),
    waysOn(
      layers,
      wrong.map((each) => each.other),
      source.network,
    ),
    { tensor: move.to },
  );
}

/** What leads on: a new last layer where that is all that differs, or what is there already in the place of all layers that do. */
function waysOn(layers: readonly string[], others: readonly Tensor[], network: Network): readonly Way[] {
  const last = fcLayers(network).at(-1);
  const options = { exclude: layers.map(escaped), allowMissing: true } as const;
  const classes = others
    .find(({ shape }) => shape.filter((size) => size !== 1).length <= 1)
    ?.shape.reduce((product, size) => product * size, 1);
  const isHead = last !== undefined && layers.length === 1 && layers[0] === last.name && classes !== undefined && classes !== last.outputs;
  return isHead
    ? [newHead(classes), { options, say: (text) => `without it: ${text}` }]
    : [{ options, say: (text) => `leave as they are there: ${text}` }];
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
