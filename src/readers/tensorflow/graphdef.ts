import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError, locate } from "../../errors.ts";
import type { LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { wholePart } from "../../tensor/contiguous.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { byteLength, denseStrides, elementCount } from "../../tensor/shape.ts";
import type { Part, Tensor } from "../../tensor/tensor.ts";
import { beginsAsGraph, type ConstTensor, type GraphNode, graphNodes } from "./graph.ts";
import { protoStrings, protoValues } from "./tensor-proto.ts";
import { tfDtype, tfTypeName } from "./types.ts";

/*
 * A frozen TensorFlow graph (`*.pb`): a GraphDef whose weights are Const nodes. All of them are listed under their node's name.
 */
export const reader: Reader = {
  async detect(probe) {
    return beginsAsGraph(probe.head) ? "sure" : undefined;
  },

  async read(probe) {
    const tensors = new Map<string, Tensor>();
    const notes: Note[] = [];
    const nodes: GraphNode[] = [];
    const known = new Set<string>();
    for await (const node of graphNodes(probe.source)) {
      if (known.has(node.name)) throw duplicate(probe, node.name);
      known.add(node.name);
      if (node.op !== "Const") nodes.push(node);
      else if (node.tensor !== undefined) {
        const tensor = await constant(node.name, node.tensor, notes);
        if (tensor !== undefined) tensors.set(node.name, tensor);
      }
    }
    return checkpoint(probe, tensors, nodes, notes);
  },
};

function duplicate(probe: Probe, name: string): CheckpointError {
  return new CheckpointError("malformed", `the graph has two nodes named ${JSON.stringify(name)}`, {
    file: probe.source.name,
    tensor: name,
  });
}

async function constant(name: string, { dtype: type, shape, place }: ConstTensor, notes: Note[]): Promise<Tensor | undefined> {
  const dtype = tfDtype(type);
  if (dtype === undefined) {
    notes.push({
      code: "unsupported-tensor",
      message: `${tfTypeName(type)} is no array of numbers or strings that can be read`,
      tensor: name,
    });
    return undefined;
  }
  return locate({ tensor: name }, async () => {
    const count = elementCount(shape);
    if (dtype === "string") return { name, dtype, shape, elements: () => protoStrings(place, count, true) };
    byteLength(shape, dtype);
    // Found once, when the file is opened, so that a constant with too few bytes is reported then.
    const values = count === 0 ? undefined : await protoValues(place, dtype, count, true);
    const width = itemsize(dtype);
    // One value for all of them: a stride of 0.
    const strides = values?.size === width ? shape.map(() => 0) : denseStrides(shape, width);
    const parts: readonly Part[] = values === undefined ? [] : [wholePart(values, 0, shape, strides)];
    return { name, dtype, shape, parts: async () => parts };
  });
}

function checkpoint(
  probe: Probe,
  tensors: ReadonlyMap<string, Tensor>,
  nodes: readonly GraphNode[],
  notes: readonly Note[],
): ReadCheckpoint {
  const identity = new Map(nodes.filter((node) => node.op === "Identity").map((node) => [node.name, node.inputs[0] ?? ""]));
  /** A constant reached through `weights/read`, which only hands it on. */
  const resolve = (input: string): string => {
    const name = input.replace(/^\^/, "").replace(/:\d+$/, "");
    return tensors.has(name) ? name : (identity.get(name) ?? name);
  };
  const layers = nodes
    .filter((node) => !(node.op === "Identity" && tensors.has(node.inputs[0] ?? "")))
    .map((node): LayerRecord => {
      const inputs = node.inputs.map(resolve);
      return {
        name: node.name,
        type: node.op,
        attributes: node.attributes,
        inputs: inputs.filter((input) => !tensors.has(input)),
        tensors: inputs.filter((input) => tensors.has(input)),
      };
    });
  return {
    format: "graphdef",
    variant: "GraphDef",
    files: [probe.entry],
    bytes: probe.source.size,
    tensors,
    layers,
    metadata: new Map(),
    notes,
    close: async () => {},
  };
}
