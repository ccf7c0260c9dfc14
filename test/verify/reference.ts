import type { Window, Windows } from "../../src/model/geometry/window.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import type { Array32 } from "./support.ts";

interface Volume {
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly at: (c: number, y: number, x: number) => number;
}

/** The network on one picture (C H W) in float64 and in the plainest words: the oracle for what no golden set holds. */
export function reference(network: Network, set: ReadonlyMap<string, Array32>, picture: Array32): ReadonlyMap<string, readonly number[]> {
  const [channels = 0, height = 0, width = 0] = picture.shape;
  let volume: Volume = {
    shape: [channels, height, width],
    at: (c, y, x) => (y < 0 || x < 0 || y >= height || x >= width ? 0 : (picture.values[(c * height + y) * width + x] ?? 0)),
  };
  const out = new Map<string, readonly number[]>();
  for (const layer of network.layers) {
    volume = stored(forward(layer, set, volume, layer === network.layers.at(-1)));
    out.set(layer.name, flat(volume));
  }
  return out;
}

function forward(layer: NetworkLayer, set: ReadonlyMap<string, Array32>, input: Volume, isLast: boolean): Volume {
  const [channels, height, width] = input.shape;
  if (layer.kind === "pool" && layer.windows !== undefined) return sliding(input, layer.windows, layer.method);
  if (layer.kind === "pool") {
    const round = layer.ceil ? Math.ceil : Math.floor;
    const at = (c: number, y: number, x: number): number => {
      const values: number[] = [];
      for (const dy of [0, 1])
        for (const dx of [0, 1]) if (2 * y + dy < height && 2 * x + dx < width) values.push(input.at(c, 2 * y + dy, 2 * x + dx));
      return Math.max(...values);
    };
    return { shape: [channels, round(height / 2), round(width / 2)], at };
  }
  if (layer.kind === "adaptive-pool") {
    const [h, w] = layer.size;
    const at = (c: number, y: number, x: number): number => {
      let [sum, count] = [0, 0];
      for (let r = Math.floor((y * height) / h); r < Math.ceil(((y + 1) * height) / h); r++) {
        for (let s = Math.floor((x * width) / w); s < Math.ceil(((x + 1) * width) / w); s++, count++) sum += input.at(c, r, s);
      }
      return sum / count;
    };
    return { shape: [channels, h, w], at };
  }
  const kernel = set.get(`${layer.name}.weight`);
  if (kernel === undefined) throw new Error(`no ${layer.name}`);
  const [outputs = 0, inputs = 0, kh = 0, kw = 0] = kernel.shape;
  const [ph = 0, pw = 0] = layer.windows?.map(begin) ?? (layer.kind === "conv" ? layer.pad : [0, 0]);
  const [dh = 1, dw = 1] = layer.windows?.map(({ dilation }) => dilation) ?? [1, 1];
  const [sh = 1, sw = 1] = layer.windows?.map(({ stride }) => stride) ?? [1, 1];
  const vector = (role: string, otherwise: number) => (o: number) => set.get(`${layer.name}.${role}`)?.values[o] ?? otherwise;
  const [bias, gamma, beta, mean, variance] = [
    vector("bias", 0),
    vector("bn.weight", 1),
    vector("bn.bias", 0),
    vector("bn.mean", 0),
    vector("bn.var", 1),
  ];
  const factor = layer.kind === "fc" ? (layer.inputScale ?? 1) : 1;
  const at = (o: number, y: number, x: number): number => {
    let sum = bias(o);
    for (let i = 0; i < inputs; i++) {
      for (let r = 0; r < kh; r++) {
        for (let s = 0; s < kw; s++)
          sum +=
            factor * input.at(i, sh * y + dh * r - ph, sw * x + dw * s - pw) * (kernel.values[((o * inputs + i) * kh + r) * kw + s] ?? 0);
      }
    }
    if (layer.batchNorm !== undefined) sum = ((sum - mean(o)) / Math.sqrt(variance(o) + layer.batchNorm.epsilon)) * gamma(o) + beta(o);
    const rectified = layer.kind === "conv" ? layer.linear !== true : layer.activation === "relu" && !isLast;
    return rectified ? Math.max(sum, 0) : sum;
  };
  if (layer.windows !== undefined) return { shape: [outputs, ...places(input, layer.windows)], at };
  return { shape: [outputs, height + 2 * ph - kh + 1, width + 2 * pw - kw + 1], at };
}

function begin({ pad }: Window): number {
  if (pad === "same") throw new Error("the reference knows numbers alone");
  return pad[0];
}

/** Windows that fit, one after another; rounded up, the last one may hang over. Counted, not computed. */
function places({ shape: [, height, width] }: Volume, windows: Windows): [number, number] {
  const along = (size: number, window: Window): number => {
    const [before, behind] = window.pad === "same" ? [0, 0] : window.pad;
    const last = (window.kernel - 1) * window.dilation;
    let count = 0;
    for (
      let start = -before;
      start + last < size + behind || (window.ceil && start < size && start + last - window.stride + 1 < size + behind);
      start += window.stride
    )
      count++;
    return count;
  };
  return [along(height, windows[0]), along(width, windows[1])];
}

function sliding(input: Volume, windows: Windows, method: "average" | undefined): Volume {
  const [channels, height, width] = input.shape;
  const [down, across] = windows;
  const at = (c: number, y: number, x: number): number => {
    const values: number[] = [];
    for (let r = 0; r < down.kernel; r++) {
      for (let s = 0; s < across.kernel; s++) {
        const [row, column] = [y * down.stride + r - begin(down), x * across.stride + s - begin(across)];
        if (row >= 0 && column >= 0 && row < height && column < width) values.push(input.at(c, row, column));
      }
    }
    return method === "average" ? values.reduce((sum, value) => sum + value, 0) / values.length : Math.max(...values);
  };
  return { shape: [channels, ...places(input, windows)], at };
}

function stored(volume: Volume): Volume {
  const [, height, width] = volume.shape;
  const values = flat(volume);
  const at = (c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? 0 : (values[(c * height + y) * width + x] ?? 0);
  return { shape: volume.shape, at };
}

function flat({ shape: [channels, height, width], at }: Volume): readonly number[] {
  const out: number[] = [];
  for (let c = 0; c < channels; c++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out.push(at(c, y, x));
  return out;
}
