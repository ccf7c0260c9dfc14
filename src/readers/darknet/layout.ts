import { CheckpointError } from "../../errors.ts";
import { type CfgSection, integer } from "./cfg.ts";

/** One array of a .weights file: all are float32, little-endian, one behind the other. */
export interface WeightArray {
  /** Number of the section after [net], from 0, and Darknet's field name: 0.biases */
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the first element, counted in elements from the end of the header. */
  readonly start: number;
  /** Kept as [in, out] though Darknet uses it as [out, in]: files of a `transpose` writer. */
  readonly transposed: boolean;
}

export interface WeightLayout {
  readonly arrays: readonly WeightArray[];
  /** Of all arrays, in elements. */
  readonly elements: number;
  /** Height, width, channels of the input. */
  readonly input: readonly [number, number, number];
}

/** Height, width, channels of what a section gives. */
type Size = readonly [height: number, width: number, channels: number];

/** Sections without weights that hand their input on. */
const passing = new Set([
  "dropout",
  "softmax",
  "soft",
  "cost",
  "activation",
  "logistic",
  "normalization",
  "lrn",
  "yolo",
  "region",
  "detection",
  "l2norm",
  "iseg",
]);

/**
 * What is where, from the .cfg (pjreddie/darknet src/parser.c, parse_*, load_weights_upto): a convolution has biases, with
 * batch_normalize scales, rolling_mean and rolling_variance, then weights; a connected layer biases, weights, then those three.
 * Throws `malformed`, and `unsupported` for sections with weights of other kinds.
 */
export function weightLayout(sections: readonly CfgSection[], transpose: boolean): WeightLayout {
  const [net, ...rest] = sections;
  if (net === undefined || !/^net(work)?$/.test(net.type)) throw new CheckpointError("malformed", "the .cfg does not begin with [net]");
  const input: Size = [integer(net, "height", 0), integer(net, "width", 0), integer(net, "channels", 0)];
  const builder = new LayoutBuilder(transpose);
  const sizes: Size[] = [];
  let size = input;
  rest.forEach((section, k) => {
    size = builder.section(section, k, size, sizes);
    if (size.some((axis) => !Number.isSafeInteger(axis) || axis < 0)) {
      throw new CheckpointError(
        "malformed",
        `[${section.type}] at line ${section.line} of the .cfg gives ${size.join("x")}, which is no size`,
      );
    }
    sizes.push(size);
  });
  return { arrays: builder.arrays, elements: builder.elements, input };
}

class LayoutBuilder {
  readonly arrays: WeightArray[] = [];
  elements = 0;
  readonly #transpose: boolean;

  constructor(transpose: boolean) {
    this.#transpose = transpose;
  }

  section(section: CfgSection, k: number, size: Size, before: readonly Size[]): Size {
    const [height, width, channels] = size;
    switch (section.type) {
      case "convolutional":
      case "conv":
        return this.#convolution(section, k, size);
      case "connected":
      case "conn":
        return this.#connected(section, k, height * width * channels);
      case "batchnorm":
        this.#norm(k, channels);
        return size;
      case "maxpool":
      case "max": {
        const stride = integer(section, "stride", 1);
        const window = integer(section, "size", stride);
        const padding = integer(section, "padding", window - 1);
        return [pooled(height, padding, window, stride), pooled(width, padding, window, stride), channels];
      }
      case "avgpool":
      case "avg":
        return [1, 1, channels];
      case "upsample": {
        const stride = integer(section, "stride", 2);
        return [height * stride, width * stride, channels];
      }
      case "reorg": {
        const stride = integer(section, "stride", 1);
        return [Math.floor(height / stride), Math.floor(width / stride), channels * stride * stride];
      }
      case "crop":
        return [integer(section, "crop_height", 1), integer(section, "crop_width", 1), channels];
      case "route":
        return routed(section, k, before);
      case "shortcut":
        return size;
      default:
        if (passing.has(section.type)) return size;
        throw new CheckpointError(
          "unsupported",
          `[${section.type}] at line ${section.line} of the .cfg: only convolutional, connected and batchnorm weights are known`,
        );
    }
  }

  #convolution(section: CfgSection, k: number, [height, width, channels]: Size): Size {
    const filters = integer(section, "filters", 1);
    const kernel = integer(section, "size", 1);
    const stride = integer(section, "stride", 1);
    const groups = integer(section, "groups", 1);
    // pad=1 means half the kernel, padding=n for itself.
    const padding = integer(section, "pad", 0) !== 0 ? Math.floor(kernel / 2) : integer(section, "padding", 0);
    if (groups < 1 || channels % groups !== 0) {
      throw new CheckpointError("malformed", `${channels} channels in ${groups} groups at line ${section.line} of the .cfg`);
    }
    this.#add(k, "biases", [filters]);
    if (integer(section, "batch_normalize", 0) !== 0) this.#norm(k, filters);
    this.#add(k, "weights", [filters, channels / groups, kernel, kernel]);
    return [pooled(height, 2 * padding, kernel, stride), pooled(width, 2 * padding, kernel, stride), filters];
  }

  #connected(section: CfgSection, k: number, inputs: number): Size {
    const outputs = integer(section, "output", 1);
    this.#add(k, "biases", [outputs]);
    this.#add(k, "weights", [outputs, inputs], this.#transpose);
    if (integer(section, "batch_normalize", 0) !== 0) this.#norm(k, outputs);
    return [1, 1, outputs];
  }

  #norm(k: number, count: number): void {
    for (const field of ["scales", "rolling_mean", "rolling_variance"]) this.#add(k, field, [count]);
  }

  #add(k: number, field: string, shape: readonly number[], transposed = false): void {
    const count = shape.reduce((product, size) => product * size, 1);
    if (!Number.isSafeInteger(count) || count < 0 || shape.some((size) => size < 1)) {
      throw new CheckpointError("malformed", `the .cfg gives ${k}.${field} the shape [${shape.join(", ")}]`);
    }
    this.arrays.push({ name: `${k}.${field}`, shape, start: this.elements, transposed });
    this.elements += count;
  }
}

function pooled(size: number, padding: number, window: number, stride: number): number {
  return stride < 1 ? Number.NaN : Math.floor((size + padding - window) / stride) + 1;
}

/** The channels of earlier sections together; negative numbers count back. */
function routed(section: CfgSection, k: number, before: readonly Size[]): Size {
  const indices = (section.options.get("layers") ?? "").split(",").map(Number);
  const sources = indices.map((index) => before[index < 0 ? k + index : index]);
  const [first] = sources;
  if (first === undefined || sources.some((source) => source === undefined)) {
    throw new CheckpointError("malformed", `[route] at line ${section.line} of the .cfg names a section that is not before it`);
  }
  return [first[0], first[1], sources.reduce((sum, source) => sum + (source?.[2] ?? 0), 0)];
}
