import { CheckpointError } from "../../../errors.ts";
import type { ByteSource, StoredRange } from "../../../io/source/source.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import { columnMajor, complexOf } from "./array.ts";
import { readNumbers, type Stored, valuesAs } from "./stored.ts";
import { countOf, type NumericArray } from "./value.ts";

/** Elements made at a time. */
const blockElements = 1 << 15;
/** Level 4 keeps sparse entries unsorted: they are sorted in memory, about 32 bytes each. */
const maxTriplets = 1 << 21;

/** Compressed sparse columns, as level 5 and 7.3 keep them; n columns have n + 1 starts. */
export interface SparseColumns {
  readonly rows: number;
  readonly columns: number;
  readonly rowIndices: Stored;
  readonly starts: Stored;
  readonly real: Stored;
  readonly imaginary?: Stored;
}

/** The full array, made of zeros and the stored entries while it is read. Throws `unsupported` beyond 2^53 bytes. */
export function sparseArray(sparse: SparseColumns, dtype: NumericDType): NumericArray {
  const shown = sparse.imaginary === undefined ? dtype : complexOf(dtype);
  const stored = [sparse.starts, sparse.rowIndices, sparse.real, ...(sparse.imaginary === undefined ? [] : [sparse.imaginary])];
  return fullArray({ dims: [sparse.rows, sparse.columns], dtype: shown, name: sparse.starts.source.name, stored }, (from, out) =>
    fillColumns(sparse, shown, from, out),
  );
}

/** Level 4: one row of numbers an entry (row and column counted from 1, value, imaginary value), column-major. */
export interface SparseTriplets {
  readonly rows: number;
  readonly columns: number;
  readonly entries: number;
  readonly complex: boolean;
  /** entries + 1 rows of 3 or 4 columns; the last row holds the dimensions. */
  readonly table: Stored;
}

export function tripletArray(sparse: SparseTriplets): NumericArray {
  const name = sparse.table.source.name;
  if (sparse.entries > maxTriplets) {
    throw new CheckpointError("unsupported", `a level 4 sparse array of ${sparse.entries} entries, at most ${maxTriplets} are read`, {
      file: name,
    });
  }
  let sorted: Promise<Sorted> | undefined;
  const dtype = sparse.complex ? "complex128" : "float64";
  return fullArray({ dims: [sparse.rows, sparse.columns], dtype, name, stored: [sparse.table] }, async (from, out) => {
    sorted ??= sortTriplets(sparse);
    fillSorted(await sorted, sparse.complex, from, out);
  });
}

/** Fills `out` (zeros, whole elements) with the entries from element `from` on. */
type Fill = (from: number, out: Uint8Array) => Promise<void>;

interface FullArray {
  readonly dims: readonly [rows: number, columns: number];
  readonly dtype: NumericDType;
  readonly name: string;
  readonly stored: readonly StoredRange[];
}

function fullArray({ dims, dtype, name, stored }: FullArray, fill: Fill): NumericArray {
  const width = itemsize(dtype);
  const size = countOf(dims) * width;
  if (!Number.isSafeInteger(size)) {
    throw new CheckpointError("unsupported", `a sparse array of ${dims.join("x")} is too large as a full one`, { file: name });
  }
  const source: ByteSource = {
    name,
    size,
    access: "random",
    stored,
    async read(offset, length, into) {
      if (offset < 0 || length < 0 || offset + length > size) {
        throw new CheckpointError("truncated", `${length} bytes are needed at byte ${offset}, the array ends at ${size}`, { file: name });
      }
      const out = into === undefined ? new Uint8Array(length) : into.subarray(0, length);
      const last = Math.ceil((offset + length) / width);
      for (let element = Math.floor(offset / width); element < last; ) {
        const count = Math.min(blockElements, last - element);
        const block = new Uint8Array(count * width);
        await fill(element, block);
        const at = element * width - offset; // may stick out at both ends
        const cut = Math.max(0, -at);
        out.set(block.subarray(cut, Math.min(block.length, length - at)), at + cut);
        element += count;
      }
      return out;
    },
    async close() {},
  };
  return { kind: "numeric", dims, dtype, stored: { kind: "sparse" }, parts: async () => columnMajor(source, 0, dims, dtype) };
}

