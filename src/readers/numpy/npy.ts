import { stemOf } from "../../encodings/file-names.ts";
import { descrOf, isNpy, npyTensor, readNpyHeader } from "../../encodings/npy/npy.ts";
import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { ReadCheckpoint } from "../../tensor/checkpoint.ts";

/*
 * One .npy file: an array, named after the file, or an array of Python objects such as the dict {layer: [weights, bias]}
 * of the vgg16.npy in circulation, whose arrays are named by path.
 */
export const reader: Reader = {
  detect: async (probe) => (isNpy(probe.head) ? "sure" : undefined),

  async read(probe): Promise<ReadCheckpoint> {
    const { source, entry } = probe;
    const header = await readNpyHeader(source);
    const base = { format: "npy", files: [entry], bytes: source.size, layers: [], close: async () => {} };
    if (header.element.kind === "object") {
      const { readNpyObjects } = await import("../../encodings/npy/npy-objects.ts");
      const { tensors, metadata, notes, unknown, nesting } = await readNpyObjects(source, header.dataOffset);
      if (tensors.size === 0 && unknown.size > 0) throw unknown.refusal(entry);
      return { ...base, variant: "Python objects (a pickle)", tensors, metadata, notes: [...notes, ...unknown.notes()], nesting };
    }
    const name = stemOf(entry);
    const tensor = npyTensor(name, source, header);
    if (tensor === undefined) {
      throw new CheckpointError("unsupported", `elements of NumPy type ${descrOf(header)} are no tensor`, { file: entry });
    }
    const variant = `version ${header.version}.0${header.fortranOrder ? ", column-major" : ""}`;
    return { ...base, variant, tensors: new Map([[name, tensor]]), metadata: new Map(), notes: [] };
  },
};
