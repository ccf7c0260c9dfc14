import type { Network, NetworkLayer } from "../network/network.ts";
import type { Window, Windows } from "./window.ts";

/** Windows by layer, as an output in a format of tensors alone records them: only those that are not a plain VGG's. */
export type CarriedWindows = Readonly<Record<string, Windows>>;

/** undefined where every layer slides as a plain VGG's. */
export function carriedWindows(network: Network): CarriedWindows | undefined {
  const found = network.layers.flatMap((layer) =>
    layer.kind === "adaptive-pool" || layer.windows === undefined ? [] : [[layer.name, layer.windows] as const],
  );
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** The network with the windows that an output of this tool recorded. */
export function withCarried(network: Network, windows: ReadonlyMap<string, Windows>): Network {
  if (windows.size === 0) return network;
  const layers = network.layers.map((layer): NetworkLayer => {
    const own = windows.get(layer.name);
    return own === undefined || layer.kind === "adaptive-pool" ? layer : { ...layer, windows: own };
  });
  return { ...network, layers, geometry: "stated" };
}

/** Reads them back; what has another form is left out. */
export function readCarried(value: unknown): ReadonlyMap<string, Windows> {
  if (typeof value !== "object" || value === null) return new Map();
  return new Map(
    Object.entries(value).flatMap(([name, pair]) => {
      const [height, width] = Array.isArray(pair) ? pair.map(readWindow) : [];
      return height === undefined || width === undefined ? [] : [[name, [height, width]] as const];
    }),
  );
}

function readWindow(value: unknown): Window | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields = new Map(Object.entries(value));
  const [kernel, stride, dilation] = ["kernel", "stride", "dilation"].map((name) => natural(fields.get(name), 1));
  const pad = fields.get("pad");
  const [before, behind] = Array.isArray(pad) ? pad.map((one) => natural(one, 0)) : [];
  const pads = pad === "same" ? "same" : before === undefined || behind === undefined ? undefined : ([before, behind] as const);
  if (kernel === undefined || stride === undefined || dilation === undefined || pads === undefined) return undefined;
  return { kernel, stride, pad: pads, dilation, ceil: fields.get("ceil") === true };
}

/** Sizes in pixels: a window that reaches further than this is none. */
const largest = 1024;

function natural(value: unknown, least: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= largest ? value : undefined;
}
