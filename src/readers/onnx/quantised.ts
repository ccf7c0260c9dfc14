import type { Inert, Note } from "../../tensor/checkpoint.ts";
import { dequantised, quantisedNotes, vectorNumbers } from "../../tensor/dequantised.ts";
import { isNumeric, type NumericTensor, type Tensor } from "../../tensor/tensor.ts";
import type { OnnxNode } from "./model.ts";

/*
 * How ONNX quantises (the operator pages of ONNX and of ONNX Runtime's own domain, com.microsoft): operators that take whole numbers with scales and zero
 * points (QLinearConv, QGemm …), or the ordinary ones behind DequantizeLinear. Weights are multiplied by one scale, or by one for each output.
 */

/** Places among the inputs of an operator: whole numbers, the scales that are multiplied for them, their zero points. */
interface Quantised {
  readonly data: number;
  readonly scales: readonly number[];
  /** −1 where it is always 0. */
  readonly zeroPoint: number;
  /** Along which several scales run; negative ones count from the last. */
  readonly axis: number | ((node: OnnxNode) => number);
}

const integer = (value: Inert | undefined, absent: number): number => (typeof value === "number" ? value : absent);

const operators: ReadonlyMap<string, readonly Quantised[]> = new Map<string, readonly Quantised[]>([
  ["DequantizeLinear", [{ data: 0, scales: [1], zeroPoint: 2, axis: ({ attributes }) => integer(attributes.get("axis"), 1) }]],
  [
    "QLinearConv",
    [
      { data: 3, scales: [4], zeroPoint: 5, axis: 0 },
      { data: 8, scales: [1, 4], zeroPoint: -1, axis: 0 },
    ],
  ],
  ["QLinearMatMul", [{ data: 3, scales: [4], zeroPoint: 5, axis: -1 }]],
  [
    "QLinearAdd",
    [
      { data: 0, scales: [1], zeroPoint: 2, axis: 0 },
      { data: 3, scales: [4], zeroPoint: 5, axis: 0 },
    ],
  ],
  [
    "QGemm",
    [
      { data: 3, scales: [4], zeroPoint: 5, axis: ({ attributes }) => (integer(attributes.get("transB"), 0) === 0 ? 1 : 0) },
      { data: 6, scales: [1, 4], zeroPoint: -1, axis: 0 },
    ],
  ],
  ["MatMulIntegerToFloat", [{ data: 1, scales: [3], zeroPoint: 5, axis: -1 }]],
  ["DynamicQuantizeMatMul", [{ data: 1, scales: [2], zeroPoint: 3, axis: -1 }]],
]);
/** Operators of whole numbers whose scale is multiplied behind them; weight, zero point, axis. */
const scaledLater: ReadonlyMap<string, Omit<Quantised, "scales">> = new Map([
  ["ConvInteger", { data: 1, zeroPoint: 3, axis: 0 }],
  ["MatMulInteger", { data: 1, zeroPoint: 3, axis: -1 }],
]);
/** Has no bias of its own: QLinearAdd behind it adds one. */
const product = "QLinearMatMul";
/** Inputs of other operators of this kind (QLinearAdd, QLinearGlobalAveragePool, QuantizeLinear …) that are no data are scales. */
const quantisedOperator = /^(QLinear|QuantizeLinear$|DequantizeLinear$)/;

export interface QuantisedModel {
  /** By the name of the initializer. */
  readonly real: ReadonlyMap<string, NumericTensor>;
  /** Initializers that are scales and zero points of something. */
  readonly scales: ReadonlySet<string>;
  /** Results that are an initializer in another form: of DequantizeLinear, and of QuantizeLinear before it. */
  readonly standsFor: ReadonlyMap<string, string>;
  /** Biases that are added behind a product of whole numbers, by what that operator makes. */
  readonly biases: ReadonlyMap<string, string>;
  readonly notes: readonly Note[];
}

