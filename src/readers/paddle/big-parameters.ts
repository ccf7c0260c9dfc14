import { integersOf, itemsOf, mappingEntries } from "../../encodings/pickle/standard.ts";
import type { PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { concat, window } from "../../io/source/window.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { byteLength } from "../../tensor/shape.ts";
import { isNumeric, type NumericTensor, type Tensor } from "../../tensor/tensor.ts";

/*
 * Protocols 2 and 3 cannot keep 4 GiB in one piece, so Paddle cuts arrays of more than 2^30 - 1 bytes into flat ones, `K@@.0`, `K@@.1`, …
 * (python/paddle/framework/io_utils.py, _unpack_saved_dict). The table at the end says how: {K: {"OriginShape": shape, "slices": [names]}}.
 */

/** One array that was cut. */
export interface Sliced {
  readonly name: string;
  readonly shape: readonly number[];
  readonly slices: readonly string[];
}

/** The table of cut arrays; empty without one. Throws `malformed`. */
export function sliceTable(table: PickleValue | undefined, file: string): readonly Sliced[] {
  const entries = table === undefined ? new Map<PickleValue, PickleValue>() : mappingEntries(table);
  const sliced: Sliced[] = [];
  for (const [name, row] of entries ?? [[null, null]]) {
    const shape = integersOf(mappingEntries(row)?.get("OriginShape"));
    const slices = itemsOf(mappingEntries(row)?.get("slices"))?.filter((slice) => typeof slice === "string");
    if (typeof name !== "string" || shape === undefined || slices === undefined || slices.length === 0) {
      throw new CheckpointError("malformed", "the table of arrays cut into slices has a row that is not {OriginShape, slices}", { file });
    }
    sliced.push({ name, shape, slices });
  }
  return sliced;
}

/** Puts the whole array in place of its slices, behind all others as Paddle does. Throws `malformed` where they do not make it up. */
export async function joinSlices(tensors: Map<string, Tensor>, sliced: Sliced, file: string): Promise<void> {
  const { name, shape, slices } = sliced;
  const where = { file, tensor: name };
  const sources: ByteSource[] = [];
  let first: NumericTensor | undefined;
  for (const key of slices) {
    const slice = tensors.get(key);
    if (slice === undefined || !isNumeric(slice) || slice.shape.length !== 1 || (first !== undefined && slice.dtype !== first.dtype)) {
      throw new CheckpointError("malformed", `its slice ${key} is missing or no flat array of the same type`, where);
    }
    first ??= slice;
    tensors.delete(key);
    for (const part of await slice.parts()) sources.push(window(part.source, part.offset, byteLength(part.shape, slice.dtype)));
  }
  if (first === undefined || tensors.has(name)) throw new CheckpointError("malformed", "it is there both whole and in slices", where);
  const source = concat(sources, file);
  if (source.size !== byteLength(shape, first.dtype)) {
    throw new CheckpointError(
      "malformed",
      `its slices have ${source.size} bytes, the shape needs ${byteLength(shape, first.dtype)}`,
      where,
    );
  }
  const { dtype, kind, stored } = first;
  tensors.set(
    name,
    contiguous({ name, dtype, shape, source, ...(kind === undefined ? {} : { kind }), ...(stored === undefined ? {} : { stored }) }),
  );
}
