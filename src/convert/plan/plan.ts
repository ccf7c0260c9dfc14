import type { Assumption } from "../../model/assumption.ts";
import type { Described } from "../../model/described.ts";
import { windowsText } from "../../model/geometry/window.ts";
import { knownAs } from "../../model/identify/known-as.ts";
import { isImageConstant } from "../../model/kinds.ts";
import type { Network } from "../../model/network/network.ts";
import { isFc, isNorm, layerOf, type Role, roleOf } from "../../model/role.ts";
import { isStored, keysOf, type Slot } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { escaped, excludePatterns } from "../../text/excluding.ts";
import { few } from "../../text/few.ts";
import { adding, Refusal, type Way } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { heldDtype, targetDtype } from "../target/dtype-rule.ts";
import type { FeatureArea } from "../target/fc-form.ts";
import { fcLayers } from "../target/head.ts";
import { isPreparation } from "../target/image-mean.ts";
import { targetSlots } from "../target/target-axes.ts";
import { alignedMoves } from "./aligned-moves.ts";
import { planAssumptions } from "./assumed.ts";
import { CarriedMove } from "./carried-move.ts";
import { checkExpected } from "./expected-shape.ts";
import { withHandMoves } from "./hand-moves.ts";
import { averageMove, layerPlan, turnedMove } from "./layer-moves.ts";
import { roleMoves } from "./plan-roles.ts";
import { areaOf, fallbackRoles, roleSource, sourceRoles, withKeptNames } from "./plan-source.ts";
import { type LayerLine, type Left, type Move, noPlace, type Plan, type Planned } from "./plan-types.ts";
import { select, type TensorSelection } from "./select.ts";

/** What is known of a plan while it is made. */
interface Draft {
  readonly moves: Move[];
  readonly unused: Left[];
  missing: Left[];
  /** Keys of the source that some move takes. */
  readonly used: Set<string>;
  readonly warnings: string[];
  readonly assumed: Assumption[];
  layers: readonly LayerLine[];
  area: FeatureArea;
}

/** Decides, tensor by tensor, what a conversion does; reads no values. Throws `usage`, `unsupported` and `mismatch` for what cannot be done. */
export function makePlan(source: Checkpoint, target: ConversionTarget, options: ConvertOptions): Planned {
  if (target.plan !== undefined) return { plan: target.plan, area: {}, warnings: [], layers: [] };
  const roleOfKey = new Map<string, Role>();
  for (const [role, slot] of target.identity?.roles ?? []) if (isStored(slot)) for (const key of keysOf(slot)) roleOfKey.set(key, role);
  const roleAt = (key: string): Role | undefined => roleOfKey.get(key);
  const selection = select(source.tensors, { roleOf: roleAt, namesOf: knownAs(target.identity) }, options, unreadable(source));
  const draft: Draft = {
    moves: [],
    unused: [...selection.left],
    missing: [],
    used: new Set(),
    warnings: [],
    assumed: [],
    layers: [],
    area: {},
  };
  planRoles(draft, source, target, selection, options);
  const because = (key: string): string => whyUnused(key, roleAt(key), selection, target, options);
  if (target.expected !== undefined) {
    const byHand = target.byHand ?? [];
    const free = (key: string): boolean => selection.kept.has(key) && !draft.used.has(key) && because(key) === noPlace;
    const found = alignedMoves(source, target, options, { free, averages: selection.averages, moves: [...draft.moves, ...byHand] });
    draft.moves.push(...found.moves);
    for (const key of found.used) draft.used.add(key);
    const slots = target.naming === "keep" ? [] : [...target.naming];
    const roles = new Map(slots.flatMap(([role, slot]) => (isStored(slot) ? [[slot.key, role] as const] : [])));
    draft.missing = found.missing.map((left) => ({ ...left, ...withRole(roles.get(left.key)) }));
    draft.warnings.push(...found.warnings);
  }
  planRest(draft, source, target, { roleAt, because, selection }, options);
  const { moves, unused, missing, area, warnings, layers } = draft;
  const assumed = [...planAssumptions(moves, target, area, options), ...draft.assumed];
  const plan: Plan = { schema: "vggtool/plan/1", format: target.format.id, scheme: target.scheme, moves, unused, missing, assumed };
  return { plan: withHandMoves(plan, target.byHand ?? []), area, warnings, layers };
}

