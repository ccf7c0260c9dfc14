import type { ConvLayer, FcLayer } from "../../model/network.ts";
import type { Pair } from "./diagnose.ts";
import { agreement } from "./vectors.ts";

const parts = ["weight", "bias", "mean", "var"] as const;
type Part = (typeof parts)[number];
const words: Readonly<Record<Part, string>> = { weight: "gamma", bias: "beta", mean: "means", var: "variances" };

/** What differs in the batch norm behind a layer, in sentences; empty where both agree or neither has one. */
export async function describeBatchNorm(pair: Pair, a: ConvLayer | FcLayer, b: ConvLayer | FcLayer): Promise<readonly string[]> {
  const { name } = a;
  if (a.batchNorm === undefined && b.batchNorm === undefined) return [];
  if (a.batchNorm === undefined || b.batchNorm === undefined) {
    const [has, lacks] = a.batchNorm === undefined ? [pair.b.name, pair.a.name] : [pair.a.name, pair.b.name];
    return [`${name}: ${has} has batch norm behind it and ${lacks} has none`];
  }
  const found: string[] = [];
  const [ours, theirs] = [await vectors(pair.a.weights, name), await vectors(pair.b.weights, name)];
  const differing = parts.filter((part) => agreement(ours[part], theirs[part], pair.rtol).different > 0);
  for (const part of differing) found.push(describePart(pair, name, part, ours, theirs, [a.batchNorm.epsilon, b.batchNorm.epsilon]));
  if (a.batchNorm.epsilon !== b.batchNorm.epsilon) {
    const rest = differing.length === 0 ? "; all its weights agree (for a file that does not say its epsilon, --bn-epsilon does)" : "";
    found.push(
      `${name}: batch norm's epsilon is ${a.batchNorm.epsilon} in ${pair.a.name} and ${b.batchNorm.epsilon} in ${pair.b.name}${rest}`,
    );
  }
  return found;
}

type Vectors = Readonly<Record<Part, Float32Array>>;

async function vectors(weights: Pair["a"]["weights"], name: string): Promise<Vectors> {
  return {
    weight: await weights(`${name}.bn.weight`, "o"),
    bias: await weights(`${name}.bn.bias`, "o"),
    mean: await weights(`${name}.bn.mean`, "o"),
    var: await weights(`${name}.bn.var`, "o"),
  };
}

function describePart(pair: Pair, name: string, part: Part, a: Vectors, b: Vectors, epsilons: readonly [number, number]): string {
  const same = (x: Float32Array, y: Float32Array): boolean => agreement(x, y, Math.max(pair.rtol, 1e-3)).different === 0;
  if (part === "var") {
    for (const epsilon of [0, ...epsilons]) {
      const root = (variance: Float32Array): Float32Array => variance.map((value) => Math.sqrt(value + epsilon));
      if (same(root(a.var), b.var)) return sigma(name, pair.b.name, pair.a.name);
      if (same(root(b.var), a.var)) return sigma(name, pair.a.name, pair.b.name);
    }
  }
  const holder = parts.find((other) => other !== part && same(a[other], b[part]));
  if (holder !== undefined) return `${name}: batch norm's ${words[part]} of ${pair.b.name} are ${words[holder]} of ${pair.a.name}`;
  const { different, largest } = agreement(a[part], b[part], pair.rtol);
  return `${name}: ${different} of ${a[part].length} of batch norm's ${words[part]} differ, by ${largest.toPrecision(3)} at most`;
}

function sigma(name: string, wrong: string, right: string): string {
  return `${name}: the variances of ${wrong} are the standard deviations (sigma) of ${right}: sigma was taken for variance, or its square forgotten`;
}
