import type { Note } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Tensor, TensorInfo } from "../../tensor/tensor.ts";
import type { Hdf5Dataset, Hdf5File } from "./file.ts";
import { hdf5Tensor } from "./tensor.ts";

/** Adds a dataset to a listing, or says why it is no tensor. `as` names the dtype of elements that the file has as bare bytes. */
export function collectDataset(
  dataset: Hdf5Dataset,
  info: Omit<TensorInfo, "shape">,
  tensors: Map<string, Tensor>,
  notes: Note[],
  as?: NumericDType,
): void {
  const tensor = hdf5Tensor(dataset, info, as);
  if (tensor !== undefined) tensors.set(info.name, tensor);
  else notes.push({ code: "unsupported-tensor", message: whyNot(dataset), tensor: info.name });
}

function whyNot({ shape, type }: Hdf5Dataset): string {
  if (shape === null) return "an HDF5 dataset of no elements at all (null dataspace)";
  return `HDF5 elements of class ${type.class === "other" ? type.what : type.class} are not read`;
}

/** For people: "HDF5 superblock 0". */
export function hdf5Variant(file: Hdf5File): string {
  return `HDF5 superblock ${file.version}`;
}