/** What fills the slots of a network that both sides know. */
function planRoles(
  draft: Draft,
  { tensors }: Checkpoint,
  target: ConversionTarget,
  selection: TensorSelection,
  options: ConvertOptions,
): void {
  const { identity, network } = target;
  if (identity === undefined || network === undefined) return;
  const known = { ...target, identity, network };
  const found = sourceRoles(identity, selection.kept, selection.averages, options, network);
  const fallback = fallbackRoles(found, known, options);
  const roles = new Map([...found, ...fallback]);
  draft.area = areaOf(identity, tensors, options, network, target.area);
  const slots = targetSlots(identity, target.naming === "keep" ? withKeptNames(roles, known, options) : roles, network, target);
  if (target.naming !== "keep" && target.expected === undefined && options.foldBn !== true) refuseNorms(roles, slots, target);
  if (target.naming !== "keep" || target.layout !== "keep") refuseFlattening(slots, network, target);
  const source = roleSource(
    fallback.size === 0 ? tensors : new Map<string, Described>([...tensors, ...target.own]),
    roles,
    known,
    options,
    { area: draft.area, slots },
  );
  for (const { move, keys } of roleMoves(slots, source, target, network, draft.missing)) {
    draft.moves.push(move);
    for (const key of keys) draft.used.add(key);
  }
  const title = target.fallback?.title;
  for (const role of fallback.keys()) {
    const slot = slots.get(role);
    if (isStored(slot)) draft.missing.push({ key: slot.key, role, reason: `the source has nothing for it: ${title}'s value stays` });
  }
  if (fallback.size > 0) draft.warnings.push(`kept as in ${title}: ${few([...fallback.keys()])}`);
  checkExpected(draft.moves, target, source);
  for (const layer of network.missing) {
    if (!draft.missing.some(({ role }) => role !== undefined && layerOf(role) === layer))
      draft.missing.push({ key: layer, reason: "the source lacks this layer" });
  }
}

interface Keys {
  readonly roleAt: (key: string) => Role | undefined;
  /** Why a tensor that has a role, or an average beside it, is not used. */
  readonly because: (key: string) => string;
  readonly selection: TensorSelection;
}

/** What becomes of the tensors that nothing took: they travel under their own names, or the ledger says why not. */
function planRest(draft: Draft, source: Checkpoint, target: ConversionTarget, keys: Keys, options: ConvertOptions): void {
  const { roleAt, because, selection } = keys;
  const { tensors } = source;
  const taken = new Set(draft.moves.map(({ to }) => to));
  const travels = (key: string): boolean =>
    selection.kept.has(key) && !selection.state.has(key) && !draft.used.has(key) && roleAt(key) === undefined;
  const own = holdsOthers(target) ? target.ownAxes : undefined;
  const layers = layerPlan(source, own, travels, options);
  draft.layers = layers.lines;
  draft.assumed.push(...layers.assumed);
  draft.warnings.push(...layers.warnings);
  if (target.format.carries === "tensors" && target.expected === undefined) {
    refuseUnheld(
      [...tensors.values()].filter(({ name }) => selection.kept.has(name) && !draft.used.has(name) && roleAt(name) === undefined),
      target,
      options,
    );
  }
  for (const tensor of tensors.values()) {
    const key = tensor.name;
    if (draft.used.has(key) || !selection.kept.has(key)) continue;
    const role = roleAt(key);
    const leave = (reason: string): void => {
      draft.unused.push({ key, ...withRole(role), reason });
    };
    const average = selection.averages.get(key);
    if (role !== undefined || (average !== undefined && !holdsOthers(target))) leave(because(key));
    else if (tensor.dtype === "string") leave("text");
    else if (tensor.shape.includes(0) && target.scheme !== "keep") leave("it is empty");
    else if (isImageConstant(key) && !keepsConstant(key, target)) leave(isPreparation);
    else if (!holdsOthers(target)) leave(noPlace);
    else if (taken.has(key)) {
      const way = adding({ exclude: [escaped(key)] });
      throw new Refusal("mismatch", "a tensor of no layer has the name that a layer gets", [way], { tensor: key });
    } else {
      const turn = layers.turns.get(key);
      const dtype = targetDtype({ name: key, dtype: tensor.dtype }, target.holds, options.dtype, target.format.id);
      const own = { ...tensor, dtype: tensor.dtype };
      if (average !== undefined) leave(because(key));
      if (turn !== undefined) draft.moves.push(turnedMove(own, turn, dtype, average));
      else draft.moves.push(average === undefined ? new CarriedMove(tensor, dtype) : averageMove(own, dtype, average));
    }
  }
}

