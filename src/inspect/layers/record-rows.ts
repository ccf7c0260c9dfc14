import { type Operation, operationOf } from "../../model/geometry/operation.ts";
import { isWeighted, windowsOf } from "../../model/geometry/shapes.ts";
import { changesNothing, halving, slide, type Windows } from "../../model/geometry/window.ts";
import { outputsOf, windowsOfRecord } from "../../model/geometry/windows-of-record.ts";
import type { Identity } from "../../model/identity.ts";
import { asNumbers, attribute, typeOf } from "../../model/records.ts";
import type { Checkpoint, LayerRecord } from "../../tensor/checkpoint.ts";
import { type Counts, rowCounts } from "./counts.ts";
import type { SizedRow } from "./row.ts";
import { type OutputShape, planes, product } from "./shape.ts";

/** Operations that add a bias or change a shape beside a layer: what they hold belongs to the layer before them. */
const helpers =
  /^(reshape2?|add|elementwise_add|add_|scale|full|full_int_array|full_with_tensor|assign|shape|shape64|slice|gather|constant|concat|combine|unsqueeze2?|squeeze2?|identity|feed|fetch|data|cast|parameter|builtin\..*)$/i;

/** The layers of the file itself, in its order, those without weights included. */
export function recordRows(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  input: OutputShape,
  count: (keys: readonly string[]) => Counts,
): readonly SizedRow[] {
  const shapes = new Map<string, OutputShape>();
  const rows: SizedRow[] = [];
  const known = knownLayers(identity);
  let last: OutputShape = input;
  for (const record of checkpoint.layers) {
    const before = shapeBefore(record, shapes, last, input);
    if (checkpoint.conventions.operations === true && helpers.test(record.type)) {
      shapes.set(record.name, before);
      addTo(rows, record, count);
      continue;
    }
    const counts = count(record.tensors);
    const own = record.tensors.map((key) => known.get(key)).find((layer) => layer !== undefined);
    const operation = operationOf(record, checkpoint.conventions, weightKernel(record, checkpoint));
    const windows = windowsFor(operation, own, known.size > 0);
    const shape = outputShape({ record, checkpoint, operation, before, input, own, counts, windows });
    shapes.set(record.name, shape);
    last = shape;
    rows.push({
      name: record.name,
      type: typeText(record),
      ...(windows && { windows }),
      ...rowCounts(counts),
      ...(shape && { outputShape: shape }),
      ...(shape && { keeps: keeps(operation, record, before, shape) }),
      ...work(record, before, shape, counts),
    });
  }
  return rows;
}

/** Bias additions of programs: their parameters are the layer's before them. */
function addTo(rows: SizedRow[], record: LayerRecord, count: (keys: readonly string[]) => Counts): void {
  const target = rows.findLast((row) => row.weights > 0);
  if (target === undefined || record.tensors.length === 0) return;
  const added = count(record.tensors);
  rows[rows.lastIndexOf(target)] = {
    ...target,
    parameters: target.parameters + added.parameters,
    biases: target.biases + added.biases + added.weights,
    bytes: target.bytes + added.bytes,
    statistics: target.statistics + added.statistics,
  };
}

function shapeBefore(record: LayerRecord, shapes: ReadonlyMap<string, OutputShape>, last: OutputShape, input: OutputShape): OutputShape {
  const first = record.inputs.find((name) => shapes.has(name));
  if (first !== undefined) return shapes.get(first);
  // ONNX names values, not nodes: a chain is then taken as it is.
  return shapes.size === 0 ? input : last;
}

function typeText(record: LayerRecord): string {
  const inner = typeOf(record);
  return inner === record.type ? record.type : `${record.type}(${inner})`;
}

/** What the network says of the layer that a tensor is the weight of. */
interface Known {
  readonly outputs: number;
  /** How it slides, where it is a convolution. */
  readonly windows?: Windows;
}

/** Recognised layers by the key of their weight: kernels and widths, whichever way they are kept. */
function knownLayers(identity: Identity | undefined): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>();
  for (const layer of identity?.network.layers ?? []) {
    if (!isWeighted(layer)) continue;
    const slot = identity?.roles.get(`${layer.name}.weight`);
    if (identity === undefined || slot === undefined || "constant" in slot) continue;
    const slides = layer.kind === "conv" || identity.network.head === "conv";
    known.set(slot.key, { outputs: layer.outputs, ...(slides && { windows: windowsOf(identity.network, layer) }) });
  }
  return known;
}

interface Question {
  readonly record: LayerRecord;
  readonly checkpoint: Checkpoint;
  readonly operation: Operation;
  readonly before: OutputShape;
  /** Of the picture. */
  readonly input: OutputShape;
  readonly own: Known | undefined;
  readonly counts: Counts;
  readonly windows: Windows | undefined;
}

/** How a convolution or a pool slides. A pool whose window the file does not keep (TorchScript, Paddle's PIR) is VGG's own in a recognised network. */
function windowsFor(operation: Operation, own: Known | undefined, recognised: boolean): Windows | undefined {
  if (operation.kind === "conv") return own?.windows ?? operation.windows;
  return operation.kind === "pool" ? (operation.windows ?? (recognised ? halving(false) : undefined)) : undefined;
}

