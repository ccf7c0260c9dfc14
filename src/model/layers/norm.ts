import type { Described } from "../described.ts";
import { type Member, type NormLayer, vectorLength } from "./layer.ts";
import type { Leaf } from "./parts.ts";

/** Darknet: scales and rolling statistics within a convolution, whose biases then are the batch norm's beta. */
export function innerNorm(
  name: string,
  members: readonly Member[],
  position: number,
  of: (...leaves: readonly Leaf[]) => Described | undefined,
) {
  if (of("mean", "var", "moments") === undefined) return undefined;
  const rest = members.filter((member) => member.leaf !== "weight" && member.leaf !== 0);
  return readNorm(name, rest, position, of);
}

export function readNorm(
  name: string,
  members: readonly Member[],
  position: number,
  of: (...leaves: readonly Leaf[]) => Described | undefined,
): NormLayer | undefined {
  const moments = of("moments") ?? members.find((member) => member.leaf === 2 && member.tensor.shape[1] === 2)?.tensor;
  const sizes = members.filter((member) => member.tensor !== moments).map((member) => vectorLength(member.tensor.shape));
  // Caffe's factor is one number beside vectors.
  const size = sizes.length === 0 ? moments?.shape[0] : Math.max(...sizes.map((length) => length ?? 0));
  if (size === undefined) return undefined;
  const named = members.some((member) => typeof member.leaf === "string");
  if (named) {
    const stray = of("weight");
    const gamma = of("gamma") ?? (stray?.shape.length === 1 || of("mean") !== undefined ? stray : undefined);
    const beta = of("beta", "bias");
    const parts = {
      gamma: gamma === undefined || vectorLength(gamma.shape) !== size ? undefined : gamma,
      beta,
      mean: of("mean"),
      var: of("var"),
    };
    // A lone vector is a scale; two of one length without statistics are a scale and a shift.
    const affine = parts.gamma !== undefined && beta !== undefined && members.length === 2;
    const enough = (members.length > 1 && (parts.mean ?? parts.var) !== undefined) || moments !== undefined || affine;
    return enough ? norm(name, size, position, { ...parts, moments }) : undefined;
  }
  const at = (place: number): Described | undefined => of(place);
  if (moments !== undefined) return norm(name, size, position, { gamma: at(0), beta: at(1), moments });
  const [first, second, third, fourth] = [at(0), at(1), at(2), at(3)];
  if (fourth !== undefined) return norm(name, size, position, { gamma: first, beta: second, mean: third, var: fourth });
  if (third !== undefined && vectorLength(third.shape) === 1)
    return norm(name, size, position, { mean: first, var: second, factor: third });
  if (third !== undefined) return norm(name, size, position, { beta: first, mean: second, var: third });
  return first !== undefined && second !== undefined && sizes.every((other) => other === size)
    ? norm(name, size, position, { gamma: first, beta: second })
    : undefined;
}

type NormParts = { readonly [K in "gamma" | "beta" | "mean" | "var" | "moments" | "factor"]?: Described | undefined };

function norm(name: string, size: number, position: number, parts: NormParts): NormLayer {
  const known = Object.entries(parts).filter(([, tensor]) => tensor !== undefined);
  return { name, size, position, ...Object.fromEntries(known) };
}
