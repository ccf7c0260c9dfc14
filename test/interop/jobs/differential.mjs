import { join } from "node:path";

/** Files of each kind: as many as 22 s give in the job, three minutes for all kinds; 2,000 in the long run (`VGGTOOL_DIFFERENTIAL=2000`). */
const long = process.env.VGGTOOL_DIFFERENTIAL;
const count = long ?? "2000";
const seconds = process.env.VGGTOOL_DIFFERENTIAL_SECONDS ?? (long === undefined ? "22" : "600");
const seed = process.env.VGGTOOL_DIFFERENTIAL_SEED ?? "1";

/** A module of `differential/` writes files by grammar and reads them with the real library; vggtool has to read the same, or to refuse. */
export const differentialJobs = [
  { kind: "pickle", library: "Python" },
  { kind: "torch", library: "torch" },
  { kind: "npy", library: "NumPy" },
  { kind: "npz", library: "NumPy" },
  // SciPy names what is in structs and cells in another way: values alone are compared.
  { kind: "mat", library: "SciPy", options: ["--values"] },
  { kind: "safetensors", library: "safetensors" },
  // The library writes these itself, or nothing in them is for a reader to refuse.
  { kind: "hdf5", library: "the HDF5 library", options: ["--strict"] },
  { kind: "graphdef", library: "TensorFlow", environment: "tensorflow", options: ["--strict"] },
].map(({ kind, library, environment = "torch", options = [] }) => ({
  name: `differential: ${kind} files as ${library} reads them`,
  environment,
  async run({ python, program, out, root }) {
    await python(`differential.${kind}_files`, out, count, seconds, seed);
    const said = await program([join(root, "test", "interop", "differential", "compare.ts"), out, ...options]);
    return said.trim().split("\n").at(-1);
  },
}));