function outputShape(question: Question): OutputShape {
  const { record, checkpoint, operation, before, input, own, counts, windows } = question;
  const type = typeOf(record);
  const at = planes(before);
  const given = (): number | undefined => own?.outputs ?? outputsOf(record) ?? outputChannels(record, checkpoint, counts);
  if (/conv_?lstm/i.test(type)) {
    const steps = windowsOfRecord(record, checkpoint.conventions);
    return at && frames(record, at.before, [...(steps === undefined ? [at.height, at.width] : slid(at, steps)), outputsOf(record) ?? 0]);
  }
  if (/lstm|gru|simplernn/i.test(type))
    return before && frames(record, before.slice(0, -1), [(outputsOf(record) ?? 0) * directions(record)]);
  // A whole model in a wrapper: its layers are not listed, so what it gives is not known.
  if (record.type !== type && /^(functional|model|sequential)$/i.test(type)) return undefined;
  switch (operation.kind) {
    case "input":
      return inputShape(record, checkpoint, before, input);
    case "conv": {
      const channels = given();
      return at === undefined || channels === undefined || windows === undefined
        ? undefined
        : [...at.before, ...slid(at, windows), channels];
    }
    case "pool":
      return at && [...at.before, ...(windows === undefined ? [at.height, at.width] : slid(at, windows)), at.channels];
    case "global-pool":
      return at && [...at.before, at.channels];
    case "adaptive-pool":
      return at && operation.size !== undefined ? [...at.before, ...operation.size, at.channels] : before;
    case "flatten":
      return before && flattened(record, before);
    case "dense": {
      const outputs = given();
      if (outputs === undefined) return undefined;
      // Keras' Dense works on the last axis; all others take the whole picture as a row.
      return /^dense$/i.test(type) && before ? [...before.slice(0, -1), outputs] : [outputs];
    }
    default:
      return before;
  }
}

function slid(at: { readonly height: number; readonly width: number }, [down, across]: Windows): readonly number[] {
  return [slide(at.height, down), slide(at.width, across)];
}

/** Keras' Flatten within TimeDistributed keeps the frames; by itself it takes everything into one row. */
function flattened(record: LayerRecord, before: readonly number[]): readonly number[] {
  return record.type === "TimeDistributed" && before.length > 1 ? [before[0] ?? 1, product(before.slice(1))] : [product(before)];
}

function frames(record: LayerRecord, before: readonly number[], rest: readonly number[]): readonly number[] {
  return attribute(record, "return_sequences") === true ? [...before, ...rest] : rest;
}

/** Bidirectional layers put what both directions give side by side, unless they say otherwise. */
function directions(record: LayerRecord): number {
  return record.type === "Bidirectional" && (record.attributes.get("merge_mode") ?? "concat") === "concat" ? 2 : 1;
}

function isInput(record: LayerRecord): boolean {
  return /^(input|inputlayer|data|imagedata)$/i.test(record.type);
}

/** The input of a model within a model is what it is fed; where there are several, each is as large as it says. */
function inputShape(record: LayerRecord, checkpoint: Checkpoint, before: OutputShape, input: OutputShape): OutputShape {
  if (record.inputs.length > 0) return before;
  const several = checkpoint.layers.filter((other) => isInput(other) && other.inputs.length === 0).length > 1;
  return several ? (declared(record) ?? input) : (input ?? declared(record));
}

/** The shape that an input layer declares, without the batch; null axes make it unknown. */
function declared(record: LayerRecord): OutputShape {
  const shape = asNumbers(attribute(record, "batch_input_shape", "batch_shape"))?.slice(1);
  const known = shape?.filter((size) => size !== undefined);
  return known !== undefined && known.length === shape?.length ? known : undefined;
}

/** Of a convolution that is not recognised: the two axes of a four-axis weight that the attributes name, or the format's own order. */
function weightKernel(record: LayerRecord, checkpoint: Checkpoint): readonly [number, number] | undefined {
  const shape = record.tensors.map((key) => checkpoint.tensors.get(key)?.shape).find((other) => other?.length === 4);
  if (shape === undefined) return undefined;
  const [height, width] = checkpoint.conventions.kernel === "h w i o" ? shape : shape.slice(2);
  return height === undefined || width === undefined ? undefined : [height, width];
}

function outputChannels(record: LayerRecord, checkpoint: Checkpoint, counts: Counts): number | undefined {
  if (counts.biases > 0) return counts.biases;
  const shape = record.tensors.map((key) => checkpoint.tensors.get(key)?.shape).find((other) => other !== undefined && other.length >= 2);
  if (shape === undefined) return undefined;
  const { kernel, matrix } = checkpoint.conventions;
  return shape.length === 2 ? shape[matrix === "i o" ? 1 : 0] : shape[kernel === "h w i o" ? 3 : 0];
}

/**
 * Whether a layer's output takes memory of its own: convolutions with their batch norm, pools that change something, dense and recurrent
 * layers. ReLU, batch norm, dropout, flatten and softmax work in place.
 */
function keeps(operation: Operation, record: LayerRecord, before: OutputShape, shape: readonly number[]): boolean {
  const { kind } = operation;
  if (kind === "adaptive-pool") return before?.join() !== shape.join();
  if (kind === "pool" && operation.windows !== undefined && changesNothing(operation.windows)) return false;
  return ["conv", "pool", "global-pool", "dense"].includes(kind) || /lstm|gru|rnn/i.test(typeOf(record));
}

/** Every weight is used once at every place of the output; recurrent ones once a frame and place. */
function work(record: LayerRecord, before: OutputShape, shape: OutputShape, counts: Counts): { readonly multiplyAdds?: number } {
  if (shape === undefined) return {};
  if (counts.weights === 0 || counts.norm) return { multiplyAdds: 0 };
  const type = typeOf(record);
  if (/lstm|gru|rnn/i.test(type)) {
    const steps = before?.[0] ?? 1;
    return { multiplyAdds: steps * counts.weights * (/conv/i.test(type) ? product(shape.slice(-3, -1)) : 1) };
  }
  return { multiplyAdds: counts.weights * product(shape.slice(0, -1)) };
}
