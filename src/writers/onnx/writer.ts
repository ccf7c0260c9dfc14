import { CheckpointError } from "../../errors.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { FileLayout, Piece, TensorSpec, Writer, WriterInput } from "../layout.ts";
import { bytesPiece, specBytes, tensorPiece } from "../pieces.ts";
import { type FieldPieces, joinedPieces } from "../proto-pieces.ts";
import { exportedGraph } from "./graph.ts";
import { externalData, floatType, initializer, model, rawData } from "./message.ts";

/** TensorProto.DataType (onnx.proto). */
const dataTypes: Readonly<Partial<Record<NumericDType, number>>> = {
  float32: floatType,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8_e4m3fn: 17,
  float8_e5m2: 19,
};

/** IR 8 and opset 17 (ONNX 1.13, 2022): every operator used here is older, and runtimes of the last years take them. */
const irVersion = 8;
const opset = 17;
/** A protobuf message ends at 2 GiB; the graph itself is small beside the weights. */
const inlineBytes = 2 ** 31 - 2 ** 20;
/** External data begins at page boundaries, so that runtimes can map it (ExternalData.md asks for 4096 at least). */
const externalAlign = 4096;

/** A `.onnx` with the whole network as a graph; weights in the file, or beside it as `<name>.data` above 2 GiB or with the option `external`. */
export const writer: Writer = {
  layout(input: WriterInput): readonly FileLayout[] {
    const total = input.tensors.reduce((sum, tensor) => sum + specBytes(tensor), 0);
    const external = total > inlineBytes || input.options.get("external") === "true";
    const data = `${input.name}.data`;
    const graph = exportedGraph(input, dataType);
    const { initializers, pieces } = external ? outside(input.tensors, data) : inside(input.tensors);
    const message = model({
      irVersion,
      opset,
      producer: "vggtool",
      graphName: graph.name,
      graph: { nodes: graph.nodes, initializers, values: [...graph.inputs, ...graph.outputs] },
      metadata: input.metadata,
    });
    const file: FileLayout = { name: input.name, pieces: joinedPieces(message.flat()) };
    return external ? [{ name: data, pieces }, file] : [file];
  },
};

function dataType(tensor: TensorSpec): number {
  const type = dataTypes[tensor.dtype];
  if (type === undefined) throw new CheckpointError("unsupported", `${tensor.dtype} has no place in ONNX`, { tensor: tensor.key });
  return type;
}

interface Stored {
  /** Fields 5 of the graph. */
  readonly initializers: readonly FieldPieces[];
  /** Of the file beside. */
  readonly pieces: readonly Piece[];
}

function inside(tensors: readonly TensorSpec[]): Stored {
  const initializers = tensors.map((tensor) => initializer(tensor.key, tensor.shape, dataType(tensor), rawData([tensorPiece(tensor)])));
  return { initializers, pieces: [] };
}

/** Each tensor's bytes in the file beside the model. */
function outside(tensors: readonly TensorSpec[], file: string): Stored {
  const pieces: Piece[] = [];
  let end = 0;
  const location = file.slice(file.lastIndexOf("/") + 1);
  const initializers = tensors.map((tensor) => {
    const padding = (externalAlign - (end % externalAlign)) % externalAlign;
    if (padding > 0) pieces.push(bytesPiece(new Uint8Array(padding)));
    const region = { offset: end + padding, length: specBytes(tensor) };
    pieces.push(tensorPiece(tensor));
    end = region.offset + region.length;
    return initializer(tensor.key, tensor.shape, dataType(tensor), externalData(location, region));
  });
  return { initializers, pieces };
}
