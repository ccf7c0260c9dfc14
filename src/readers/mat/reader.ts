import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { addEverything, type Collected, createCollected } from "./collect.ts";
import { addDagnn } from "./dagnn.ts";
import { matVersion, readMat } from "./elements/file.ts";
import { headerText } from "./elements/header.ts";
import type { MatFile } from "./elements/value.ts";
import { addMeta, addOthers } from "./meta.ts";
import { findNetworks } from "./networks.ts";
import { addSimplenn } from "./simplenn.ts";

/*
 * MATLAB's MAT-files of levels 4, 5 and 7, and of v7.3, which is HDF5. MatConvNet networks (simplenn, dagnn) list what was learnt and describe their layers;
 * all other files list every array of numbers under its MATLAB expression.
 */

export const reader: Reader = {
  async detect(probe) {
    const version = matVersion(probe.head);
    // A -v7.3 file is claimed by its header, so that one cut short behind it is called by its name.
    if (version !== undefined) return version === "4" ? "maybe" : "sure";
    const hdf5 = await probe.opened("hdf5");
    return hdf5 !== undefined && (await (await level73()).looksLikeMat73(hdf5)) ? "sure" : undefined;
  },
  async read(probe, ctx) {
    // The colour average is the one larger array that is wanted as a value: it says how images are prepared.
    const keep = (key: string): boolean => key === "averageImage";
    const version = matVersion(probe.head) ?? "7.3";
    if (version !== "7.3") return interpret(await readMat(probe.source, version, ctx, keep), probe);
    const hdf5 = await probe.opened("hdf5");
    if (hdf5 === undefined) {
      throw new CheckpointError("truncated", "a MAT-file v7.3 without the HDF5 signature at byte 512", {
        file: probe.source.name,
        offset: 512,
      });
    }
    return interpret(await (await level73()).readMat73(hdf5, headerText(probe.head), keep), probe);
  },
};

/** HDF5 is loaded only for files that are HDF5. */
function level73(): Promise<typeof import("./elements/hdf5-file.ts")> {
  return import("./elements/hdf5-file.ts");
}

function interpret(file: MatFile, probe: Probe): ReadCheckpoint {
  const into = createCollected(file);
  const nets = findNetworks(file);
  for (const net of nets) {
    if (net.kind === "simplenn") addSimplenn(into, net);
    else addDagnn(into, net);
    addMeta(into, net, nets.length === 1);
  }
  if (nets.length > 0) addOthers(into, file, nets);
  else for (const { name, value } of file.variables) addEverything(into, value, name);
  const kinds = [...new Set(nets.map(({ kind }) => kind))];
  return checkpointOf(into, probe, nets.length > 0 ? "matconvnet" : "mat", [...kinds, describe(file)].join(", "));
}

function describe(file: MatFile): string {
  const order = file.bigEndian ? ", big-endian" : "";
  switch (file.version) {
    case "4":
      return `MAT-file level 4${order}`;
    case "5":
      return `MAT-file level 5 (v6), not compressed${order}`;
    case "7":
      return `MAT-file level 5 (v7), compressed${order}`;
    case "7.3":
      return "MAT-file v7.3 (HDF5)";
  }
}

function checkpointOf(into: Collected, probe: Probe, format: string, variant: string): ReadCheckpoint {
  return { format, variant, files: [probe.entry], bytes: probe.source.size, ...into, async close() {} };
}
