import { CheckpointError } from "../../errors.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { PickleWriter } from "../pickle-pieces.ts";
import { tensorPiece, textPiece } from "../pieces.ts";
import { type ZipMember, zipPieces } from "../zip-pieces.ts";

/** torch.storage's typed classes; a tensor's storage says its dtype. */
const storages: Readonly<Partial<Record<NumericDType, string>>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  uint8: "ByteStorage",
  int8: "CharStorage",
  int16: "ShortStorage",
  int32: "IntStorage",
  int64: "LongStorage",
  bool: "BoolStorage",
  complex64: "ComplexFloatStorage",
  complex128: "ComplexDoubleStorage",
};

/** The folder that torch itself uses when it saves to a buffer. */
const folder = "archive";
/** torch maps files and wants data at multiples of this many bytes. */
const align = 64;

/**
 * A `.pth` as `torch.save(state_dict)` writes it since 1.6: a stored zip with `data.pkl` (protocol 2, an OrderedDict of
 * `_rebuild_tensor_v2`), a file of raw values for each tensor, `byteorder` and `version`.
 */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const members: ZipMember[] = [
      { name: `${folder}/data.pkl`, pieces: statePickle(input.tensors) },
      { name: `${folder}/byteorder`, pieces: [textPiece("little")] },
      ...input.tensors.map((tensor, k) => ({ name: `${folder}/data/${k}`, pieces: [tensorPiece(tensor)], align })),
      { name: `${folder}/version`, pieces: [textPiece("3\n")] },
    ];
    return [{ name: input.name, pieces: zipPieces(members) }];
  },
};

function statePickle(tensors: readonly TensorSpec[]) {
  const pickle = new PickleWriter(2);
  orderedDict(pickle).entries(
    tensors.map((tensor, k) => ({ tensor, k })),
    ({ tensor, k }) => {
      pickle.text(tensor.key);
      rebuilt(pickle, tensor, k);
    },
  );
  return pickle.finish();
}

function orderedDict(pickle: PickleWriter): PickleWriter {
  return pickle.global("collections", "OrderedDict").emptyTuple().reduce();
}

/** _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks). */
function rebuilt(pickle: PickleWriter, tensor: TensorSpec, k: number): void {
  const count = tensor.shape.reduce((product, n) => product * n, 1);
  pickle
    .global("torch._utils", "_rebuild_tensor_v2")
    .tuple(() => {
      pickle
        .tuple(() => pickle.text("storage").global("torch", storageOf(tensor)).text(String(k)).text("cpu").integer(count))
        .persistentId();
      pickle.integer(0).numbers(tensor.shape).numbers(strides(tensor.shape)).boolean(false);
      orderedDict(pickle);
    })
    .reduce();
}

function storageOf(tensor: TensorSpec): string {
  const storage = storages[tensor.dtype];
  if (storage === undefined) throw new CheckpointError("unsupported", `${tensor.dtype} has no storage in PyTorch`, { tensor: tensor.key });
  return storage;
}

/** In elements, row-major. */
function strides(shape: readonly number[]): readonly number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * Math.max(n, 1), 1));
}
