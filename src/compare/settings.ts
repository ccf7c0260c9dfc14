import { grouped } from "../model/align/grouped.ts";
import { windowsOf } from "../model/geometry/shapes.ts";
import { sameWindows, type Windows, windowsText } from "../model/geometry/window.ts";
import type { NetworkLayer } from "../model/network/network.ts";
import { few } from "../text/few.ts";
import { type Compared, epsilonOf, type Side } from "./side.ts";

/** What two layers compute with besides weights, where it differs. `text`: of the layers that share it. */
interface Setting {
  readonly layer: string;
  readonly text: (layers: string) => string;
  /** It acts as a factor on the weights. */
  readonly ofValues?: true;
}

/** Sentences on settings that differ between the layers of one name: all those of one layer, or those of every layer that act on values. */
export function differingSettings({ a, b }: Compared, only?: string): readonly string[] {
  const theirs = new Map(b.identity?.network.layers.map((layer) => [layer.name, layer]));
  const found = (a.identity?.network.layers ?? []).flatMap((layer) => {
    const other = theirs.get(layer.name);
    const settings = other === undefined ? [] : settingsOf(layer, other, a, b);
    return settings.filter(({ ofValues }) => (only === undefined ? ofValues : layer.name === only));
  });
  return [...grouped(found, ({ text }) => text("")).values()].flatMap(
    (group) => group[0]?.text(few(group.map(({ layer }) => layer))) ?? [],
  );
}

function settingsOf(layer: NetworkLayer, other: NetworkLayer, a: Side, b: Side): readonly Setting[] {
  const found: Setting[] = [];
  const add = (text: Setting["text"]): void => {
    found.push({ layer: layer.name, text });
  };
  const [slides, otherSlides] = [windowsIn(a, layer), windowsIn(b, other)];
  if (slides !== undefined && otherSlides !== undefined && !sameWindows(slides, otherSlides)) {
    add((layers) => `${layers} slides as ${windowsText(slides)} in ${a.name} and as ${windowsText(otherSlides)} in ${b.name}`);
  }
  const [what, otherWhat] = [methodOf(layer), methodOf(other)];
  if (what !== otherWhat) add((layers) => `${what} in ${a.name} and ${otherWhat} in ${b.name}: ${layers}`);
  const [scale, otherScale] = [inputScale(layer), inputScale(other)];
  if (scale !== otherScale) {
    const text = (layers: string) =>
      `the input of ${layers} is multiplied with ${scale} in ${a.name} and ${otherScale} in ${b.name} (dropout that scales at inference)`;
    found.push({ layer: layer.name, text, ofValues: true });
  }
  const [norm, otherNorm] = [hasNorm(layer), hasNorm(other)];
  if (norm !== otherNorm) add((layers) => `batch norm is behind ${layers} in ${(norm ? a : b).name} and not in ${(norm ? b : a).name}`);
  return found;
}

function windowsIn({ identity }: Side, layer: NetworkLayer): Windows | undefined {
  return identity === undefined || layer.kind === "adaptive-pool" ? undefined : windowsOf(identity.network, layer);
}

/** What else a layer is, in words. */
function methodOf(layer: NetworkLayer): string {
  if (layer.kind === "pool") return layer.method === "average" ? "the average of a pool" : "the largest value of a pool";
  if (layer.kind === "conv") return `groups: ${layer.groups ?? 1}, ${layer.linear === true ? "no ReLU" : "ReLU"} behind it`;
  return layer.kind === "fc" && layer.activation === "relu" ? "ReLU behind it" : "no ReLU behind it";
}

function inputScale(layer: NetworkLayer): number {
  return layer.kind === "fc" ? (layer.inputScale ?? 1) : 1;
}

export function hasNorm(layer: NetworkLayer): boolean {
  return (layer.kind === "conv" || layer.kind === "fc") && layer.batchNorm !== undefined;
}

/** What batch norm adds to the variance on either side, where that differs; undefined where a side has none. */
export function differingEpsilon({ a, b }: Compared): string | undefined {
  const hasNorms = ({ identity }: Side): boolean => identity?.network.layers.some(hasNorm) === true;
  if (!hasNorms(a) || !hasNorms(b) || epsilonOf(a) === epsilonOf(b)) return undefined;
  return `batch norm adds ${epsilonOf(a)} to the variance in ${a.name} and ${epsilonOf(b)} in ${b.name}`;
}
