import { CheckpointError } from "../../errors.ts";
import { dtypes } from "../../tensor/dtype.ts";
import { numpyLetters } from "../dtypes.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { bytesPiece, tensorPiece } from "../pieces.ts";
import { type ZipMember, zipPieces } from "../zip-pieces.ts";

/** NumPy pads a header so that the data starts at a multiple of 64 bytes (numpy.lib.format, ARRAY_ALIGN). */
const headerAlign = 64;

/** A `.npz` as `numpy.savez` writes it: a zip of `.npy` members; deflated with the option `compress`. */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const deflate = input.options.get("compress") === "true";
    const members = input.tensors.map(
      (tensor): ZipMember => ({
        name: `${tensor.key}.npy`,
        deflate,
        pieces: [bytesPiece(npyHeader(tensor)), tensorPiece(tensor)],
      }),
    );
    return [{ name: input.name, pieces: zipPieces(members) }];
  },
};

/** Version 1.0: magic, version, length of the text (u16, little-endian), a Python dict literal padded with spaces, a newline. */
export function npyHeader(tensor: TensorSpec): Uint8Array {
  const shape = tensor.shape.length === 1 ? `(${tensor.shape[0]},)` : `(${tensor.shape.join(", ")})`;
  const text = `{'descr': '${descr(tensor)}', 'fortran_order': False, 'shape': ${shape}, }`;
  const length = Math.ceil((10 + text.length + 1) / headerAlign) * headerAlign;
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[length - 1] = 0x0a;
  return bytes;
}

function descr(tensor: TensorSpec): string {
  const { kind, itemsize: bytes } = dtypes[tensor.dtype];
  if (kind === "float" && (bytes === 1 || tensor.dtype === "bfloat16")) {
    throw new CheckpointError("unsupported", `${tensor.dtype} has no place in NumPy files`, { tensor: tensor.key });
  }
  return `${bytes === 1 ? "|" : "<"}${numpyLetters[kind]}${bytes}`;
}
