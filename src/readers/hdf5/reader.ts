import { collectDataset, hdf5Variant } from "../../encodings/hdf5/collect.ts";
import { walkDatasets } from "../../encodings/hdf5/walk.ts";
import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Inert, Note } from "../../tensor/checkpoint.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Any other HDF5 file: every dataset of numbers or texts, named by its path. */
export const reader: Reader = {
  detect: async (probe) => ((await probe.opened("hdf5")) === undefined ? undefined : "maybe"),

  async read(probe) {
    const file = await probe.opened("hdf5");
    if (file === undefined) throw new CheckpointError("malformed", "no HDF5 file", { file: probe.entry });
    const tensors = new Map<string, Tensor>();
    const notes: Note[] = [];
    for await (const { path, dataset } of walkDatasets(file)) collectDataset(dataset, { name: path }, tensors, notes);
    const metadata = new Map<string, Inert>();
    for (const name of (await file.root.attributes()).keys()) {
      const values = await file.root.attribute(name);
      if (values !== undefined) metadata.set(name, values.length === 1 ? (values[0] ?? null) : values);
    }
    return {
      format: "hdf5",
      variant: hdf5Variant(file),
      files: [probe.entry],
      bytes: probe.source.size,
      tensors,
      layers: [],
      metadata,
      notes,
      close: async () => {},
    };
  },
};
