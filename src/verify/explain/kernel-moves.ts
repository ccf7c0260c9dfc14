import { type Kernel, type Place, unravel } from "./kernel-relations.ts";

/**
 * The kernel whose value at (h, w, i, o) is the given one's at `place`. `order`: how the values are kept, and come back
 * (`shape` is h w i o always). What moves whole rows of outputs, as most mistakes do, is copied by the row: fc6 has 103 million values.
 */
export function rearranged({ shape, values }: Kernel, place: Place, order: "h w i o" | "o i h w"): Float32Array {
  const rows = rowMoves(shape, place);
  const outputs = shape[3];
  if (rows === undefined) return byValue({ shape, values }, place, order);
  const out = new Float32Array(values.length);
  if (order === "h w i o") {
    rows.forEach((from, to) => {
      out.set(values.subarray(from * outputs, (from + 1) * outputs), to * outputs);
    });
    return out;
  }
  const within = Uint32Array.from(rows, (_, row) => rowOutputsFirst(row, shape));
  for (let o = 0; o < outputs; o++) {
    const start = o * rows.length;
    for (let row = 0; row < rows.length; row++) out[start + (within[row] ?? 0)] = values[start + (within[rows[row] ?? 0] ?? 0)] ?? 0;
  }
  return out;
}

/** For each row (h, w, i) the row that its values come from; undefined where outputs do not stay together. */
function rowMoves(shape: Kernel["shape"], place: Place): Uint32Array | undefined {
  const outputs = shape[3];
  const rows = new Uint32Array(shape[0] * shape[1] * shape[2]);
  for (let row = 0; row < rows.length; row++) {
    const [h, w, i] = unravel(row * outputs, shape);
    const [first, last] = [place(shape, h, w, i, 0), place(shape, h, w, i, outputs - 1)];
    if (first % outputs !== 0 || last - first !== outputs - 1) return undefined;
    rows[row] = first / outputs;
  }
  return rows;
}

function byValue({ shape, values }: Kernel, place: Place, order: "h w i o" | "o i h w"): Float32Array {
  const [height, width, inputs, outputs] = shape;
  const rows = height * width * inputs;
  const out = new Float32Array(values.length);
  const at = (k: number): number => (order === "h w i o" ? k : (k % outputs) * rows + rowOutputsFirst(Math.floor(k / outputs), shape));
  for (let k = 0; k < values.length; k++) out[at(k)] = values[at(place(shape, ...unravel(k, shape)))] ?? 0;
  return out;
}

/** Where row (h, w, i) stands among the values of one output that are kept along i h w. */
function rowOutputsFirst(row: number, [height, width, inputs]: Kernel["shape"]): number {
  const position = Math.floor(row / inputs);
  return ((row % inputs) * height + Math.floor(position / width)) * width + (position % width);
}
