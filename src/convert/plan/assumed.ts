import type { Assumption } from "../../model/assumption.ts";
import { mayBeReduced } from "../../model/geometry/sizes.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network/network.ts";
import { poolCount } from "../../model/network/sizes.ts";
import { rowOrder } from "../../model/readings.ts";
import { layerOf, type Role } from "../../model/role.ts";
import type { Kept } from "../../model/scheme.ts";
import { few } from "../../text/few.ts";
import type { ConvertOptions } from "../options.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import type { FeatureArea } from "../target/fc-form.ts";
import { fcLayers } from "../target/head.ts";
import { CarriedMove } from "./carried-move.ts";
import type { Fill, Move } from "./plan-types.ts";

/** What of the assumptions about a source a plan rests on, and what the plan itself puts in place of what is absent. */
export function planAssumptions(
  moves: readonly Move[],
  target: ConversionTarget,
  area: FeatureArea,
  options: ConvertOptions,
): readonly Assumption[] {
  const { identity, network, expected } = target;
  if (identity === undefined || network === undefined) return [];
  const fills = moves.flatMap((move) => (move instanceof CarriedMove ? [] : move.fills));
  const matters: Readonly<Record<Assumption["of"], boolean>> = {
    size: false,
    epsilon: network.batchNorm || options.foldBn === true,
    kernels: fills.some((fill) => changes(fill, ({ flip }) => flip?.includes("h") === true)),
    dropout: fills.some((fill) => changes(fill, ({ times }) => times !== undefined)),
    moments: fills.some((fill) => changes(fill, ({ as }) => as === "sigma")),
    flatten: moves.some(permutesRows),
    colours: true,
    head: true,
    "stand-in": true,
  };
  return [
    ...identity.assumed.filter(({ of }) => matters[of]),
    ...(area.assumed === undefined || !moves.some(needsArea) ? [] : [guessedArea(area.assumed)]),
    ...shifted(fills, identity),
    ...keptForm(network, expected !== undefined, options),
    ...standIns(fills, network, target, options),
  ];
}

/** The source keeps a role in a way that the target does not. */
function changes({ from, put }: Fill, way: (kept: Kept) => boolean): boolean {
  return from.some(way) && (put === undefined || !way(put));
}

function permutesRows(move: Move): boolean {
  const from = move.fills[0]?.from[0];
  const to = move.toAxes;
  if (from === undefined || to === undefined) return false;
  const [before, after] = [rowOrder(from), rowOrder({ key: move.to, axes: to })];
  return before !== undefined && before !== after;
}

function needsArea(move: Move): boolean {
  return move.fills[0]?.role?.startsWith("fc") === true && move.toShape.length === 4 && move.toAxes?.alone("h") === true;
}

function guessedArea(what: string): Assumption {
  return { of: "size", what, grounds: "a square is the usual form", switch: "--input-size HxWxC" };
}

/** Variances that make up for another epsilon, where the source's own is known. */
function shifted(fills: readonly Fill[], { epsilon }: Identity): readonly Assumption[] {
  const found = fills.find((fill) => fill.formula === "value" && fill.epsilon !== undefined && fill.epsilon[0] !== fill.epsilon[1]);
  const [from, to] = found?.epsilon ?? [];
  if (from === undefined || to === undefined || epsilon?.source === "assumed") return [];
  const what = `variances of batch norm are changed by ${Number((from - to).toPrecision(6))}`;
  const grounds = `the source adds ${from} to them, and networks of the target ${to}`;
  return [{ of: "epsilon", what, grounds, switch: `--bn-epsilon ${to} leaves them as they are` }];
}

/** A head that may be SSD's stays as it is. */
function keptForm(network: Network, byExample: boolean, { fc }: ConvertOptions): readonly Assumption[] {
  const slides = fcLayers(network).some(({ windows }) => windows !== undefined);
  if (fc !== undefined || byExample || slides || !mayBeReduced(network)) return [];
  const [, height = 0, width = 0] = network.featureShape ?? [];
  const scale = 2 ** poolCount(network);
  return [
    {
      of: "size",
      what: "fc6 and fc7 stay convolutions",
      grounds: "a 3×3 fc6 may be SSD's dilated one, which as a matrix would compute something else; the file does not say",
      switch: `--fc dense, or --input-size ${height * scale}x${width * scale}x${network.inputChannels} where it sees all of pool5`,
    },
  ];
}

/** Zeros and ones that the source does not have: the target's network has a place for them. */
function standIns(
  fills: readonly Fill[],
  network: Network,
  { expected, format }: ConversionTarget,
  options: ConvertOptions,
): readonly Assumption[] {
  // Plain tensors go by any names; a network's file has its own, and another checkpoint its tensors.
  const without = "--like a checkpoint without them";
  const other = expected !== undefined ? null : format.carries === "tensors" ? `--naming keep, or ${without}` : without;
  const last = options.numClasses === undefined ? undefined : fcLayers(network).at(-1)?.name;
  const made = fills.filter(({ from, role }) => from.length === 0 && role !== undefined && !role.endsWith(".bn.factor"));
  return (["zeros", "ones"] as const).flatMap((formula): readonly Assumption[] => {
    const roles = made.flatMap(({ role, ...fill }): readonly Role[] =>
      role !== undefined && fill.formula === formula && layerOf(role) !== last ? [role] : [],
    );
    if (roles.length === 0) return [];
    return [
      {
        of: "stand-in",
        what: `${formula} mean what the source does not store: ${few(roles, 8)}`,
        grounds: `networks of the target have these, and ${formula} change nothing`,
        switch: other,
      },
    ];
  });
}
