import { conventionsOf } from "../../src/formats.ts";
import type { Checkpoint, Inert, LayerRecord, Note } from "../../src/tensor/checkpoint.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import type { StoredAs } from "../../src/tensor/stored.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";

export interface DescribedFile {
  readonly format?: string;
  readonly bytes?: number;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[], dtype?: NumericDType, stored?: StoredAs])[];
  readonly layers?: readonly LayerRecord[];
  readonly metadata?: ReadonlyMap<string, Inert>;
  readonly notes?: readonly Note[];
}

/** A checkpoint of any size without a file: names, types and shapes; its values must not be read. */
export function describedFile(file: DescribedFile): Checkpoint {
  const tensors = file.tensors.map(
    ([name, shape, dtype = "float32", stored]): NumericTensor => ({
      name,
      dtype,
      shape,
      ...(stored !== undefined && { stored }),
      parts: async () => [],
    }),
  );
  return {
    format: file.format ?? "torch",
    conventions: conventionsOf(file.format ?? "torch"),
    variant: "described",
    files: [],
    bytes: file.bytes ?? 0,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    layers: file.layers ?? [],
    metadata: file.metadata ?? new Map(),
    notes: file.notes ?? [],
    close: async () => {},
  };
}

/** A layer record in a format's own words. */
export function layerRecord(
  name: string,
  type: string,
  attributes: Readonly<Record<string, Inert>> = {},
  tensors: readonly string[] = [],
  inputs: readonly string[] = [],
): LayerRecord {
  return { name, type, attributes: new Map(Object.entries(attributes)), inputs, tensors };
}
