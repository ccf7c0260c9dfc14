import { conventionsOf } from "../../src/formats.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Random } from "./random.ts";

/** One tensor of a small VGG-11 with torchvision's names and axes. */
export interface SmallTensor {
  readonly layer: string;
  readonly part: "weight" | "bias";
  readonly shape: readonly number[];
  readonly fanIn: number;
  readonly fanOut: number;
}

const usualWidths: readonly number[] = [6, 8, 10, 12, 14, 16, 18, 20];
const places = [0, 3, 6, 8, 11, 13, 16, 18];
/** fc6 takes 20 channels of 4 × 4 places. */
const usualHead: readonly number[] = [20 * 16, 48, 40, 10];

/** A small VGG-11 as torchvision saves it, filled as `fill` says. */
export function smallVgg(fill: (tensor: SmallTensor) => Float32Array, head = usualHead, widths = usualWidths): Checkpoint {
  const tensors = new Map<string, Tensor>();
  const add = (name: string, spec: SmallTensor): void => {
    const bytes = new Uint8Array(fill(spec).buffer);
    tensors.set(name, contiguous({ name, dtype: "float32", shape: spec.shape, source: memorySource(bytes, "vgg.pth") }));
  };
  widths.forEach((outputs, k) => {
    const inputs = widths[k - 1] ?? 3;
    const layer = `features.${places[k]}`;
    const fans = { layer, fanIn: inputs * 9, fanOut: outputs * 9 };
    add(`${layer}.weight`, { ...fans, part: "weight", shape: [outputs, inputs, 3, 3] });
    add(`${layer}.bias`, { ...fans, part: "bias", shape: [outputs] });
  });
  [0, 3, 6].forEach((place, k) => {
    const [inputs = 0, outputs = 0] = head.slice(k, k + 2);
    const layer = `classifier.${place}`;
    const fans = { layer, fanIn: inputs, fanOut: outputs };
    add(`${layer}.weight`, { ...fans, part: "weight", shape: [outputs, inputs] });
    add(`${layer}.bias`, { ...fans, part: "bias", shape: [outputs] });
  });
  return {
    format: "torch",
    conventions: conventionsOf("torch"),
    variant: "test",
    files: ["vgg.pth"],
    bytes: 0,
    tensors,
    layers: [],
    metadata: new Map(),
    notes: [],
    close: () => Promise.resolve(),
  };
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Independent normal values (Box and Muller). */
export function normals(random: Random, count: number, std: number): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    return std * radius * Math.cos(2 * Math.PI * random.next());
  });
}

export function uniforms(random: Random, count: number, bound: number): Float32Array {
  return Float32Array.from({ length: count }, () => (2 * random.next() - 1) * bound);
}

/** Heavy-tailed weights and moved biases, as training leaves them. */
export function trained(random: Random): (tensor: SmallTensor) => Float32Array {
  return ({ shape, fanIn, part }) => {
    const values = normals(random, size(shape), part === "bias" ? 0.1 : 0.6 / Math.sqrt(fanIn));
    return values.map((value) => value * (0.3 + Math.abs(value) * Math.sqrt(fanIn)));
  };
}
