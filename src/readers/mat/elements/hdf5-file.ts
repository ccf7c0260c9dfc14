import type { Hdf5Dataset, Hdf5File, Hdf5Group, Hdf5Object } from "../../../encodings/hdf5/file.ts";
import { CheckpointError, isCheckpointError } from "../../../errors.ts";
import { swapBytes } from "../../../io/bytes.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { Inert } from "../../../tensor/checkpoint.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import { numericClasses } from "./array.ts";
import { type CharCoding, decodeChars } from "./chars.ts";
import { hdf5Array, matlabDims, plainType } from "./hdf5-array.ts";
import { checkDepth, countArray, createBudget, type MatBudget, maxAsked, maxText, smallBytes } from "./limits.ts";
import { sparseArray } from "./sparse.ts";
import type { Stored } from "./stored.ts";
import { countOf, type KeepRule, type MatFile, type MatValue, type MatVariable } from "./value.ts";

/*
 * MAT-files v7.3 are HDF5: a variable is an object of the root group, its attribute MATLAB_class says what it is.
 *   numbers   dataset, dimensions in reverse; complex ones as compound { real, imag }
 *   char      u16 units      logical   u8      cell   references to objects in /#refs#
 *   struct    group, a member a field (order in MATLAB_fields); arrays of structs: each member a dataset of references, without class
 *   sparse    group with MATLAB_sparse (rows): data, ir, jc      empty   MATLAB_empty = 1, the dataset holds the dimensions
 * Facts: files of MATLAB, libmatio 1.5 and hdf5storage 0.2 (the format has no published description).
 */

interface Reading {
  readonly file: Hdf5File;
  readonly keep: KeepRule;
  readonly budget: MatBudget;
  /** What an address held, and how many arrays that is: references may lead to one object from many places. */
  readonly known: Map<number, { readonly value: MatValue; readonly arrays: number }>;
  /** Addresses on the way down to the present one. */
  readonly path: Set<number>;
}

/** Root members that hold MATLAB's own bookkeeping. */
const internal: ReadonlySet<string> = new Set(["#refs#", "#subsystem#"]);

/** Whether the members of the root are MATLAB's, for files whose header does not say so. */
export async function looksLikeMat73(file: Hdf5File): Promise<boolean> {
  for (const name of (await file.root.links()).keys()) {
    const object = internal.has(name) ? undefined : await file.root.child(name);
    if (object !== undefined) return (await text(object, "MATLAB_class")) !== undefined;
  }
  return false;
}

/** Reads all variables' structure; values only of what is small. Throws `malformed` (also for a cell within itself), `unsupported`. */
export async function readMat73(file: Hdf5File, header: string, keep: KeepRule): Promise<MatFile> {
  const reading: Reading = { file, keep, budget: createBudget(), known: new Map(), path: new Set() };
  const variables: MatVariable[] = [];
  for (const name of (await file.root.links()).keys()) {
    if (internal.has(name)) continue;
    const object = await file.root.child(name);
    if (object === undefined || object.kind === "other") continue;
    try {
      variables.push({ name, value: await readObject(reading, object, name, 0) });
    } catch (error) {
      throw error instanceof CheckpointError ? error.at({ file: file.name, tensor: name }) : error;
    }
  }
  return { version: "7.3", bigEndian: false, header, variables, remarks: [] };
}

async function readObject(reading: Reading, object: Hdf5Object, key: string, depth: number): Promise<MatValue> {
  const { known, path, budget, file } = reading;
  const seen = known.get(object.address);
  if (seen !== undefined) {
    budget.arrays -= seen.arrays - 1;
    countArray(budget, { file: file.name });
    return seen.value;
  }
  if (path.has(object.address))
    throw new CheckpointError("malformed", "a cell or struct that contains itself", { file: file.name, offset: object.address });
  checkDepth(depth, { file: file.name });
  countArray(budget, { file: file.name });
  const before = budget.arrays;
  path.add(object.address);
  const value = await readFresh(reading, object, key, depth);
  path.delete(object.address);
  known.set(object.address, { value, arrays: before - budget.arrays + 1 });
  return value;
}

async function readFresh(reading: Reading, object: Hdf5Object, key: string, depth: number): Promise<MatValue> {
  const className = await text(object, "MATLAB_class");
  const decode = await number(object, "MATLAB_object_decode");
  if (decode === 1 || className === "function_handle") return { kind: "function", name: "" };
  if (decode === 2 || decode === 3) return { kind: "object", name: className ?? "" };
  if (object.kind === "dataset") return readDataset(reading, object, className, key, depth);
  if (object.kind === "group") return readGroup(reading, object, className, depth);
  return { kind: "unreadable", name: "an HDF5 object that is neither group nor dataset" };
}

async function text(object: Hdf5Object, name: string): Promise<string | undefined> {
  const [value] = (await object.attribute(name)) ?? [];
  return typeof value === "string" ? value : undefined;
}

