/**
 * Adaptive average pool of N C H W values to `size`, as PyTorch and Paddle define it: output row i averages the input rows
 * floor(i·H/h) … ceil((i+1)·H/h) − 1, columns likewise. Sums in float64.
 */
export function adaptiveAverage(values: Float32Array, shape: readonly number[], size: readonly [number, number]): Float32Array {
  const [n = 0, c = 0, height = 0, width = 0] = shape;
  const rows = ranges(height, size[0]);
  const columns = ranges(width, size[1]);
  const out = new Float32Array(n * c * size[0] * size[1]);
  let at = 0;
  for (let plane = 0; plane < n * c; plane++) {
    for (const [top, bottom] of rows) {
      for (const [left, right] of columns) {
        let sum = 0;
        for (let y = top; y < bottom; y++) {
          for (let x = left; x < right; x++) sum += values[(plane * height + y) * width + x] ?? 0;
        }
        out[at++] = sum / ((bottom - top) * (right - left));
      }
    }
  }
  return out;
}

/** The largest value of each of `planes` planes. */
export function globalMaximum(values: Float32Array, planes: number): Float32Array {
  const size = values.length / planes;
  return Float32Array.from({ length: planes }, (_, plane) => {
    let largest = Number.NEGATIVE_INFINITY;
    for (let at = plane * size; at < (plane + 1) * size; at++) largest = Math.max(largest, values[at] ?? largest);
    return largest;
  });
}

/** The same pool along one axis as a row-major `outputs` × `inputs` matrix of weights. */
export function adaptiveMatrix(inputs: number, outputs: number): Float32Array {
  const matrix = new Float32Array(outputs * inputs);
  ranges(inputs, outputs).forEach(([from, to], row) => {
    matrix.fill(1 / (to - from), row * inputs + from, row * inputs + to);
  });
  return matrix;
}

function ranges(inputs: number, outputs: number): readonly (readonly [from: number, to: number])[] {
  return Array.from({ length: outputs }, (_, i) => [Math.floor((i * inputs) / outputs), Math.ceil(((i + 1) * inputs) / outputs)]);
}
