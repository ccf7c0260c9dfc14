import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError, locate } from "../../errors.ts";
import { utf8Bytes } from "../../io/bytes.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";
import type { NumericTensor, Part, StringTensor, Tensor } from "../../tensor/tensor.ts";
import { locateTf, sidecars } from "./files.ts";
import { checkCover, keyText, sliceBox, sliceKey, slicePart } from "./slices.ts";
import { type ProtoPlace, protoStrings, protoValues } from "./tensor-proto.ts";
import { tfDtype, tfTypeName } from "./types.ts";
import { readV1File, type V1File, type V1Meta } from "./v1-table.ts";

/*
 * TF V1 checkpoints (tf.train.Saver before V2, `vgg_16.ckpt` of 2016): one table, or several P-00000-of-0000N, each with its own
 * list of its own tensors and slices.
 */
export const reader: Reader = {
  async detect(probe) {
    return (await locateTf(probe))?.kind === "v1" ? "sure" : undefined;
  },

  async read(probe) {
    const found = await locateTf(probe);
    if (found?.kind !== "v1") throw new CheckpointError("malformed", "this leads to no TensorFlow V1 checkpoint", { file: probe.entry });
    return readFiles(probe.set, found.files);
  },
};

async function readFiles(set: FileSet, files: readonly string[]): Promise<ReadCheckpoint> {
  const opened: ByteSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of opened) await source.close();
  };
  try {
    for (const file of files) {
      const source = await set.open(file);
      if (source === undefined) {
        const hint = "TensorFlow opens what is there without a word, but its layers are incomplete";
        throw new CheckpointError("not-found", `${file} is missing: the checkpoint has ${files.length} files`, { file, hint });
      }
      opened.push(source);
    }
    const tables: V1File[] = [];
    for (const source of opened) tables.push(await locate({ file: source.name }, () => readV1File(source)));
    const notes: Note[] = [];
    const tensors = buildTensors(tables, notes);
    const beside = await sidecars(set, (files[0] ?? "").replace(/-\d{5}-of-\d{5}$/, ""));
    return {
      format: "tf-v1",
      variant: files.length === 1 ? "table of tensor slices" : `table of tensor slices, ${files.length} files`,
      files: [...files, ...beside.files],
      bytes: opened.reduce((sum, source) => sum + source.size, beside.bytes),
      tensors,
      layers: [],
      metadata: new Map(),
      notes,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One variable: the lists of all files together. */
interface Variable {
  readonly meta: V1Meta;
  readonly pieces: { readonly slice: V1Meta["slices"][number]; readonly table: V1File }[];
}

function buildTensors(tables: readonly V1File[], notes: Note[]): ReadonlyMap<string, Tensor> {
  const variables = new Map<string, Variable>();
  for (const table of tables) {
    for (const meta of table.metas) {
      const known = variables.get(meta.name);
      const variable = known ?? { meta, pieces: [] };
      if (known === undefined) variables.set(meta.name, variable);
      else if (known.meta.dtype !== meta.dtype || known.meta.shape.join() !== meta.shape.join()) {
        throw new CheckpointError("mismatch", "two files of the checkpoint give it different types or shapes", { tensor: meta.name });
      }
      variable.pieces.push(...meta.slices.map((slice) => ({ slice, table })));
    }
  }
  const tensors = new Map<string, Tensor>();
  for (const [name, variable] of variables) {
    try {
      const tensor = buildTensor(name, variable, notes);
      if (tensor !== undefined) tensors.set(name, tensor);
    } catch (error) {
      throw error instanceof CheckpointError ? error.at({ tensor: name }) : error;
    }
  }
  return tensors;
}

interface Piece {
  readonly box: Pick<Part, "start" | "shape">;
  readonly place: ProtoPlace;
}

function buildTensor(name: string, { meta, pieces }: Variable, notes: Note[]): Tensor | undefined {
  const dtype = tfDtype(meta.dtype);
  if (dtype === undefined || (dtype === "string" && pieces.length !== 1)) {
    const what = dtype === undefined ? tfTypeName(meta.dtype) : "strings in slices";
    notes.push({ code: "unsupported-tensor", message: `${what} is no array of numbers or strings that can be read`, tensor: name });
    return undefined;
  }
  const bytes = utf8Bytes(name);
  const placed = pieces.map(({ slice, table }): Piece => {
    const box = sliceBox(slice, meta.shape);
    const place = table.values.get(keyText(sliceKey(bytes, slice)));
    if (place === undefined) throw new CheckpointError("malformed", `the table has no values for its slice at [${box.start.join(", ")}]`);
    checkRoom(place, dtype === "string" ? elementCount(box.shape) * 2 : smallest(dtype, box.shape));
    return { box, place };
  });
  checkCover(
    placed.map(({ box }) => box),
    meta.shape,
  );
  return dtype === "string" ? strings(name, meta.shape, placed) : numeric(name, dtype, meta.shape, placed);
}

/** Least bytes that values can take: those kept as varints need one each. */
function smallest(dtype: NumericDType, shape: readonly number[]): number {
  return ["float32", "float64", "complex64", "complex128"].includes(dtype) ? byteLength(shape, dtype) : elementCount(shape);
}

/** Before anything is made of a claimed shape. */
function checkRoom(place: ProtoPlace, needed: number): void {
  if (needed > place.size) {
    throw new CheckpointError("malformed", `its values need ${needed} bytes or more, ${place.size} are there`);
  }
}

function numeric(name: string, dtype: NumericDType, shape: readonly number[], placed: readonly Piece[]): NumericTensor {
  let parts: Promise<readonly Part[]> | undefined;
  const make = async (): Promise<readonly Part[]> => {
    const made: Part[] = [];
    for (const { box, place } of placed) {
      const count = elementCount(box.shape);
      if (count === 0) continue;
      const values = await locate({ tensor: name }, () => protoValues(place, dtype, count, false));
      made.push(slicePart(values, box, itemsize(dtype)));
    }
    return made;
  };
  return {
    name,
    dtype,
    shape,
    parts: () => {
      parts ??= make();
      return parts;
    },
  };
}

function strings(name: string, shape: readonly number[], placed: readonly Piece[]): StringTensor {
  const count = elementCount(shape);
  const place = placed[0]?.place;
  async function* elements(): AsyncGenerator<Uint8Array, void, undefined> {
    if (place !== undefined) yield* protoStrings(place, count, false);
  }
  return { name, dtype: "string", shape, elements };
}