/** What of a graph's initializers is quantised, and what the numbers mean. */
export function readQuantised(nodes: readonly OnnxNode[], tensors: ReadonlyMap<string, Tensor>): QuantisedModel {
  const real = new Map<string, NumericTensor>();
  const scales = new Set<string>();
  const standsFor = new Map<string, string>();
  const biases = new Map<string, string>();
  const later = new Later(nodes, tensors);
  const add = (node: OnnxNode, place: Omit<Quantised, "scales">, factors: readonly string[]): void => {
    const tensor = tensors.get(node.inputs[place.data] ?? "");
    const zeroPoint = node.inputs[place.zeroPoint] ?? "";
    for (const name of [...factors, zeroPoint]) if (tensors.has(name)) scales.add(name);
    if (tensor === undefined || !isNumeric(tensor) || factors.length === 0) return;
    const made = scaled(tensor, factors, zeroPoint, { axis: axisOf(node, place, tensor), tensors });
    if (made !== undefined) real.set(tensor.name, made);
  };
  for (const node of nodes) {
    const places = operators.get(node.type) ?? [];
    for (const place of places) {
      const names = place.scales.map((at) => node.inputs[at] ?? "");
      add(node, place, names.every((name) => tensors.has(name)) ? names : []);
    }
    const place = scaledLater.get(node.type);
    if (place !== undefined) {
      add(node, place, later.scaleOf(node));
    }
    const bias = later.biasOf(node);
    if (bias !== undefined) biases.set(node.outputs[0] ?? "", bias);
    const data = new Set(places.map((at) => at.data));
    if (places.length > 0 || quantisedOperator.test(node.type)) {
      node.inputs.forEach((name, at) => {
        if (at > 0 && !data.has(at) && tensors.has(name) && isVector(tensors.get(name))) scales.add(name);
      });
    }
    if (node.type === "DequantizeLinear" || node.type === "QuantizeLinear") {
      const [input = ""] = node.inputs;
      const origin = tensors.has(input) ? input : standsFor.get(input);
      if (origin !== undefined) for (const output of node.outputs) standsFor.set(output, origin);
    }
  }
  return { real, scales, standsFor, biases, notes: quantisedNotes(real, (name) => tensors.get(name)?.dtype) };
}

function isVector(tensor: Tensor | undefined): boolean {
  return tensor !== undefined && tensor.shape.length <= 1;
}

function axisOf(node: OnnxNode, { axis }: Pick<Quantised, "axis">, tensor: Tensor): number {
  const given = typeof axis === "number" ? axis : axis(node);
  return given < 0 ? given + tensor.shape.length : given;
}

interface Around {
  readonly axis: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Undefined where scales or zero points are not as many as there have to be, or no float32 and whole numbers. */
function scaled(tensor: NumericTensor, factors: readonly string[], zeroPoint: string, around: Around): NumericTensor | undefined {
  const { axis, tensors } = around;
  const found = [...factors, ...(zeroPoint === "" ? [] : [zeroPoint])].map((name) => tensors.get(name));
  const given = found.filter((item) => item !== undefined && isNumeric(item));
  if (given.length !== found.length) return undefined;
  const counts = given.map(({ shape }) => shape.reduce((count, size) => count * size, 1));
  const many = Math.max(...counts);
  if (counts.some((count) => count !== 1 && count !== many) || (many !== 1 && many !== tensor.shape[axis])) return undefined;
  if (given.slice(0, factors.length).some(({ dtype }) => dtype !== "float32")) return undefined;
  const all = async (item: NumericTensor | undefined, absent: number): Promise<readonly number[]> => {
    const values = item === undefined ? [absent] : await vectorNumbers(item);
    return Array.from({ length: many }, (_, k) => values[values.length === 1 ? 0 : k] ?? absent);
  };
  return dequantised(tensor, {
    axis: many === 1 ? undefined : axis,
    async read() {
      const scales = await Promise.all(given.slice(0, factors.length).map((item) => all(item, 1)));
      const product = Array.from({ length: many }, (_, k) => scales.reduce((value, factor) => Math.fround(value * (factor[k] ?? 1)), 1));
      return { scales: product, zeroPoints: await all(given[factors.length], 0) };
    },
  });
}

/** What comes behind an operator of whole numbers: Cast, Mul with the product of the picture's scale and the weight's, Add of a bias. */
class Later {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #users = new Map<string, OnnxNode[]>();
  readonly #makers = new Map<string, OnnxNode>();

  constructor(nodes: readonly OnnxNode[], tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors;
    if (!nodes.some(({ type }) => scaledLater.has(type) || type === product)) return;
    for (const node of nodes) {
      for (const input of node.inputs) this.#users.set(input, [...(this.#users.get(input) ?? []), node]);
      for (const output of node.outputs) this.#makers.set(output, node);
    }
  }

  scaleOf(node: OnnxNode): readonly string[] {
    return this.#other(this.#user(node, "Cast"), "Mul");
  }

  biasOf(node: OnnxNode): string | undefined {
    if (node.type === product) {
      const [a, , , b] = this.#user(node, "QLinearAdd")?.inputs ?? [];
      return [a, b].find((name) => name !== undefined && this.#tensors.has(name));
    }
    if (!scaledLater.has(node.type)) return undefined;
    const [bias] = this.#other(this.#user(this.#user(node, "Cast"), "Mul"), "Add");
    return bias;
  }

  /** The initializer that meets a result in an operator: its other input, or the first initializer of what makes that. */
  #other(made: OnnxNode | undefined, type: string): readonly string[] {
    const other = this.#user(made, type)?.inputs.find((name) => made?.outputs.includes(name) !== true);
    if (other === undefined) return [];
    const found = this.#tensors.has(other) ? [other] : (this.#makers.get(other)?.inputs ?? []);
    return found.filter((name) => this.#tensors.has(name)).slice(0, 1);
  }

  #user(node: OnnxNode | undefined, type: string): OnnxNode | undefined {
    return this.#users.get(node?.outputs[0] ?? "")?.find((user) => user.type === type);
  }
}
