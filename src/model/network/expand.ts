import { parseAxes } from "../../tensor/axes.ts";
import { isFcWeight, normParts, type Role } from "../role.ts";
import type { LayerKind, RoleKind, Scheme, Slot, SlotTemplate, StoredSlot } from "../scheme.ts";
import type { ConvLayer, FcLayer, Network } from "./network.ts";

export interface ExpandOptions {
  /** Fully connected layers as matrices or as convolutions; the scheme's own form unless said. */
  readonly head?: "dense" | "conv";
  /** {scope} of tf-slim; by configuration unless said. */
  readonly scope?: string;
}

/** The numbers and words that a layer's templates are filled with. */
type Fillings = ReadonlyMap<string, string>;

/**
 * Where a convention keeps each role of a network. A role that the convention does not know is absent; a convolution
 * without bias, which the convention would store, has none either.
 */
export function expandScheme(scheme: Scheme, network: Network, options: ExpandOptions = {}): ReadonlyMap<Role, Slot> {
  return withForm(new Map(expandRoles(scheme, network, options)), scheme, options.head ?? scheme.head);
}

/** The same in forward order, in the scheme's own form, one by one: who looks for a convention sees after a few that it is another. */
export function* expandRoles(scheme: Scheme, network: Network, options: ExpandOptions = {}): Generator<readonly [Role, Slot]> {
  for (const [layer, own, norm] of placed(scheme, network, countLayers(scheme, network), options)) {
    const kind = layer.kind === "conv" ? "conv" : fcKind(layer.name);
    if (kind === undefined) continue;
    yield* filled(scheme, `${layer.name}.weight`, `${kind}.weight`, own);
    if (layer.bias || isConstant(scheme.slots[`${kind}.bias`])) yield* filled(scheme, `${layer.name}.bias`, `${kind}.bias`, own);
    if (layer.batchNorm === undefined) continue;
    for (const part of normParts) yield* filled(scheme, `${layer.name}.${part}`, part, norm);
  }
}

function* filled(scheme: Scheme, role: Role, kind: RoleKind, fillings: Fillings): Generator<readonly [Role, Slot]> {
  const slot = scheme.slots[kind];
  if (slot !== undefined) yield [role, fill(slot, fillings)];
}

function isConstant(slot: SlotTemplate | undefined): boolean {
  return slot !== undefined && "constant" in slot;
}

function fcKind(name: string): "fc6" | "fc7" | "fc8" | undefined {
  return name === "fc6" || name === "fc7" || name === "fc8" ? name : undefined;
}

function fill(slot: SlotTemplate, fillings: Fillings): Slot {
  if ("constant" in slot) return slot;
  const spell = (text: string): string => text.replace(/\{([A-Za-z_]\w*)\}/g, (whole, name: string) => fillings.get(name) ?? whole);
  return { ...slot, axes: parseAxes(slot.axes), key: spell(slot.key), ...(slot.over !== undefined && { over: spell(slot.over) }) };
}

interface Counted {
  readonly layer: string;
  readonly kind: LayerKind;
}

/** All layers that a counter may count, in forward order. */
function forwardKinds(network: Network): readonly Counted[] {
  const kinds: Counted[] = [];
  let flattened = false;
  const fcs = network.layers.filter((layer): layer is FcLayer => layer.kind === "fc");
  for (const layer of network.layers) {
    if (layer.kind === "conv") {
      kinds.push({ layer: layer.name, kind: "conv" });
      if (layer.batchNorm !== undefined) kinds.push({ layer: layer.name, kind: "bn" });
      kinds.push({ layer: layer.name, kind: "relu" });
    } else if (layer.kind === "pool") {
      kinds.push({ layer: layer.name, kind: "pool" });
    } else if (layer.kind === "fc") {
      if (!flattened) kinds.push({ layer: layer.name, kind: "flatten" });
      flattened = true;
      kinds.push({ layer: layer.name, kind: "fc" });
      if (layer !== fcs.at(-1)) kinds.push({ layer: layer.name, kind: "fc-relu" }, { layer: layer.name, kind: "dropout" });
    }
  }
  return kinds;
}

/** Number of each layer's convolution (or fully connected layer) and of its batch norm, for each counter. */
function countLayers(scheme: Scheme, network: Network): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const [name, counted] of Object.entries(scheme.counters ?? {})) {
    const numbers = new Map<string, number>();
    let next: number = scheme.countFrom ?? 0;
    for (const { layer, kind } of forwardKinds(network)) {
      if (!counted.includes(kind)) continue;
      if (kind === "conv" || kind === "fc") numbers.set(layer, next);
      if (kind === "bn") numbers.set(`${layer}.bn`, next);
      next++;
    }
    counts.set(name, numbers);
  }
  return counts;
}

function* placed(
  scheme: Scheme,
  network: Network,
  counts: ReadonlyMap<string, ReadonlyMap<string, number>>,
  options: ExpandOptions,
): Generator<readonly [ConvLayer | FcLayer, Fillings, Fillings]> {
  const scope = options.scope ?? scheme.scopes?.[network.config] ?? "";
  let conv = 0;
  let fc = 0;
  for (const layer of network.layers) {
    if (layer.kind !== "conv" && layer.kind !== "fc") continue;
    const shared: [string, string][] = [["scope", scope]];
    if (layer.kind === "conv") {
      const [block, index] = convPlace(layer.name);
      shared.push(["b", String(block)], ["n", String(index)], ["n0", String(index - 1)]);
      shared.push(["k", String(conv)], ["_k", conv === 0 ? "" : `_${conv}`]);
      for (const [name, values] of Object.entries(scheme.blockNames ?? {})) shared.push([name, values[block - 1] ?? String(block)]);
      conv++;
    } else {
      shared.push(["j", String(fc)], ["_j", fc === 0 ? "" : `_${fc}`]);
      fc++;
    }
    const numbers = (suffix: string): [string, string][] =>
      [...counts].flatMap(([name, of]): [string, string][] => {
        const number = of.get(layer.name + suffix);
        return number === undefined ? [] : [[name, String(number)]];
      });
    yield [layer, new Map([...shared, ...numbers("")]), new Map([...shared, ...numbers(""), ...numbers(".bn")])];
  }
}

/** Block and place in it of conv3_2: 3, 2. */
export function convPlace(name: string): readonly [block: number, index: number] {
  const [, block, index] = /^conv(\d+)_(\d+)$/.exec(name) ?? [];
  return [Number(block ?? 1), Number(index ?? 1)];
}

/** The same slots with fully connected layers as matrices or as convolutions. */
function withForm(roles: ReadonlyMap<Role, Slot>, scheme: Scheme, form: "dense" | "conv"): ReadonlyMap<Role, Slot> {
  if (form === scheme.head) return roles;
  const conv = scheme.slots["conv.weight"];
  const height = conv !== undefined && "key" in conv && conv.axes.startsWith("h");
  return new Map([...roles].map(([role, slot]) => [role, isFcWeight(role) && "key" in slot ? reform(role, slot, form, height) : slot]));
}

function reform(role: Role, slot: StoredSlot, form: "dense" | "conv", height: boolean): StoredSlot {
  if (form === "conv") return { ...slot, axes: parseAxes(height ? "h w i o" : "o i h w") };
  if (role === "fc6.weight") return { ...slot, axes: parseAxes(height ? "(h w i) o" : "o (i h w)") };
  return { ...slot, axes: parseAxes(height ? "i o" : "o i") };
}
