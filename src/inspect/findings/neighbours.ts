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
  readonly products: number;
  readonly squares: number;
  readonly pairs: number;
}

function ofOutput(row: Float32Array, order: "i h w" | "h w i", shape: InputShape): PairSums {
  const { channels, places } = shape;
  const width = shape.width ?? places;
  const [perChannel, perPlace] = order === "i h w" ? [places, 1] : [1, channels];
  const values = centred(row);
  let [products, squares, pairs] = [0, 0, 0];
  for (let channel = 0; channel < channels; channel++) {
    let column = 0;
    for (let place = 0; place < places; place++) {
      const at = channel * perChannel + place * perPlace;
      const here = values[at] ?? 0;
      column += 1;
      if (column === width) column = 0;
      if (column !== 0 && place + 1 < places) {
        const right = values[at + perPlace] ?? 0;
        products += here * right;
        squares += (here * here + right * right) / 2;
        pairs += 1;
      }
      if (place + width < places) {
        const below = values[at + width * perPlace] ?? 0;
        products += here * below;
        squares += (here * here + below * below) / 2;
        pairs += 1;
      }
    }
  }
  return { products, squares, pairs };
}

/** The values less their mean, in float64. */
function centred(row: Float32Array): Float64Array {
  let sum = 0;
  for (const value of row) sum += value;
  const mean = sum / row.length;
  const values = new Float64Array(row.length);
  for (let k = 0; k < row.length; k++) values[k] = (row[k] ?? 0) - mean;
  return values;
}
