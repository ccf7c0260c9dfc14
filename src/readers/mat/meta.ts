import type { Inert } from "../../tensor/checkpoint.ts";
import { addMetadata, type Collected } from "./collect.ts";
import type { MatFile, MatValue } from "./elements/value.ts";
import { channelMeans, toInert } from "./inert.ts";
import type { FoundNetwork } from "./networks.ts";

/** Fields of a network that are read as its structure. */
const structure: ReadonlySet<string> = new Set(["layers", "params"]);
/** Before 1.0-beta17 (December 2015) these lay beside `layers`; vl_simplenn_tidy moves them under `meta`, and so do the keys here. */
const moved: ReadonlySet<string> = new Set(["classes", "normalization"]);

/**
 * The rest of a network as metadata, under the same keys for every layout: `meta.classes.description` (list of texts),
 * `meta.normalization.averageImage` (one value a channel, or a map with `mean`), `meta.normalization.imageSize` …
 * With several networks in one file the variable's name comes first.
 */
export function addMeta(into: Collected, net: FoundNetwork, alone: boolean): void {
  const prefix = alone || net.variable === undefined ? "" : `${net.variable}.`;
  for (const [k, value] of net.holder.values.entries()) {
    const name = net.holder.fields[k] ?? "";
    if (!structure.has(name)) addMetadata(into, value, `${prefix}${moved.has(name) ? `meta.${name}` : name}`, averaged);
  }
}

/** Variables beside the networks: training statistics, optimizer state. */
export function addOthers(into: Collected, file: MatFile, nets: readonly FoundNetwork[]): void {
  if (nets.some(({ variable }) => variable === undefined)) return;
  const taken = new Set(nets.map(({ variable }) => variable));
  for (const { name, value } of file.variables) {
    if (!taken.has(name)) addMetadata(into, value, name);
  }
}

function averaged(value: MatValue, path: string): Inert {
  return value.kind === "numeric" && path.endsWith(".averageImage") ? channelMeans(value) : toInert(value);
}
