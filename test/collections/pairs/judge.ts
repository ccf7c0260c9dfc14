import type { Plan } from "../../../src/convert/plan/plan-types.ts";
import type { Context } from "../../../src/io/context.ts";
import { identify } from "../../../src/model/identify.ts";
import { isRole } from "../../../src/model/role.ts";
import { open } from "../../../src/open.ts";
import { hash } from "../../../src/tensor/hash.ts";
import { loadFloat64 } from "../../../src/tensor/load.ts";
import { isNumeric, type Tensor } from "../../../src/tensor/tensor.ts";
import type { Expected } from "../../support/canonical.ts";

/** What two roundings to float32 on the way may change, relative to the largest value of a tensor. */
const rounding = 4e-7;

/** Roles whose values a conversion computes or rounds: said in its plan, tensor by tensor. */
export function lossyRoles(...plans: readonly Plan[]): ReadonlySet<string> {
  return new Set(
    plans.flatMap(({ moves }) =>
      moves
        .filter(({ move }) => move === "compute" || move === "cast" || move === "dequantise")
        .flatMap(({ fills }) => fills.flatMap(({ role }) => role ?? [])),
    ),
  );
}

/**
 * Roles that a plan states in other numbers of the same network: a bias moved into the mean, a variance for another epsilon. They
 * have no bits to compare with but those of a case in the very same clothing; logits are compared by the interop job.
 */
export function restatedRoles(...plans: readonly Plan[]): ReadonlySet<string> {
  const roles = new Set<string>();
  for (const { role, formula, epsilon } of plans.flatMap(({ moves }) => moves.flatMap(({ fills }) => fills))) {
    if (role === undefined) continue;
    const layer = role.replace(/\.bn\.\w+$/, "");
    if (formula === "shift-mean") for (const leaf of ["bias", "bn.mean", "bn.moments"]) roles.add(`${layer}.${leaf}`);
    if (epsilon !== undefined && epsilon[0] !== epsilon[1]) for (const leaf of ["bn.var", "bn.moments"]) roles.add(`${layer}.${leaf}`);
  }
  return roles;
}

export type Judgement = { readonly kind: "right" } | { readonly kind: "rounded" } | { readonly kind: "wrong"; readonly problem: string };

/**
 * Whether a file holds, for every role, what the other case has, bit for bit. Roles in `lossy` may differ by the rounding that the
 * plan announced. By key; by role where the two count their layers differently. Roles of `wanted` alone, where given.
 */
export async function compareWithCase(
  path: string,
  other: { readonly path: string; readonly expected: Expected },
  lossy: ReadonlySet<string>,
  restated: ReadonlySet<string>,
  wanted: ReadonlySet<string> | undefined,
  ctx: Context,
): Promise<Judgement> {
  const made = await open(path, ctx);
  const theirs = await open(other.path, ctx);
  const roles = identify(made)?.roles;
  const wrong: string[] = [];
  let rounded = 0;
  try {
    for (const [role, [key = ""]] of other.expected.roles) {
      const mean = role.replace(/\.moments$/, ".mean");
      if (wanted?.has(mean) === false) continue;
      const slot = isRole(mean) ? roles?.get(mean) : undefined;
      const own = slot !== undefined && !("constant" in slot) ? made.tensors.get(slot.key) : undefined;
      const tensor = own ?? made.tensors.get(key);
      if (tensor !== undefined && (await hash(tensor, ctx)) === other.expected.hashes.get(key)) continue;
      if (tensor !== undefined && (await sameWidened(tensor, theirs.tensors.get(key), ctx))) continue;
      if (restated.has(role)) rounded += 1;
      else if (tensor === undefined) wrong.push(`${role} is not there`);
      else if (isLossy(role, lossy) && (await near(tensor, theirs.tensors.get(key), ctx))) rounded += 1;
      else wrong.push(`${role} (${tensor.name} ${tensor.dtype} ${tensor.shape.join("x")})`);
    }
  } finally {
    await made.close();
    await theirs.close();
  }
  if (wrong.length > 0) return { kind: "wrong", problem: `${wrong.length} differ: ${wrong.slice(0, 4).join(", ")}` };
  return { kind: rounded > 0 ? "rounded" : "right" };
}

function isLossy(role: string, lossy: ReadonlySet<string>): boolean {
  const norm = role.replace(/\.moments$/, "");
  return lossy.has(role) || (role !== norm && (lossy.has(`${norm}.mean`) || lossy.has(`${norm}.var`)));
}

/** The same values in a wider type, which is what a target has that cannot hold the source's. */
async function sameWidened(a: Tensor, b: Tensor | undefined, ctx: Context): Promise<boolean> {
  if (b === undefined || !isNumeric(a) || !isNumeric(b) || a.dtype === b.dtype) return false;
  const [x, y] = [await loadFloat64(a, ctx), await loadFloat64(b, ctx)];
  return x.length === y.length && x.every((value, k) => Object.is(value, y[k]));
}

async function near(a: Tensor, b: Tensor | undefined, ctx: Context): Promise<boolean> {
  if (b === undefined || !isNumeric(a) || !isNumeric(b)) return false;
  const [x, y] = [await loadFloat64(a, ctx), await loadFloat64(b, ctx)];
  const largest = y.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return x.length === y.length && x.every((value, k) => Math.abs(value - (y[k] ?? 0)) <= rounding * largest);
}
