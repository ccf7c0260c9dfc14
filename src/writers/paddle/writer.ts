import { CheckpointError } from "../../errors.ts";
import { isFc, layerOf, partOf, type Role, type RolePart } from "../../model/role.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import { numpyLetters, paddleTypes } from "../dtypes.ts";
import type { FileLayout, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { PickleWriter } from "../pickle-pieces.ts";
import { specBytes, tensorPiece, textPiece } from "../pieces.ts";

const tableKey = "StructuredToParameterName@@";

/** A `.pdparams` as `paddle.save(layer.state_dict())` of 2.x and 3.x writes it: protocol 4, NumPy arrays, the table of variable names last. */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const pickle = new PickleWriter(4);
    pickle.emptyDict().entries(input.tensors, (tensor) => {
      if (tensor.key.includes("@@")) {
        throw new CheckpointError("unsupported", "Paddle takes names with @@ for its own tables", { tensor: tensor.key });
      }
      if (!paddleTypes.has(tensor.dtype)) {
        throw new CheckpointError("unsupported", `${tensor.dtype} has no place in a state dict of Paddle`, { tensor: tensor.key });
      }
      pickle.text(tensor.key);
      array(pickle, tensor);
    });
    pickle.entries([tableKey], (key) => {
      pickle.text(key);
      pickle.emptyDict().entries(variableNames(input.tensors), ([name, variable]) => pickle.text(name).text(variable));
    });
    return [{ name: input.name, pieces: pickle.finish() }];
  },
};

/** numpy.core.multiarray._reconstruct(ndarray, (0,), b'b'), then BUILD with (version, shape, dtype, Fortran order, bytes). */
function array(pickle: PickleWriter, tensor: TensorSpec): void {
  pickle
    .global("numpy.core.multiarray", "_reconstruct")
    .shared("ndarray, (0,), b'b'", () => {
      pickle.tuple(() => pickle.global("numpy", "ndarray").numbers([0]).bytes(textPiece("b"), 1));
    })
    .reduce()
    .tuple(() => {
      pickle.integer(1).numbers(tensor.shape);
      dtype(pickle, tensor.dtype);
      pickle.boolean(false).bytes(tensorPiece(tensor), specBytes(tensor));
    })
    .build();
}

/** numpy.dtype(descr, align, copy), then BUILD with its state: version 3, byte order, no fields, default sizes. */
function dtype(pickle: PickleWriter, name: NumericDType): void {
  const { itemsize } = dtypes[name];
  pickle.shared(descr(name), () => {
    pickle
      .global("numpy", "dtype")
      .tuple(() => pickle.text(descr(name)).boolean(false).boolean(true))
      .reduce()
      .tuple(() => {
        pickle
          .integer(3)
          .text(itemsize === 1 ? "|" : "<")
          .none()
          .none()
          .none()
          .integer(-1)
          .integer(-1)
          .integer(0);
      })
      .build();
  });
}

/** Paddle keeps bfloat16 as the bits in a uint16 array, and takes every such array for it. */
function descr(name: NumericDType): string {
  if (name === "bfloat16") return "u2";
  const { kind, itemsize } = dtypes[name];
  return `${numpyLetters[kind]}${itemsize}`;
}

/** Structured name → the variable's own, numbered as Paddle numbers layers of a class when a network is built. */
function variableNames(tensors: readonly TensorSpec[]): readonly (readonly [string, string])[] {
  const classes = new Map<string, Map<string, number>>();
  return tensors.map(({ key, role }) => [key, (role === undefined ? undefined : variableName(role, classes)) ?? key] as const);
}

const leaves: ReadonlyMap<RolePart, readonly [norm: boolean, suffix: string]> = new Map([
  ["weight", [false, "w_0"]],
  ["bias", [false, "b_0"]],
  ["bn.weight", [true, "w_0"]],
  ["bn.bias", [true, "b_0"]],
  ["bn.mean", [true, "w_1"]],
  ["bn.var", [true, "w_2"]],
] as const);

function variableName(role: Role, classes: Map<string, Map<string, number>>): string | undefined {
  const layer = layerOf(role);
  const leaf = leaves.get(partOf(role));
  if (leaf === undefined) return undefined;
  const kind = leaf[0] ? (isFc(role) ? "batch_norm1d" : "batch_norm2d") : isFc(role) ? "linear" : "conv2d";
  const known = classes.get(kind) ?? new Map<string, number>();
  classes.set(kind, known);
  const number = known.get(layer) ?? known.size;
  known.set(layer, number);
  return `${kind}_${number}.${leaf[1]}`;
}
