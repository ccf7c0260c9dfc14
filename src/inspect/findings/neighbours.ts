export interface Correlation {
  readonly value: number;
  /** Standard error: from how the outputs differ, and no less than independent weights have (1 ÷ √pairs). */
  readonly noise: number;
}

/** How the inputs of a dense layer come from channels at places. */
export interface InputShape {
  readonly channels: number;
  readonly places: number;
  /** Places in a row; undefined: only neighbours along the row are looked at, across its ends too. */
  readonly width: number | undefined;
}

/**
 * The correlation between weights of one output, one channel and neighbouring places (left and right, above and below),
 * if the rows are flattened in `order`. `rows`: outputs × (channels · places), whose own mean is taken out.
 */
export function neighbourCorrelation(rows: Float32Array, order: "i h w" | "h w i", shape: InputShape): Correlation {
  const inputs = shape.channels * shape.places;
  const each: number[] = [];
  let [products, squares, pairs] = [0, 0, 0];
  for (let from = 0; from + inputs <= rows.length; from += inputs) {
    const sums = ofOutput(rows.subarray(from, from + inputs), order, shape);
    products += sums.products;
    squares += sums.squares;
    pairs += sums.pairs;
    if (sums.squares > 0) each.push(sums.products / sums.squares);
  }
  const mean = each.reduce((sum, value) => sum + value, 0) / each.length;
  const variance = each.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, each.length - 1);
  return {
    value: squares === 0 ? 0 : products / squares,
    noise: each.length < 2 ? Number.POSITIVE_INFINITY : Math.sqrt(Math.max(variance / each.length, 1 / pairs)),
  };
}

interface PairSums {
  /** Σ ab and Σ (a² + b²) / 2 over all pairs of neighbours. */
  products: number;
  squares: number;
  pairs: number;
}

function ofOutput(row: Float32Array, order: "i h w" | "h w i", shape: InputShape): PairSums {
  const { channels, places, width } = shape;
  const [perChannel, perPlace] = order === "i h w" ? [places, 1] : [1, channels];
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  const sums: PairSums = { products: 0, squares: 0, pairs: 0 };
  const pair = (p: number, q: number): void => {
    const a = (row[p] ?? 0) - mean;
    const b = (row[q] ?? 0) - mean;
    sums.products += a * b;
    sums.squares += (a * a + b * b) / 2;
    sums.pairs += 1;
  };
  for (let channel = 0; channel < channels; channel++) {
    const base = channel * perChannel;
    for (let place = 0; place < places; place++) {
      const at = base + place * perPlace;
      const lastOfRow = place + 1 === places || (width !== undefined && (place + 1) % width === 0);
      if (!lastOfRow) pair(at, at + perPlace);
      if (width !== undefined && place + width < places) pair(at, at + width * perPlace);
    }
  }
  return sums;
}
