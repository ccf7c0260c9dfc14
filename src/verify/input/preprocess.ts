import { CheckpointError } from "../../errors.ts";
import type { Preprocessing } from "../../model/scheme.ts";
import { bgrMean, faceMean, rgbMean, slimMean, unitNormal } from "../../model/schemes/preprocessing.ts";
import { brief, shortened } from "../../text/brief.ts";

/** How a picture becomes the network's input: what Preprocessing says of colours, and what becomes of its size. */
export interface PictureContract extends Preprocessing {
  /**
   * cover: scaled so that it covers the input, the middle cut out. margin: the same, 8/7 as large (256 pixels for an input of
   * 224). stretch: scaled to the input, whatever its proportions. A number: scaled until the shorter side has so many pixels,
   * the middle cut out.
   */
  readonly fit: "cover" | "margin" | "stretch" | number;
}

const raw: Preprocessing = { channels: "rgb", range: 255, mean: [0, 0, 0], std: [1, 1, 1], source: "assumed" };
const face: Preprocessing = { ...raw, mean: [129.1863, 104.7624, 93.594] };

/**
 * What `--preprocess` knows by name. Caffe, torchvision and tf-slim evaluate on the middle 224 of 256 pixels, Keras' examples on
 * stretched pictures; the face networks were shown whole faces.
 */
const presets: ReadonlyMap<string, PictureContract> = new Map([
  ["caffe", { ...bgrMean, fit: "margin" }],
  ["keras", { ...bgrMean, fit: "stretch" }],
  ["matconvnet", { ...rgbMean, fit: "cover" }],
  ["tfslim", { ...slimMean, fit: "margin" }],
  ["torch", { ...unitNormal, fit: "margin" }],
  ["paddle", { ...unitNormal, fit: "margin" }],
  ["vggface", { ...face, fit: "cover" }],
  ["vggface-caffe", { ...faceMean, fit: "cover" }],
  ["raw", { ...raw, fit: "cover" }],
  ["unit", { ...raw, range: 1, fit: "cover" }],
]);

export const presetNames: readonly string[] = [...presets.keys()];

export function preset(name: string): PictureContract | undefined {
  return presets.get(name);
}

/** What becomes of a picture's size where a checkpoint or its convention says nothing of it: what its framework's own examples do. */
export function usualFit({ channels, mean, std }: Preprocessing, scheme: string | undefined): PictureContract["fit"] {
  if (scheme?.startsWith("keras") === true) return "stretch";
  const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((value, k) => value === b[k]);
  return (
    [...presets.values()].find((known) => known.channels === channels && same(known.mean, mean) && same(known.std, std))?.fit ?? "cover"
  );
}

/**
 * A contract from a file's JSON: { channels, range, mean, std?, size?, fit? }. Throws `malformed` naming the field.
 * One mean or std means every channel.
 */
export function contractFromJson(json: unknown, file: string): PictureContract {
  const fail = (what: string): CheckpointError => new CheckpointError("malformed", what, { file });
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw fail("this is no JSON object, needed { channels, range, mean, std, size, fit }");
  const fields = new Map(Object.entries(json));
  const known = ["channels", "range", "mean", "std", "size", "fit"];
  const strange = [...fields.keys()].find((name) => !known.includes(name));
  if (strange !== undefined) throw fail(`"${shortened(strange)}" is no field of preprocessing; these are: ${known.join(", ")}`);
  const channels = fields.get("channels") ?? "rgb";
  if (channels !== "rgb" && channels !== "bgr") throw fail(`channels is ${brief(channels)}, needed "rgb" or "bgr"`);
  const range = fields.get("range") ?? 255;
  if (range !== 255 && range !== 1) throw fail(`range is ${brief(range)}, needed 255 or 1`);
  const mean = numbers(fields.get("mean") ?? 0);
  if (mean === undefined) throw fail("mean is no number or list of numbers");
  const std = numbers(fields.get("std") ?? 1);
  if (std === undefined || std.includes(0)) throw fail("std is no number or list of numbers other than 0");
  const size = numbers(fields.get("size") ?? []);
  const [height, width] = size ?? [];
  const hasSize = height !== undefined && width !== undefined && [height, width].every((side) => Number.isInteger(side) && side > 0);
  if (size === undefined || (size.length > 0 && (size.length !== 2 || !hasSize))) throw fail("size is not [height, width]");
  const fit = fields.get("fit") ?? "cover";
  if (fit !== "cover" && fit !== "margin" && fit !== "stretch" && !(typeof fit === "number" && Number.isInteger(fit) && fit > 0)) {
    throw fail(`fit is ${brief(fit)}, needed "cover", "margin", "stretch" or the length of the shorter side`);
  }
  const sized = height === undefined || width === undefined ? {} : { size: [height, width] as const };
  return { channels, range, mean, std, ...sized, fit, source: "read" };
}

function numbers(value: unknown): readonly number[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const found = list.filter((item): item is number => typeof item === "number" && Number.isFinite(item));
  return found.length === list.length ? found : undefined;
}

/** A sentence: what is done to each picture. */
export function describeContract({ channels, range, mean, std, fit }: PictureContract): string {
  const colours = `${channels.toUpperCase()} 0…${range}`;
  const minus = mean.every((value) => value === 0) ? "" : ` minus ${mean.join(", ")}`;
  const divided = std.every((value) => value === 1) ? "" : ` divided by ${std.join(", ")}`;
  const words = { stretch: "stretched to the input", cover: "scaled to cover the input", margin: "scaled to 8/7 of the input" } as const;
  const scaled = typeof fit === "number" ? `scaled to ${fit} pixels on the shorter side` : words[fit];
  const sized = fit === "stretch" ? scaled : `${scaled}, the middle cut out`;
  return `${colours}${minus}${divided}, ${sized}`;
}
