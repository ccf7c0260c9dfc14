import type { Pair } from "./align.ts";
import type { Side } from "./side.ts";

/**
 * The sentence for a fully connected layer that was applied to the last feature map as it is (slim.fully_connected on a 4-D pool5): its
 * fc6 has one row a channel, where the other network has one for each place of each channel. Undefined for every other pair.
 */
export function unflattened(pair: Pair, a: Side, b: Side): string | undefined {
  if (pair.role !== "fc6.weight") return undefined;
  return rowsOfChannels(a, pair.shapeB, "A", "B") ?? rowsOfChannels(b, pair.shapeA, "B", "A");
}

function rowsOfChannels({ identity }: Side, other: readonly number[], name: string, otherName: string): string | undefined {
  const [channels, height, width] = identity?.network.featureShape ?? [];
  const first = identity?.network.layers.find((layer) => layer.kind === "fc");
  if (channels === undefined || first === undefined || first.inputs <= channels) return undefined;
  if (other.length !== 2 || !other.includes(channels)) return undefined;
  const places = height === undefined || width === undefined ? `${first.inputs / channels}` : `${height}×${width}`;
  return `fc6 of ${otherName} has ${channels} rows, one for each channel of pool5: its fully connected layer was applied to pool5 without flattening it, and can never hold the ${first.inputs} rows (${places}×${channels}) of ${name}`;
}