async function number(object: Hdf5Object, name: string): Promise<number | undefined> {
  const [value] = (await object.attribute(name)) ?? [];
  return typeof value === "number" ? value : undefined;
}

async function readDataset(
  reading: Reading,
  dataset: Hdf5Dataset,
  className: string | undefined,
  key: string,
  depth: number,
): Promise<MatValue> {
  if ((await number(dataset, "MATLAB_empty")) === 1) return readEmpty(dataset, className);
  if (dataset.type.class === "reference") {
    return { kind: "cell", dims: matlabDims(dataset), items: await readReferences(reading, dataset, key, depth) };
  }
  if (className === "char") return readChars(reading, dataset);
  const shown = className === undefined ? undefined : numericClasses.get(className);
  if (className !== undefined && shown === undefined) return { kind: "object", name: className };
  const room = reading.keep(key) ? Math.min(maxAsked, reading.budget.kept) : Math.min(smallBytes, reading.budget.kept);
  const array = await hdf5Array(dataset, shown, room);
  reading.budget.kept -= array?.kept?.length ?? 0;
  return array ?? { kind: "unreadable", name: `a dataset of HDF5 type ${dataset.type.class}` };
}

/** The dataset holds the dimensions, as MATLAB counts them. */
async function readEmpty(dataset: Hdf5Dataset, className: string | undefined): Promise<MatValue> {
  const dims = (await dataset.values()).map(Number);
  if (dims.some((n) => !Number.isSafeInteger(n) || n < 0))
    throw new CheckpointError("malformed", `dimensions ${dims.join("x")} of an empty array`);
  switch (className) {
    case "char":
      return { kind: "char", dims, rows: [] };
    case "cell":
      return { kind: "cell", dims, items: [] };
    case "struct":
      return { kind: "struct", dims, fields: [], values: [] };
    default: {
      // `canonical empty`: what cells and structs that were never filled refer to.
      const dtype = className === undefined || className === "canonical empty" ? "float64" : numericClasses.get(className);
      if (dtype === undefined) return { kind: "object", name: className ?? "" };
      const shown = countOf(dims) === 0 ? dims : [0, 0];
      return { kind: "numeric", dims: shown, dtype, kept: new Uint8Array(0), parts: async () => [] };
    }
  }
}

async function readReferences(reading: Reading, dataset: Hdf5Dataset, key: string, depth: number): Promise<readonly MatValue[]> {
  const items: MatValue[] = [];
  for (const address of await dataset.values()) items.push(await readReference(reading, address, key, depth));
  return items;
}

async function readReference(reading: Reading, address: Inert, key: string, depth: number): Promise<MatValue> {
  const nowhere: MatValue = { kind: "unreadable", name: "a reference that leads nowhere" };
  if (typeof address !== "number") return nowhere;
  let object: Hdf5Object;
  try {
    object = await reading.file.object(address);
  } catch (error) {
    // One dangling reference leaves the rest of the file readable: it becomes a finding.
    if (isCheckpointError(error, "malformed", "truncated")) return nowhere;
    throw error;
  }
  return readObject(reading, object, key, depth + 1);
}

const codings: Partial<Record<NumericDType, CharCoding>> = {
  uint8: "bytes",
  int8: "bytes",
  uint16: "utf16",
  int16: "utf16",
  uint32: "utf32",
  int32: "utf32",
};

async function readChars(reading: Reading, dataset: Hdf5Dataset): Promise<MatValue> {
  const dims = matlabDims(dataset);
  const plain = plainType(dataset.type);
  const coding = plain && codings[plain.dtype];
  if (plain === undefined || coding === undefined) return { kind: "unreadable", name: `a char array of HDF5 type ${dataset.type.class}` };
  const size = countOf(dims) * dataset.type.size;
  if (size > Math.min(maxText, reading.budget.text) || dataset.beyond !== undefined) return { kind: "char", dims, rows: undefined };
  reading.budget.text -= size;
  const bytes = (await dataset.bytes()).slice();
  if (plain.bigEndian && dataset.type.size === 2) swapBytes(bytes, 2);
  if (plain.bigEndian && dataset.type.size === 4) swapBytes(bytes, 4);
  return { kind: "char", dims, rows: decodeChars(coding, bytes, dims) };
}

