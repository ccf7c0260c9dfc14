import type { MadeLayer } from "./spell.ts";

/** Convolutions per block. */
export const blocks: Readonly<Record<string, readonly number[]>> = {
  A: [1, 1, 2, 2, 2],
  B: [2, 2, 2, 2, 2],
  D: [2, 2, 3, 3, 3],
  E: [2, 2, 4, 4, 4],
};
export const usual: readonly number[] = [64, 128, 256, 512, 512];

const kinds = ["conv", "deconv", "dense", "norm", "affine", "scale", "raw"] as const;

/**
 * Layers in short, one a line: `NAME KIND SIZES`, as `extras.0 conv 1024 256 1`, `fc dense 512 10`, `bn norm 64`. `-` before the name: without
 * a bias; `ROLE=NAME` where it is one of a VGG's.
 */
export function lines(text: string): readonly MadeLayer[] {
  return text
    .trim()
    .split(/\s*[\n;]\s*/)
    .map((line) => {
      const [head = "", word = "", ...sizes] = line.split(/\s+/);
      const bias = !head.startsWith("-");
      const [path = "", role] = head.replace(/^-/, "").split("=").toReversed();
      const kind = kinds.find((each) => each === word);
      if (kind === undefined) throw new Error(`no layer: ${line}`);
      return { path, kind, sizes: sizes.map(Number), bias, ...(role !== undefined && { role }) };
    });
}

export interface BodyOptions {
  readonly widths?: readonly number[];
  readonly inputs?: number;
  /** Batch norm behind each convolution: its path from that of the convolution. */
  readonly norm?: (path: string) => string;
  readonly bias?: boolean;
  /** The last convolution: conv4_3. */
  readonly through?: string;
}

/**
 * The convolutions of a VGG. `name` is a template: {b} block, {n} convolution in it, both from 1; {n0} from 0; {f} the number that torchvision's
 * `features` has, {g} the same with batch norm, {k} convolutions from 0.
 */
export function body(config: string, name: string, options: BodyOptions = {}): readonly MadeLayer[] {
  const { widths = usual, inputs: first = 3, norm, bias = true, through } = options;
  const layers: MadeLayer[] = [];
  let [inputs, f, g, k] = [first, 0, 0, 0];
  for (const [at, count] of (blocks[config] ?? []).entries()) {
    const outputs = widths[at] ?? 1;
    for (let n = 1; n <= count; n++) {
      const role = `conv${at + 1}_${n}`;
      const values: Readonly<Record<string, number>> = { b: at + 1, n, n0: n - 1, f, g, k, k1: k + 1 };
      const path = name.replace(/\{(\w+)\}/g, (_, key: string) => String(values[key]));
      layers.push({ path, kind: "conv", sizes: [inputs, outputs, 3], bias, role });
      if (norm !== undefined) layers.push({ path: norm(path), kind: "norm", sizes: [outputs], bias: true, role: `${role}.bn` });
      [inputs, f, g, k] = [outputs, f + 2, g + 3, k + 1];
      if (role === through) return layers;
    }
    f++;
    g++;
  }
  return layers;
}

/** The path with the last number one higher: torchvision's batch norm. */
export const next = (path: string): string => path.replace(/\d+$/, (number) => String(Number(number) + 1));

/** Dense layers, one behind the other, under these names. */
export function dense(names: string, ...sizes: readonly number[]): readonly MadeLayer[] {
  return names.split(" ").map((entry, i): MadeLayer => {
    const [path = "", role] = entry.split("=").toReversed();
    return { path, kind: "dense", sizes: [sizes[i] ?? 1, sizes[i + 1] ?? 1], bias: true, ...(role !== undefined && { role }) };
  });
}

/** Convolutions, one behind the other: `widths` from the inputs on, under names with {k} from 0, {k1} from 1. */
export function convs(name: string, kernel: number, widths: readonly number[], norm?: string): readonly MadeLayer[] {
  const fill = (text: string, k: number): string =>
    text
      .replace("{k}", String(k))
      .replace("{k1}", String(k + 1))
      .replace("{2k}", String(2 * k))
      .replace("{3k}", String(3 * k))
      .replace("{3k1}", String(3 * k + 1));
  return widths.slice(1).flatMap((outputs, k): readonly MadeLayer[] => {
    const conv: MadeLayer = { path: fill(name, k), kind: "conv", sizes: [widths[k] ?? 1, outputs, kernel], bias: norm === undefined };
    return norm === undefined ? [conv] : [conv, { path: fill(norm, k), kind: "norm", sizes: [outputs], bias: true }];
  });
}
