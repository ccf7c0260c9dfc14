import { generator } from "../input/photo.ts";

/** A kernel along h w i o, row-major. */
export interface Kernel {
  /** Height, width, inputs, outputs. */
  readonly shape: readonly [number, number, number, number];
  readonly values: Float32Array;
}

/** Where in `a` the value of `b` at (h, w, i, o) comes from, if the relation holds. */
export type Place = (shape: Kernel["shape"], h: number, w: number, i: number, o: number) => number;

interface Relation {
  readonly place: Place;
  /** A sentence about two networks. */
  say(layer: string, a: string, b: string): string;
}

/** Positions that are compared; all of them where a kernel is smaller. Enough to tell a permutation from chance. */
const SAMPLES = 1 << 16;
/** Share of b's energy that may stay unexplained: half precision leaves 1e-5, chance leaves 1 or more. */
const UNEXPLAINED = 1e-3;

const at = ([, width, inputs, outputs]: Kernel["shape"], h: number, w: number, i: number, o: number): number =>
  ((h * width + w) * inputs + i) * outputs + o;

/** The commonest, by name. */
export const places = {
  rotated: (s, h, w, i, o) => at(s, s[0] - 1 - h, s[1] - 1 - w, i, o),
  inputsReversed: (s, h, w, i, o) => at(s, h, w, s[2] - 1 - i, o),
  transposed: (s, h, w, i, o) => (s[2] === s[3] ? at(s, h, w, o, i) : -1),
} as const satisfies Record<string, Place>;

/** The ways in which a converter can go wrong without changing a shape, commonest first. */
const fixed: readonly Relation[] = [
  {
    place: places.rotated,
    say: (layer, a, b) =>
      `${layer}: the kernels of ${b} are those of ${a} rotated by 180° (one is convolution in Theano's sense, the other correlation)`,
  },
  {
    place: places.inputsReversed,
    say: (layer, a, b) =>
      layer === "conv1_1"
        ? `${layer}: the input channels of ${b} are in the reverse order of ${a}: one expects RGB, the other BGR`
        : `${layer}: the input channels of ${b} are in the reverse order of ${a}`,
  },
  {
    place: places.transposed,
    say: (layer, a, b) =>
      `${layer}: the weights of ${b} are those of ${a} transposed, inputs for outputs; the layer is square, so no shape shows it`,
  },
  {
    place: (s, h, w, i, o) => (s[0] === s[1] ? at(s, w, h, i, o) : -1),
    say: (layer, a, b) => `${layer}: height and width of the kernels are swapped between ${a} and ${b}`,
  },
  {
    place: (s, h, w, i, o) => at(s, s[0] - 1 - h, w, i, o),
    say: (layer, a, b) => `${layer}: the kernels of ${b} are those of ${a} upside down`,
  },
  {
    place: (s, h, w, i, o) => at(s, h, s[1] - 1 - w, i, o),
    say: (layer, a, b) => `${layer}: the kernels of ${b} are those of ${a} mirrored left to right`,
  },
  {
    place: (s, h, w, i, o) => at(s, h, w, i, s[3] - 1 - o),
    say: (layer, a, b) => `${layer}: the outputs of ${b} are in the reverse order of ${a}`,
  },
];

const letters = { h: "h", w: "w", i: "c" } as const;
type Axis = keyof typeof letters;
const orders: readonly Order[] = [
  ["i", "h", "w"],
  ["h", "w", "i"],
  ["i", "w", "h"],
  ["w", "h", "i"],
  ["h", "i", "w"],
  ["w", "i", "h"],
];

type Order = readonly [Axis, Axis, Axis];

/** Rows that are in the order `kept` and are read as if they were in the order `read`. */
export function rowsKept(kept: Order, read: Order): Place {
  return (shape, h, w, i, o) => {
    const size: Readonly<Record<Axis, number>> = { h: shape[0], w: shape[1], i: shape[2] };
    const index: Readonly<Record<Axis, number>> = { h, w, i };
    let row = read.reduce((position, axis) => position * size[axis] + index[axis], 0);
    const found = { h: 0, w: 0, i: 0 };
    for (const axis of kept.toReversed()) {
      found[axis] = row % size[axis];
      row = Math.floor(row / size[axis]);
    }
    return at(shape, found.h, found.w, found.i, o);
  };
}

