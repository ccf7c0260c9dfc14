import { CheckpointError } from "../../errors.ts";
import { bodyOutput } from "../../model/geometry/sizes.ts";
import type { Network } from "../../model/network/network.ts";
import { poolCount, possibleSizes } from "../../model/network/sizes.ts";
import { type Axes, axesOf } from "../../tensor/axes.ts";
import { Refusal } from "../../text/refusal.ts";
import { anyPictures } from "../../writers/roles.ts";

/**
 * The axes of a fully connected layer kept as a convolution, or the other way round: `(h w i) o` and `h w i o`, `o (i h w)` and
 * `o i h w`. fc7 and fc8 are written `i o` when dense, as there is nothing to flatten.
 */
export function withForm(axes: Axes, form: "dense" | "conv", convAxes: Axes, first: boolean): Axes {
  if (form === "conv") return axes.alone("h") ? axes : convAxes;
  if (axes.groups.every((group) => group.length <= 1) && axes.names.includes("h")) {
    const row = first ? convAxes.names.filter((name) => name !== "o") : ["i"];
    return axesOf(axes.names[0] === "o" ? [["o"], row] : [row, ["o"]]);
  }
  return axes;
}

export interface FeatureArea {
  readonly height?: number;
  readonly width?: number;
  /** A sentence, where the size is a guess. */
  readonly assumed?: string;
}

/**
 * Height and width of what enters fc6: known, else from --input-size, else the square root of the area where that is whole.
 * Throws `mismatch` where --input-size contradicts the file.
 */
export function featureArea(
  known: readonly [number | undefined, number | undefined] | undefined,
  area: number | undefined,
  network: Network,
  inputSize: readonly [number, number, (number | undefined)?] | undefined,
): FeatureArea {
  const [height, width] = known ?? [];
  const reduction = 2 ** poolCount(network);
  // A kernel that slides over more than it covers says nothing of the picture.
  const slides = network.layers.some((layer) => layer.kind === "fc" && layer.windows !== undefined);
  if (inputSize !== undefined && !slides) {
    const [h, w] = bodyOutput(network, [inputSize[0], inputSize[1]]) ?? [0, 0];
    if ((area !== undefined && h * w !== area) || (height !== undefined && height !== h) || (width !== undefined && width !== w)) {
      const has = height !== undefined && width !== undefined ? `${height}×${width}` : `${area} positions`;
      throw new CheckpointError(
        "mismatch",
        `--input-size ${inputSize.filter((size) => size !== undefined).join("x")} makes fc6 see ${h}×${w}, the file has ${has}`,
      );
    }
    return { height: h, width: w };
  }
  if (height !== undefined && width !== undefined) return { height, width };
  const root = area === undefined ? 0 : Math.round(Math.sqrt(area));
  if (area === undefined || root * root !== area) return {};
  const size = root * reduction;
  return {
    height: root,
    width: root,
    assumed: `fc6 sees ${root}×${root} (an input of ${size}×${size}), of which the file gives the area alone`,
  };
}

/** For a target that has to tell height from width. */
export function unknownArea(area: number | undefined, channels: number, pools: number): CheckpointError {
  const reduction = 2 ** pools;
  const sizes =
    area === undefined
      ? []
      : possibleSizes(area).flatMap(([h, w]) =>
          h === w
            ? [[h, w]]
            : [
                [h, w],
                [w, h],
              ],
        );
  const pictures = sizes.map(([h, w]) => [(h ?? 0) * reduction, (w ?? 0) * reduction, channels] as const);
  return new Refusal(
    "usage",
    "the file does not say the height and width of what enters fc6, and this target needs them",
    pictures.length === 0
      ? [anyPictures(channels)]
      : pictures.map((inputSize, k) => ({ options: { inputSize }, say: (options) => `${k === 0 ? "add" : "or"} ${options}` })),
  );
}
