import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { NumericDType } from "../../src/tensor/dtype.ts";

export interface ExpectedTensor {
  readonly dtype: NumericDType | "string";
  readonly shape: readonly number[];
  readonly sha256: string;
}

/** One golden case (or one further entry file of it, `also`), as its expected.json says. */
export interface GoldenCase {
  readonly arch: string;
  readonly name: string;
  readonly folder: string;
  /** What a person would name on the command line. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, ExpectedTensor>;
  /** The whole expected.json. */
  readonly json: Readonly<Record<string, unknown>>;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Every case folder below the golden root (misc included, hostile and make not), sorted. */
export function expectedCases(root: string): readonly GoldenCase[] {
  const cases: GoldenCase[] = [];
  for (const arch of readdirSync(root).sort()) {
    if (arch === "hostile" || arch === "make" || !statSync(join(root, arch)).isDirectory()) continue;
    for (const name of readdirSync(join(root, arch)).sort()) {
      const folder = join(root, arch, name);
      if (existsSync(join(folder, "expected.json"))) cases.push(...readCase(arch, name, folder));
    }
  }
  return cases;
}

export function readCase(arch: string, name: string, folder: string): readonly GoldenCase[] {
  const json: unknown = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));
  if (!isRecord(json)) throw new Error(`${folder}: no expected.json as documented`);
  if (typeof json.open !== "string") return filesOf(arch, name, folder, json);
  const bits = new Set(Array.isArray(json.bfloat16) ? json.bfloat16 : []);
  const found: GoldenCase[] = [{ arch, name, folder, path: join(folder, json.open), tensors: tensorsOf(json.tensors, bits), json }];
  if (isRecord(json.also)) {
    for (const [file, also] of Object.entries(json.also)) {
      if (!isRecord(also)) continue;
      const alsoBits = new Set(Array.isArray(also.bfloat16) ? also.bfloat16 : []);
      found.push({
        arch,
        name: `${name}:${file}`,
        folder,
        path: join(folder, file),
        tensors: tensorsOf(also.tensors, alsoBits),
        json: also,
      });
    }
  }
  return found;
}

/** misc/npy has no file to open: every tensor is a file of its own, and named after it. */
function filesOf(arch: string, name: string, folder: string, json: Readonly<Record<string, unknown>>): readonly GoldenCase[] {
  return [...tensorsOf(json.tensors, new Set())].map(([key, tensor]) => ({
    arch,
    name: `${name}:${key}`,
    folder,
    path: join(folder, `${key}.npy`),
    tensors: new Map([[key, tensor]]),
    json,
  }));
}

function tensorsOf(json: unknown, bfloat16: ReadonlySet<unknown>): ReadonlyMap<string, ExpectedTensor> {
  const tensors = new Map<string, ExpectedTensor>();
  if (!isRecord(json)) throw new Error("expected.json has no tensors");
  for (const [key, value] of Object.entries(json)) {
    if (!isRecord(value) || typeof value.dtype !== "string" || typeof value.sha256 !== "string" || !Array.isArray(value.shape)) {
      throw new Error(`expected tensor ${key} is not as documented`);
    }
    const dtype = bfloat16.has(key) ? "bfloat16" : value.dtype;
    tensors.set(key, { dtype: dtype as ExpectedTensor["dtype"], shape: value.shape.map(Number), sha256: value.sha256 });
  }
  return tensors;
}