/** Whether the output has room for tensors of no role. */
function holdsOthers({ format, expected }: ConversionTarget): boolean {
  return format.carries === "tensors" && expected === undefined;
}

function withRole(role: Role | undefined): Pick<Left, "role"> {
  return role === undefined ? {} : { role };
}

/** Keys that the file has and that cannot be read: a pattern may leave them out. */
function unreadable({ notes, tensors }: Checkpoint): readonly string[] {
  return notes.flatMap(({ code, tensor }) =>
    tensor !== undefined && (code === "unsupported-tensor" || code === "unknown-object") && !tensors.has(tensor) ? [tensor] : [],
  );
}

/** Without its batch norm a network computes something else: names that cannot store one cannot hold it. */
function refuseNorms(roles: ReadonlyMap<Role, Slot>, slots: ReadonlyMap<Role, Slot>, target: ConversionTarget): void {
  for (const [role, slot] of roles) {
    if (!isStored(slot) || !isNorm(role) || slots.has(role)) continue;
    const message = `the names of ${target.scheme} cannot store the batch norm of ${layerOf(role)}`;
    throw new Refusal("unsupported", message, [adding({ foldBn: true })], { tensor: slot.key });
  }
}

/** A fully connected layer that slides over its features (padded, dilated) is no matrix: flattened it would compute something else. */
function refuseFlattening(slots: ReadonlyMap<Role, Slot>, network: Network, target: ConversionTarget): void {
  for (const layer of fcLayers(network)) {
    const slot = slots.get(roleOf(layer.name, "weight"));
    if (layer.windows === undefined || !isStored(slot) || slot.axes.groups.length > 2) continue;
    throw new Refusal(
      "unsupported",
      `${layer.name} is a convolution of ${windowsText(layer.windows)}, and ${target.scheme} keeps it as a matrix, which computes something else`,
      [
        { options: { fc: "conv" }, say: (options) => `add ${options} to keep it as a convolution` },
        { options: { noTop: true }, say: (options) => `${options} to leave the head out` },
      ],
    );
  }
}

/** Throws `unsupported`, with all of them, where tensors that travel along have types that the target does not hold. */
function refuseUnheld(tensors: readonly Described[], target: ConversionTarget, options: ConvertOptions): void {
  if (options.dtype !== undefined) return;
  const unheld = tensors.filter(({ dtype }) => dtype !== "string" && dtype !== "float64" && heldDtype(dtype, target.holds) === undefined);
  const [first, ...more] = unheld;
  if (first === undefined || more.length === 0) return;
  const names = unheld.map(({ name }) => name);
  const others = tensors.filter((tensor) => !unheld.includes(tensor)).map(({ name }) => name);
  const way: Way = { options: { exclude: excludePatterns(names, others) }, say: (options) => `leave them out: ${options}` };
  throw new Refusal("unsupported", `${target.format.id} cannot hold ${first.dtype}, nor a type with all its values`, [way], {
    tensor: first.name,
  });
}

function keepsConstant(key: string, target: ConversionTarget): boolean {
  return target.format.carries === "tensors" && target.keepsImageConstant?.(key) !== false;
}

function whyUnused(
  key: string,
  role: Role | undefined,
  { averages }: TensorSelection,
  { network }: ConversionTarget,
  options: ConvertOptions,
): string {
  if (averages.has(key)) return "its moving average replaces it";
  if (role === undefined) return noPlace;
  if (options.noTop === true && isFc(role)) return "--no-top";
  if (options.fc === "reduced" && isFc(role)) return "--fc reduced";
  if (options.numClasses !== undefined && network !== undefined && layerOf(role) === fcLayers(network).at(-1)?.name) return "--num-classes";
  return noPlace;
}
