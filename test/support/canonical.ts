import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "../../src/io/context.ts";
import { open } from "../../src/open.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { load, loadFloat64 } from "../../src/tensor/load.ts";
import { decode, encodeNumbers } from "../../src/tensor/numbers/numbers.ts";
import { isNumeric, type NumericTensor } from "../../src/tensor/tensor.ts";

export interface Expected {
  readonly open: string;
  readonly weights?: string;
  /** role → [key, pattern]. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  readonly tensors: ReadonlyMap<string, { readonly dtype: string; readonly shape: readonly number[] }>;
  /** sha256 of each tensor, in hexadecimal. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly derived: ReadonlySet<string>;
  readonly inputSize?: readonly [number, number, number];
}

function record(value: unknown): Map<string, unknown> {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : new Map();
}

function numbers(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

export function parseExpected(text: string): Expected {
  const all = record(JSON.parse(text));
  const roles = new Map([...record(all.get("roles"))].map(([role, pair]) => [role, Array.isArray(pair) ? pair.map(String) : []]));
  const tensors = new Map(
    [...record(all.get("tensors"))].map(([key, value]) => {
      const fields = record(value);
      return [key, { dtype: String(fields.get("dtype")), shape: numbers(fields.get("shape")) }];
    }),
  );
  const weights = all.get("weights");
  const size = /-(\d+)x(\d+)$/.exec(String(all.get("arch"))) ?? /-(\d+)$/.exec(String(all.get("arch")));
  const [height, width] = size === null ? [] : [Number(size[1]), Number(size[2] ?? size[1])];
  const first = roles.get("conv1_1.weight");
  const channels = String(all.get("arch")).includes("learn") ? 1 : 3;
  return {
    open: String(all.get("open")),
    ...(typeof weights === "string" ? { weights } : {}),
    roles,
    tensors,
    hashes: new Map([...record(all.get("tensors"))].map(([key, value]) => [key, String(record(value).get("sha256"))])),
    derived: new Set(record(all.get("derived")).keys()),
    ...(height === undefined || width === undefined || first === undefined ? {} : { inputSize: [height, width, channels] }),
  };
}

/** undefined where every role of the oracle has the right value in a canonical safetensors file; else what is wrong. */
export async function compareWithCanonical(
  out: string,
  archFolder: string,
  folder: string,
  expected: Expected,
  ctx: Context,
): Promise<string | undefined> {
  const own = join(folder, "weights.npz");
  const oracle = await open(expected.weights === "weights.npz" && existsSync(own) ? own : join(archFolder, "canonical.npz"), ctx);
  const made = await open(out, ctx);
  const axes = record(JSON.parse(String(made.metadata.get("axes") ?? "{}")));
  try {
    const wrong: string[] = [];
    for (const role of expected.roles.keys()) {
      const layer = role.replace(/\.bn\.moments$/, "");
      const names = role.endsWith(".bn.moments") ? [`${layer}.bn.mean`, `${layer}.bn.var`] : [role];
      for (const name of names) {
        const want = oracle.tensors.get(name);
        const got = made.tensors.get(name);
        if (want === undefined || !isNumeric(want)) continue;
        if (got === undefined || !isNumeric(got)) wrong.push(`${name} is not there`);
        else if (!(await equal(got, want, String(axes.get(name)), name.endsWith(".bn.var") && role.endsWith("moments"), ctx)))
          wrong.push(name);
      }
    }
    return wrong.length === 0 ? undefined : `wrong: ${wrong.slice(0, 6).join(", ")}${wrong.length > 6 ? ` (${wrong.length})` : ""}`;
  } finally {
    await oracle.close();
    await made.close();
  }
}

/** A role in the axes that the file tells against the oracle's, which are o i h w with fc6 as [out, channels, h, w]. */
async function equal(got: NumericTensor, want: NumericTensor, axes: string, computed: boolean, ctx: Context): Promise<boolean> {
  if (want.shape.length < 4) {
    if (computed) return near(await loadFloat64(got, ctx), await loadFloat64(want, ctx));
    return Buffer.compare(await asFloat32(got, axes, "o", new Map(), ctx), await rounded(want, got.dtype, ctx)) === 0;
  }
  const [o = 1, i = 1, h = 1, w = 1] = want.shape;
  const sizes = new Map([
    ["o", o],
    ["i", i],
    ["h", h],
    ["w", w],
  ]);
  return Buffer.compare(await asFloat32(got, axes, "o i h w", sizes, ctx), await rounded(want, got.dtype, ctx)) === 0;
}

/** The oracle in the type that the source has. */
async function rounded(want: NumericTensor, dtype: NumericDType, ctx: Context): Promise<Uint8Array> {
  const exact = await loadFloat64(want, ctx);
  const stored = new Uint8Array(8 * exact.length);
  encodeNumbers(exact, exact.length, dtype, stored, 0);
  const again = new Float64Array(exact.length);
  decode(stored, 0, dtype, again, exact.length);
  return new Uint8Array(Float32Array.from(again).buffer);
}

async function asFloat32(
  tensor: NumericTensor,
  from: string,
  to: string,
  sizes: ReadonlyMap<string, number>,
  ctx: Context,
): Promise<Uint8Array> {
  return new Uint8Array((await load(tensor, from, to, sizes, ctx)).buffer);
}

function near(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, k) => Math.abs(value - (b[k] ?? 0)) <= 2e-7 * Math.abs(b[k] ?? 0));
}
