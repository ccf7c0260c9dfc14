import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateRawSync } from "node:zlib";
import type { ConvLayer, FcLayer, Network, NetworkLayer, PoolLayer } from "../../src/model/network/network.ts";
import type { Weights } from "../../src/verify/engines/engine.ts";

export interface Array32 {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A float32 .npy, with no more care than the golden files need: the tests of verify/ rest on no reader. */
export function readNpy(bytes: Buffer): Array32 {
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + headerLength).toString("latin1");
  if (!header.includes("'<f4'")) throw new Error(`not a float32 array: ${header}`);
  const shape = (/\(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const values = new Float32Array(new Uint8Array(bytes.subarray(10 + headerLength)).buffer);
  const [rows = 1, columns = 1] = shape;
  if (!header.includes("'fortran_order': True") || shape.length < 2) return { shape, values };
  if (shape.length > 2) throw new Error("a column-major array of more than two axes");
  return { shape, values: values.map((_, k) => values[(k % columns) * rows + Math.floor(k / columns)] ?? Number.NaN) };
}

export function npyFile(path: string): Array32 {
  return readNpy(readFileSync(path));
}

/** All arrays of an .npz by name, found through its central directory. */
export function npzFile(path: string): ReadonlyMap<string, Array32> {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  const out = new Map<string, Array32>();
  let at = bytes.readUInt32LE(end + 16);
  for (let k = bytes.readUInt16LE(end + 10); k > 0; k--) {
    const [method, packed, nameLength] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20), bytes.readUInt16LE(at + 28)];
    const name = bytes.subarray(at + 46, at + 46 + nameLength).toString("utf8");
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const raw = bytes.subarray(start, start + packed);
    out.set(name.replace(/\.npy$/, ""), readNpy(method === 8 ? inflateRawSync(raw) : raw));
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return out;
}

/** Weights of a canonical set (axes o i h w, all layers) along the axes that an engine asks for. */
export function weightsFrom(set: ReadonlyMap<string, Array32>): Weights {
  return async (role, axes) => {
    const array = set.get(role);
    if (array === undefined) throw new Error(`no ${role}`);
    return array.shape.length === 1 ? array.values.slice() : transpose(array, axes.replace(/[()]/g, "").split(" "));
  };
}

/** o i h w values in another order of the four axes; "i o" leaves the two of size 1 out. */
export function transpose(array: Array32, axes: readonly string[]): Float32Array {
  const names = ["o", "i", "h", "w"];
  const strides = names.map((_, k) => array.shape.slice(k + 1).reduce((product, size) => product * size, 1));
  const order = axes.map((axis) => names.indexOf(axis));
  const out = new Float32Array(array.values.length);
  const walk = (depth: number, offset: number, at: { k: number }): void => {
    const axis = order[depth];
    if (axis === undefined) {
      out[at.k++] = array.values[offset] ?? 0;
      return;
    }
    for (let index = 0; index < (array.shape[axis] ?? 0); index++) walk(depth + 1, offset + index * (strides[axis] ?? 0), at);
  };
  walk(0, 0, { k: 0 });
  return out;
}

export interface HandMade {
  readonly head?: "dense" | "conv" | "none";
  readonly epsilon?: number;
  readonly ceil?: boolean;
  readonly adaptive?: readonly [number, number];
  readonly featureShape?: Network["featureShape"];
}

/** The network that a canonical set holds, by its roles' names and shapes. */
export function networkOf(set: ReadonlyMap<string, Array32>, options: HandMade = {}): Network {
  const { head = "dense", epsilon = 1e-5, ceil = false } = options;
  const shape = (role: string): readonly number[] => set.get(role)?.shape ?? [];
  const norm = (name: string) => (set.has(`${name}.bn.var`) ? { batchNorm: { epsilon } } : {});
  const layers: NetworkLayer[] = [];
  for (let b = 1; b <= 5; b++) {
    for (let n = 1; set.has(`conv${b}_${n}.weight`); n++) {
      const name = `conv${b}_${n}`;
      const [outputs = 0, inputs = 0, kh = 0, kw = 0] = shape(`${name}.weight`);
      const pad: [number, number] = [Math.floor(kh / 2), Math.floor(kw / 2)];
      layers.push({
        kind: "conv",
        name,
        inputs,
        outputs,
        kernel: [kh, kw],
        pad,
        bias: set.has(`${name}.bias`),
        ...norm(name),
      } satisfies ConvLayer);
    }
    layers.push({ kind: "pool", name: `pool${b}`, ceil } satisfies PoolLayer);
  }
  const convolutions = layers.filter((layer) => layer.kind === "conv");
  if (options.adaptive !== undefined) layers.push({ kind: "adaptive-pool", name: "avgpool", size: options.adaptive });
  const fc6 = shape("fc6.weight");
  if (head !== "none") {
    for (const name of ["fc6", "fc7", "fc8"]) {
      const [outputs = 0, ...rest] = shape(`${name}.weight`);
      const inputs = rest.reduce((product, size) => product * size, 1);
      const activation = name === "fc8" ? "none" : "relu";
      layers.push({ kind: "fc", name, inputs, outputs, bias: set.has(`${name}.bias`), activation, ...norm(name) } satisfies FcLayer);
    }
  }
  const fc = layers.filter((layer) => layer.kind === "fc");
  const [, channels = 0, height, width] = fc6;
  return {
    family: "vgg",
    config: convolutions.length === 13 ? "D" : "other",
    name: `VGG-${convolutions.length + 3}`,
    batchNorm: set.has("conv1_1.bn.var"),
    layers,
    widths: [...convolutions, ...fc].map((layer) => layer.outputs),
    inputChannels: shape("conv1_1.weight")[1] ?? 0,
    epsilon,
    geometry: "assumed",
    uncomputed: [],
    missing: [],
    complete: true,
    ...(head === "none"
      ? {}
      : { head, classes: shape("fc8.weight")[0] ?? 0, featureShape: options.featureShape ?? [channels, height, width] }),
  };
}

export function arch(folder: string) {
  return {
    weights: npzFile(join(folder, "canonical.npz")),
    input: npyFile(join(folder, "input.npy")),
    logits: npyFile(join(folder, "logits.npy")),
  };
}

export function maxAbs(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

export function maxDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  return a.reduce((largest, value, k) => Math.max(largest, Math.abs(value - (b[k] ?? Number.NaN))), 0);
}

export interface Recipe {
  /** Output channels of each convolution, block by block. */
  readonly widths?: readonly (readonly number[])[];
  readonly channels?: number;
  /** Kernel sizes that are not 3×3. */
  readonly kernels?: Readonly<Partial<Record<string, readonly [number, number]>>>;
  /** Channels, height and width of what enters fc6; the head then is 5, 6, 4 wide. */
  readonly fc?: readonly [number, number, number];
  readonly batchNorm?: boolean;
  /** fc7 and fc8 as wide as fc6, so that no shape tells a transposed or swapped one. */
  readonly square?: boolean;
  readonly picture?: readonly number[];
  readonly seed?: number;
}

/** A canonical set of small random weights (axes o i h w), the same on every run; with `picture`, an image C H W. */
export function randomSet(recipe: Recipe): ReadonlyMap<string, Array32> {
  const out = new Map<string, Array32>();
  let state = (recipe.seed ?? 0) + 1;
  // The Lehmer generator of Park and Miller, 16807: exact in a double.
  const uniform = (): number => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
  for (let k = 0; k < 10; k++) uniform();
  const draw = (name: string, shape: readonly number[], low: number, high: number): void => {
    const size = shape.reduce((product, n) => product * n, 1);
    out.set(name, { shape, values: Float32Array.from({ length: size }, () => low + (high - low) * uniform()) });
  };
  if (recipe.picture !== undefined) draw("picture", recipe.picture, -2, 2);
  const layer = (name: string, outputs: number, inputs: number, [kh, kw]: readonly [number, number]): void => {
    const bound = Math.sqrt(6 / (inputs * kh * kw));
    draw(`${name}.weight`, [outputs, inputs, kh, kw], -bound, bound);
    draw(`${name}.bias`, [outputs], -0.1, 0.3);
  };
  let inputs = recipe.channels ?? 3;
  recipe.widths?.forEach((block, b) => {
    block.forEach((outputs, n) => {
      const name = `conv${b + 1}_${n + 1}`;
      layer(name, outputs, inputs, recipe.kernels?.[name] ?? [3, 3]);
      if (recipe.batchNorm === true) {
        draw(`${name}.bn.weight`, [outputs], 0.7, 1.3);
        draw(`${name}.bn.bias`, [outputs], -0.1, 0.3);
        draw(`${name}.bn.mean`, [outputs], -0.1, 0.1);
        draw(`${name}.bn.var`, [outputs], 0.001, 1.5);
      }
      inputs = outputs;
    });
  });
  if (recipe.fc !== undefined) {
    const [channels, h, w] = recipe.fc;
    layer("fc6", 5, channels, [h, w]);
    const [fc7, fc8] = recipe.square === true ? [5, 5] : [6, 4];
    layer("fc7", fc7, 5, [1, 1]);
    layer("fc8", fc8, fc7, [1, 1]);
  }
  return out;
}
