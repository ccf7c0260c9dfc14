import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Described } from "../../src/model/described.ts";
import { type DType, isNumericDType } from "../../src/tensor/dtype.ts";

/** A golden case's expected.json, as far as the model needs it. */
export interface ExpectedCase {
  readonly name: string;
  readonly architecture: string;
  readonly format: string;
  readonly scheme: string | undefined;
  readonly tensors: ReadonlyMap<string, Described>;
  /** role → key, axes; derived and flipped kernels included. */
  readonly roles: ReadonlyMap<string, readonly [key: string, axes: string]>;
  readonly flipped: ReadonlySet<string>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function entries(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : [];
}

/** Every case under a golden folder that has an expected.json. */
export function expectedCases(root: string): readonly ExpectedCase[] {
  const cases: ExpectedCase[] = [];
  for (const architecture of readdirSync(root).sort()) {
    const folder = join(root, architecture);
    if (!statSync(folder).isDirectory()) continue;
    for (const name of readdirSync(folder).sort()) {
      const file = join(folder, name, "expected.json");
      if (existsSync(file)) cases.push(readExpected(file, architecture, name));
    }
  }
  return cases;
}

function readExpected(file: string, architecture: string, name: string): ExpectedCase {
  const json: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!isRecord(json)) throw new Error(`${file} is no object`);
  const bits = new Set(Array.isArray(json.bfloat16) ? json.bfloat16.map(String) : []);
  const tensors = new Map<string, Described>();
  for (const [key, value] of entries(json.tensors)) {
    if (!isRecord(value) || !Array.isArray(value.shape)) continue;
    tensors.set(key, { name: key, shape: value.shape.map(Number), dtype: bits.has(key) ? "bfloat16" : dtypeOf(String(value.dtype)) });
  }
  const slots = [...entries(json.roles), ...entries(json.derived), ...entries(json.flipped)];
  const roles = new Map(
    slots.flatMap(([role, slot]): [string, [string, string]][] =>
      Array.isArray(slot) ? [[role, [String(slot[0]), String(slot[1])]]] : [],
    ),
  );
  const scheme = typeof json.scheme === "string" ? json.scheme : undefined;
  return {
    name: `${architecture}/${name}`,
    architecture,
    format: formatOf(String(json.framework), name, String(json.open)),
    scheme,
    tensors,
    roles,
    flipped: new Set(entries(json.flipped).map(([role]) => role)),
  };
}

function dtypeOf(name: string): DType {
  return isNumericDType(name) ? name : "string";
}

/** The reader's format id: from the case's name, as the cases are named after what they hold. */
function formatOf(framework: string, name: string, open: string): string {
  const rules: readonly (readonly [RegExp, string])[] = [
    [/^paddle-safetensors|^safetensors/, "safetensors"],
    [/^paddle/, "paddle"],
    [/^tfjs/, "tfjs"],
    [/^tf-frozen/, "graphdef"],
    [/savedmodel|keras3-export/, "savedmodel"],
    [/^tf.*v1/, "tf-v1"],
    [/^tf|^keras2-tf-weights|^keras3-tf-checkpoint/, "tf-v2"],
    [/^matconvnet/, "matconvnet"],
    [/^mat-/, "mat"],
    [/^caffe/, "caffe"],
    [/^darknet/, "darknet"],
    [/^mxnet/, "mxnet"],
    [/^onnx/, "onnx"],
    [/^torch7/, "torch7"],
    [/^npz/, "npz"],
    [/^npy/, "npy"],
    [/^keras/, /\.h5$/.test(open) && !/weights\.h5$/.test(open) ? "keras-h5" : "keras"],
    [/^torch|^learn/, "torch"],
  ];
  const format = rules.find(([pattern]) => pattern.test(name))?.[1] ?? framework;
  if (format !== "keras") return format;
  return /^keras[12]/.test(name) && !/v3|keras2-keras/.test(name) ? "keras-h5" : "keras-v3";
}
