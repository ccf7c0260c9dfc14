import { CheckpointError } from "../../errors.ts";
import type { Identity } from "../../model/identity.ts";
import { expandScheme } from "../../model/network/expand.ts";
import type { ConvLayer, FcLayer, Network, NetworkLayer } from "../../model/network/network.ts";
import type { Role } from "../../model/role.ts";
import { isStored, type Scheme, type Slot } from "../../model/scheme.ts";
import { schemeById, schemes } from "../../model/schemes.ts";
import { nearest } from "../../text/nearest.ts";
import { fcLayers } from "./head.ts";

/** The scheme of an id that a person typed. Throws `usage` with the nearest one. */
export function schemeFor(option: string, id: string): Scheme {
  const scheme = schemeById(id);
  if (scheme !== undefined) return scheme;
  const close = nearest(id, ["keep", ...schemes.map((known) => known.id)]);
  throw new CheckpointError("usage", `${option} ${id} is no scheme`, {
    hint: close === undefined ? "'vggtool formats' lists the schemes" : `did you mean ${option} ${close}?`,
  });
}

/**
 * Where a scheme keeps the roles of a network. `fillsNeutral`: its networks have biases whatever this one has. Old Paddle's factor
 * of fc7 and fc8 is in `times` where the scheme's networks scale at inference.
 */
export function convention(scheme: Scheme, network: Network, fillsNeutral: boolean): ReadonlyMap<Role, Slot> {
  const biased: Network = fillsNeutral ? { ...network, layers: network.layers.map(withBias) } : network;
  const slots = new Map(expandScheme(scheme, biased));
  for (const layer of network.layers) {
    if (layer.kind !== "conv" && layer.kind !== "fc") continue;
    if (layer.batchNorm !== undefined && scheme.biasBesideNorm === false && layer.kind === "conv") {
      slots.set(`${layer.name}.bias`, { constant: 0 });
    }
  }
  return scheme.inputScale === undefined ? slots : scaled(slots, network, scheme.inputScale);
}

function withBias(layer: NetworkLayer): NetworkLayer {
  return layer.kind === "conv" || layer.kind === "fc" ? ({ ...layer, bias: true } satisfies ConvLayer | FcLayer) : layer;
}

/** Weights behind a dropout that scales: all fully connected layers but the first. */
export function scaled(slots: ReadonlyMap<Role, Slot>, network: Network, times: number): ReadonlyMap<Role, Slot> {
  const result = new Map(slots);
  for (const layer of fcLayers(network).slice(1)) {
    const role: Role = `${layer.name}.weight`;
    const slot = result.get(role);
    if (isStored(slot)) result.set(role, { ...slot, times });
  }
  return result;
}

/**
 * The identity with old Paddle's factor in its slots, for targets that multiply; canonical and kept names never do, they record it.
 */
export function withScale(identity: Identity): Identity {
  const times = fcLayers(identity.network).find(({ inputScale }) => inputScale !== undefined)?.inputScale;
  return times === undefined ? identity : { ...identity, roles: scaled(identity.roles, identity.network, times) };
}

/** The network with the factor that the target's networks apply themselves. */
export function rescaled(network: Network, inputScale: number | undefined): Network {
  const first = fcLayers(network)[0];
  const layers = network.layers.map((layer): NetworkLayer => {
    if (layer.kind !== "fc" || layer === first) return layer;
    const { inputScale: _inputScale, ...rest } = layer;
    return inputScale === undefined ? rest : { ...rest, inputScale };
  });
  return { ...network, layers };
}