/** Rows of a flattened layer, kept in one order and read in another: every pair of the six orders of c, h, w. */
const flattened: readonly (Relation & { readonly read: string })[] = orders.flatMap((read) =>
  orders
    .filter((kept) => kept !== read)
    .map((kept) => ({
      read: read.join(" "),
      place: rowsKept(kept, read),
      say: (layer: string, a: string, b: string) =>
        `${layer}: rows permuted: ${b} keeps them as ${orderText(kept)} where ${orderText(read)} is read; with the rows reordered it is the ${layer} of ${a}`,
    })),
);

function orderText(order: readonly Axis[]): string {
  return order.map((axis) => letters[axis]).join(",");
}

/**
 * The relation that makes `b` out of `a` (same shape, not equal), as a sentence; undefined where none of the known ones does.
 * `readAs`: the order ("i h w") in which b's file keeps the rows of a flattened layer, so that the sentence names that one.
 */
export function relationBetween(
  layer: string,
  a: Kernel,
  b: Kernel,
  names: readonly [a: string, b: string],
  readAs?: string,
): string | undefined {
  const rows =
    readAs === undefined || a.shape[0] * a.shape[1] === 1
      ? []
      : [...flattened].sort((x, y) => Number(y.read === readAs) - Number(x.read === readAs));
  return [...rows, ...fixed].find((relation) => holds(relation.place, a, b))?.say(layer, ...names);
}

function holds(place: Place, a: Kernel, b: Kernel): boolean {
  let [left, energy] = [0, 0];
  for (const k of positions(b.values.length)) {
    const [h, w, i, o] = unravel(k, b.shape);
    const from = place(b.shape, h, w, i, o);
    if (from < 0) return false;
    const [x, y] = [a.values[from] ?? 0, b.values[k] ?? 0];
    left += (x - y) * (x - y);
    energy += y * y;
  }
  return energy > 0 && left <= UNEXPLAINED * energy;
}

export function unravel(k: number, [, width, inputs, outputs]: Kernel["shape"]): readonly [number, number, number, number] {
  const row = Math.floor(k / outputs);
  const position = Math.floor(row / inputs);
  return [Math.floor(position / width), position % width, row % inputs, k % outputs];
}

function positions(count: number): readonly number[] {
  if (count <= SAMPLES) return Array.from({ length: count }, (_, k) => k);
  const random = generator(count);
  return Array.from({ length: SAMPLES }, () => Math.floor(random() * count));
}

/**
 * Factors s with b = s·a for each output (axis 3) or each input (axis 2); undefined where they leave something unexplained.
 * Scale of batch norm worked in shows as one factor an output, a picture's spread as one an input channel.
 */
export function factors(a: Kernel, b: Kernel, axis: 2 | 3): Float64Array | undefined {
  const count = a.shape[axis];
  const [ab, aa] = [new Float64Array(count), new Float64Array(count)];
  const channel = (k: number): number => (axis === 3 ? k % a.shape[3] : Math.floor(k / a.shape[3]) % a.shape[2]);
  for (let k = 0; k < a.values.length; k++) {
    const c = channel(k);
    const [x, y] = [a.values[k] ?? 0, b.values[k] ?? 0];
    ab[c] = (ab[c] ?? 0) + x * y;
    aa[c] = (aa[c] ?? 0) + x * x;
  }
  const scale = ab.map((value, c) => (aa[c] === 0 ? 1 : value / (aa[c] ?? 1)));
  let [left, energy] = [0, 0];
  for (let k = 0; k < a.values.length; k++) {
    const y = b.values[k] ?? 0;
    const rest = y - (a.values[k] ?? 0) * (scale[channel(k)] ?? 0);
    left += rest * rest;
    energy += y * y;
  }
  return energy > 0 && left <= UNEXPLAINED * energy ? scale : undefined;
}
