/**
 * Fully connected layers, summed in float64 and rounded once. `rows` has the weights of one output after the other, in the order of a
 * picture's values; each weight is used once for each of `n` pictures, so that nothing is won by packing them first.
 */
export function products(values: Float32Array, rows: Float32Array, bias: Float32Array, n: number): Float32Array {
  const outputs = bias.length;
  const inputs = rows.length / outputs;
  if (values.length !== n * inputs) throw new TypeError(`${values.length} values for ${n} × ${inputs} inputs`);
  const out = new Float32Array(n * outputs);
  const pictures = Array.from({ length: n }, (_, k) => Float64Array.from(values.subarray(k * inputs, (k + 1) * inputs)));
  for (let o = 0; o < outputs; o++) {
    const from = o * inputs;
    pictures.forEach((picture, k) => {
      out[k * outputs + o] = (bias[o] ?? 0) + dot(picture, rows, from);
    });
  }
  return out;
}

export function rectify(values: Float32Array): void {
  for (let k = 0; k < values.length; k++) if ((values[k] ?? 0) < 0) values[k] = 0;
}

/** Four sums at once: one would wait for each addition. */
function dot(picture: Float64Array, rows: Float32Array, from: number): number {
  const count = picture.length;
  let [a, b, c, d] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < count; k += 4) {
    a += (picture[k] ?? 0) * (rows[from + k] ?? 0);
    b += (picture[k + 1] ?? 0) * (rows[from + k + 1] ?? 0);
    c += (picture[k + 2] ?? 0) * (rows[from + k + 2] ?? 0);
    d += (picture[k + 3] ?? 0) * (rows[from + k + 3] ?? 0);
  }
  for (; k < count; k++) a += (picture[k] ?? 0) * (rows[from + k] ?? 0);
  return a + b + (c + d);
}