async function readGroup(reading: Reading, group: Hdf5Group, className: string | undefined, depth: number): Promise<MatValue> {
  const rows = await number(group, "MATLAB_sparse");
  if (rows !== undefined) return readSparse(reading, group, rows, className);
  if (className !== undefined && className !== "struct") return { kind: "object", name: className };
  const fields = await fieldNames(reading.file, group);
  const members = await Promise.all(fields.map((name) => group.child(name)));
  const dims = await structDims(members);
  if (dims === undefined) {
    const values: MatValue[] = [];
    for (const [k, member] of members.entries()) {
      values.push(
        member === undefined
          ? { kind: "unreadable", name: "a field that is missing" }
          : await readObject(reading, member, fields[k] ?? "", depth + 1),
      );
    }
    return { kind: "struct", dims: [1, 1], fields, values };
  }
  const columns: (readonly MatValue[])[] = [];
  for (const [k, member] of members.entries()) {
    if (member?.kind === "dataset") columns.push(await readReferences(reading, member, fields[k] ?? "", depth));
  }
  const count = countOf(dims);
  const wrong = columns.findIndex((column) => column.length !== count);
  if (wrong >= 0)
    throw new CheckpointError("malformed", `field ${fields[wrong]} has ${columns[wrong]?.length} elements, the struct array ${count}`);
  const values = Array.from({ length: count }, (_, e) => columns.flatMap((column) => column[e] ?? [])).flat();
  return { kind: "struct", dims, fields, values };
}

/** Dimensions of an array of structs: all its fields are datasets of references without a class of their own. */
async function structDims(members: readonly (Hdf5Object | undefined)[]): Promise<readonly number[] | undefined> {
  let dims: readonly number[] | undefined;
  for (const member of members) {
    if (member?.kind !== "dataset" || member.type.class !== "reference" || (await text(member, "MATLAB_class")) !== undefined)
      return undefined;
    dims ??= matlabDims(member);
  }
  return dims;
}

/** In MATLAB's order, where it is noted: names as lists of one-character texts, or a reference to a dataset of such. */
async function fieldNames(file: Hdf5File, group: Hdf5Group): Promise<readonly string[]> {
  const present = await group.links();
  const noted = await notedFields(file, (await group.attribute("MATLAB_fields")) ?? []);
  const names = noted.filter((name) => present.has(name));
  return names.length === present.size && new Set(names).size === names.length ? names : [...present.keys()];
}

async function notedFields(file: Hdf5File, noted: readonly Inert[]): Promise<readonly string[]> {
  const [first] = noted;
  if (noted.length === 1 && typeof first === "number") {
    const object = await file.object(first);
    return object.kind === "dataset" ? notedFields(file, await object.values()) : [];
  }
  return noted.map((name) => (typeof name === "string" ? name : Array.isArray(name) ? name.join("") : ""));
}

async function readSparse(reading: Reading, group: Hdf5Group, rows: number, className: string | undefined): Promise<MatValue> {
  const [data, ir, jc] = [await group.child("data"), await group.child("ir"), await group.child("jc")];
  if (jc?.kind !== "dataset")
    throw new CheckpointError("malformed", "a sparse array without column starts (jc)", { file: reading.file.name });
  const starts = await storedRun(jc);
  const columns = starts.length / itemsize(starts.dtype) - 1;
  const dtype = (className === undefined ? undefined : numericClasses.get(className)) ?? "float64";
  const none: Stored = { ...starts, length: 0 };
  // Without entries MATLAB leaves data and ir out.
  const rowIndices = ir?.kind === "dataset" ? await storedRun(ir) : none;
  const planes = data?.kind === "dataset" ? await sparseValues(data) : [none];
  const [real = none, imaginary] = planes;
  return sparseArray({ rows, columns, rowIndices, starts, real, ...(imaginary === undefined ? {} : { imaginary }) }, dtype);
}

/** All of a dataset in memory: sparse arrays are made of short runs; at most 64 MiB. */
async function storedRun(dataset: Hdf5Dataset): Promise<Stored> {
  const plain = plainType(dataset.type);
  if (plain === undefined) throw new CheckpointError("malformed", `sparse indices of HDF5 type ${dataset.type.class}`);
  const bytes = await dataset.bytes();
  return { source: memorySource(bytes, "sparse values"), offset: 0, length: bytes.length, ...plain };
}

async function sparseValues(dataset: Hdf5Dataset): Promise<readonly Stored[]> {
  if (plainType(dataset.type) !== undefined) return [await storedRun(dataset)];
  const array = await hdf5Array(dataset, undefined, 0);
  const type = dataset.type;
  if (array === undefined || type.class !== "compound") throw new CheckpointError("malformed", `sparse values of HDF5 type ${type.class}`);
  const bytes = await dataset.bytes();
  return type.members.map((member) => {
    const plain = plainType(member.type);
    if (plain === undefined) throw new CheckpointError("malformed", `sparse values of HDF5 type ${member.type.class}`);
    const width = member.type.size;
    const plane = new Uint8Array((bytes.length / type.size) * width);
    for (let k = 0; k * type.size < bytes.length; k += 1) {
      plane.set(bytes.subarray(k * type.size + member.offset, k * type.size + member.offset + width), k * width);
    }
    return { source: memorySource(plane, "sparse values"), offset: 0, length: plane.length, ...plain };
  });
}
