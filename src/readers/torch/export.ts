import type { ZipArchive } from "../../encodings/archive/zip.ts";
import { isObject, type Json, parseJsonBytes } from "../../encodings/json/json.ts";
import { CheckpointError } from "../../errors.ts";
import { byteSwapped } from "../../io/source/mapped.ts";
import type { Note } from "../../tensor/checkpoint.ts";
import { strided } from "../../tensor/contiguous.ts";
import { dtypes, itemsize } from "../../tensor/dtype.ts";
import type { Tensor, TensorKind } from "../../tensor/tensor.ts";
import { exportedDType } from "./dtypes.ts";
import { archiveMember } from "./zip.ts";

/*
 * torch.export.save since 2.8 (torch/export/pt2_archive/constants.py): NAME/archive_format is "pt2", NAME/data/weights/model_weights_config.json tells for each
 * parameter and buffer its member and {dtype, sizes, strides, storage_offset}, counted in elements. NAME/data/constants is alike.
 */

/** The configuration of a network of 100,000 tensors has some 40 MB. */
const maxConfig = 64 * 1024 * 1024;

/** The folder of an exported program, with the final slash. */
export function exportPrefix(archive: ZipArchive): string | undefined {
  for (const name of archive.entries.keys()) {
    const prefix = /^(.*\/)?data\/weights\/[^/]+_weights_config\.json$/.exec(name);
    if (prefix !== null) return prefix[1] ?? "";
  }
  return undefined;
}

export async function readExported(
  archive: ZipArchive,
  prefix: string,
  bigEndian: boolean,
): Promise<{ tensors: Map<string, Tensor>; notes: Note[] }> {
  const tensors = new Map<string, Tensor>();
  const notes: Note[] = [];
  for (const folder of ["weights", "constants"]) {
    const base = `${prefix}data/${folder}/`;
    for (const name of archive.entries.keys()) {
      if (!name.startsWith(base) || !name.endsWith(`_${folder}_config.json`)) continue;
      for (const [key, row] of await readConfig(archive, name)) {
        const tensor = await readTensor({ archive, base, bigEndian }, key, row, folder === "constants");
        if (tensors.has(key)) throw new CheckpointError("malformed", "the archive describes it twice", { file: archive.name, tensor: key });
        if ("message" in tensor) notes.push(tensor);
        else tensors.set(key, tensor);
      }
    }
  }
  return { tensors, notes };
}

async function readConfig(archive: ZipArchive, name: string): Promise<ReadonlyMap<string, Json>> {
  const source = await archiveMember(archive, name);
  if (source.size > maxConfig) {
    throw new CheckpointError("unsafe", `${name} of ${source.size} bytes, at most ${maxConfig} are read`, { file: archive.name });
  }
  const root = parseJsonBytes(await source.read(0, source.size), name);
  const config = isObject(root) ? root.get("config") : undefined;
  if (!isObject(config)) throw new CheckpointError("malformed", `${name} has no config`, { file: archive.name });
  return config;
}

/** A folder of an exported program. */
interface Exported {
  readonly archive: ZipArchive;
  readonly base: string;
  readonly bigEndian: boolean;
}

async function readTensor({ archive, base, bigEndian }: Exported, name: string, row: Json, isConstant: boolean): Promise<Tensor | Note> {
  const where = { file: archive.name, tensor: name };
  const field = (key: string): Json | undefined => (isObject(row) ? row.get(key) : undefined);
  const meta = field("tensor_meta");
  const path = field("path_name");
  if (!isObject(meta) || typeof path !== "string" || field("use_pickle") === true) {
    return { code: "unsupported-tensor", message: "a value that is kept as a pickle of its own is not read", tensor: name };
  }
  const scalarType = meta.get("dtype");
  const dtype = typeof scalarType === "number" ? exportedDType(scalarType) : undefined;
  const shape = integers(meta.get("sizes"));
  const strides = integers(meta.get("strides"));
  const offset = integer(meta.get("storage_offset"));
  if (shape === undefined || strides === undefined || offset === undefined) {
    throw new CheckpointError("malformed", "its sizes, strides or offset are no whole numbers", where);
  }
  if (dtype === undefined)
    return { code: "unsupported-tensor", message: `a tensor of scalar type ${String(scalarType)} is not read`, tensor: name };
  const stored = await archiveMember(archive, base + path);
  const unit = bigEndian ? dtypes[dtype].unit : 1;
  const kind: TensorKind = isConstant ? "constant" : field("is_param") === true ? "parameter" : "buffer";
  const width = itemsize(dtype);
  return strided({
    name,
    dtype,
    shape,
    kind,
    source: unit > 1 ? byteSwapped(stored, unit) : stored,
    offset: offset * width,
    strides: strides.map((stride) => stride * width),
  });
}

/** {"as_int": 4}: sizes of an exported program may be symbols, those of weights are not. */
function integer(value: Json | undefined): number | undefined {
  const number = isObject(value) ? value.get("as_int") : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function integers(value: Json | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: number[] = [];
  for (const item of value) {
    const number = integer(item);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return numbers;
}