async function fillColumns(sparse: SparseColumns, dtype: NumericDType, from: number, out: Uint8Array): Promise<void> {
  const width = itemsize(dtype);
  const end = from + out.length / width;
  const first = Math.floor(from / sparse.rows);
  const last = Math.floor((end - 1) / sparse.rows);
  const starts = await readNumbers(sparse.starts, first, last - first + 2);
  const begin = starts[0] ?? 0;
  const total = checkStarts(starts, sparse);
  if (total === begin) return;
  const indices = await readNumbers(sparse.rowIndices, begin, total - begin);
  const planes = sparse.imaginary === undefined ? [sparse.real] : [sparse.real, sparse.imaginary];
  const unit: NumericDType = dtype === "complex64" ? "float32" : dtype === "complex128" ? "float64" : dtype;
  const unitWidth = itemsize(unit);
  for (const [k, plane] of planes.entries()) {
    const { source, offset } = valuesAs(plane, unit);
    const values = await source.read(offset + begin * unitWidth, (total - begin) * unitWidth);
    for (let column = first; column <= last; column += 1) {
      if (k === 0) refuseTwice(indices, (starts[column - first] ?? 0) - begin, (starts[column - first + 1] ?? 0) - begin, sparse);
      for (let p = starts[column - first] ?? 0; p < (starts[column - first + 1] ?? 0); p += 1) {
        const row = indices[p - begin] ?? 0;
        if (row < 0 || row >= sparse.rows) {
          throw new CheckpointError("malformed", `a sparse entry is in row ${row}, the array has ${sparse.rows}`, {
            file: sparse.starts.source.name,
          });
        }
        const element = column * sparse.rows + row;
        if (element < from || element >= end) continue;
        const value = values.subarray((p - begin) * unitWidth, (p - begin + 1) * unitWidth);
        // The full array is zeros plus the entries, and 0 + -0 is 0, as in SciPy's toarray.
        if (!isNegativeZero(value)) out.set(value, (element - from) * width + k * unitWidth);
      }
    }
  }
}

/** Entries of one place: SciPy adds them up, MATLAB writes none. */
function refuseTwice(rows: Float64Array, from: number, to: number, sparse: SparseColumns): void {
  let ordered = true;
  for (let p = from + 1; p < to && ordered; p += 1) ordered = (rows[p] ?? 0) > (rows[p - 1] ?? 0);
  if (ordered || new Set(rows.subarray(from, to)).size === to - from) return;
  throw new CheckpointError("malformed", "a column of a sparse array has two entries in one row", { file: sparse.starts.source.name });
}

/** Of a little-endian float: the sign bit alone. No integer class is sparse. */
function isNegativeZero(value: Uint8Array): boolean {
  const last = value.length - 1;
  return value[last] === 0x80 && value.subarray(0, last).every((byte) => byte === 0);
}

/** The starts of neighbouring columns: never falling, no column fuller than it is long, none beyond the entries. Gives the last. */
function checkStarts(starts: Float64Array, sparse: SparseColumns): number {
  const entries = Math.min(...[sparse.rowIndices, sparse.real].map((stored) => stored.length / itemsize(stored.dtype)));
  let before = starts[0] ?? 0;
  if (before < 0) before = Number.POSITIVE_INFINITY; // fails below
  for (const start of starts) {
    if (start < before || start - before > sparse.rows || start > entries) {
      throw new CheckpointError(
        "malformed",
        `sparse column starts ${before} and ${start} do not fit ${sparse.rows} rows and ${entries} entries`,
        {
          file: sparse.starts.source.name,
        },
      );
    }
    before = start;
  }
  return before;
}

interface Sorted {
  /** Column-major element numbers, rising. */
  readonly elements: Float64Array;
  readonly real: Float64Array;
  readonly imaginary: Float64Array | undefined;
}

async function sortTriplets(sparse: SparseTriplets): Promise<Sorted> {
  const { entries, rows, columns, table } = sparse;
  const column = (k: number): Promise<Float64Array> => readNumbers(table, k * (entries + 1), entries);
  const [row, col, re] = [await column(0), await column(1), await column(2)];
  const im = sparse.complex ? await column(3) : undefined;
  const order: { readonly element: number; readonly k: number }[] = [];
  for (let k = 0; k < entries; k += 1) {
    const [r, c] = [(row[k] ?? 0) - 1, (col[k] ?? 0) - 1];
    if (!Number.isInteger(r) || !Number.isInteger(c) || r < 0 || c < 0 || r >= rows || c >= columns) {
      throw new CheckpointError("malformed", `a sparse entry is at row ${r + 1}, column ${c + 1} of an array of ${rows}x${columns}`, {
        file: table.source.name,
      });
    }
    order.push({ element: c * rows + r, k });
  }
  order.sort((a, b) => a.element - b.element || a.k - b.k);
  return {
    elements: Float64Array.from(order, ({ element }) => element),
    real: Float64Array.from(order, ({ k }) => re[k] ?? 0),
    imaginary: im && Float64Array.from(order, ({ k }) => im[k] ?? 0),
  };
}

/** Entries of one place add up, as MATLAB's sparse() has it. */
function fillSorted({ elements, real, imaginary }: Sorted, complex: boolean, from: number, out: Uint8Array): void {
  const width = complex ? 16 : 8;
  const end = from + out.length / width;
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const add = (at: number, value: number): void => view.setFloat64(at, view.getFloat64(at, true) + value, true);
  for (let p = lowerBound(elements, from); p < elements.length; p += 1) {
    const element = elements[p] ?? 0;
    if (element >= end) break;
    const at = (element - from) * width;
    add(at, real[p] ?? 0);
    if (imaginary !== undefined) add(at + 8, imaginary[p] ?? 0);
  }
}

function lowerBound(sorted: Float64Array, wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
