import type { Described } from "../../model/described.ts";
import type { knownAs } from "../../model/identify/known-as.ts";
import { averaged, isFloating, kindOf } from "../../model/kinds.ts";
import type { Role } from "../../model/role.ts";
import { matchAll } from "../../text/glob.ts";
import { leavingOut, Refusal } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";
import type { Left } from "./plan-types.ts";

export interface TensorSelection {
  /** Keys that may be converted. */
  readonly kept: ReadonlySet<string>;
  /** Kept keys that are state: they travel only where the target holds plain tensors. */
  readonly state: ReadonlySet<string>;
  readonly left: readonly Left[];
  /** With `useAverage`: the key of the average that replaces a variable. */
  readonly averages: ReadonlyMap<string, string>;
}

/** What is known of the source's tensors. */
export interface ChosenNames {
  readonly roleOf: (key: string) => Role | undefined;
  /** Every name that a pattern may take a tensor by. */
  readonly namesOf: ReturnType<typeof knownAs>;
}

/** Decides tensor by tensor what takes part: --include, --exclude, --use-average, --keep-state and the list of what is state. */
export function select(
  tensors: ReadonlyMap<string, Described>,
  { roleOf, namesOf }: ChosenNames,
  options: ConvertOptions,
  unreadable: readonly string[] = [],
): TensorSelection {
  const asked = options.include?.length || options.exclude?.length;
  const named = asked
    ? [
        ...Array.from(tensors.values(), (tensor) => ({ key: tensor.name, names: namesOf(tensor) })),
        ...unreadable.map((key) => ({ key, names: [key] })),
      ]
    : [];
  const included = options.include?.length ? matchAll("--include", options.include, named) : undefined;
  const excluded = options.exclude?.length ? matchAll("--exclude", options.exclude, named) : new Set<string>();
  const averages = options.useAverage === true ? findAverages(tensors) : new Map<string, string>();
  const standIns = new Set(averages.values());
  const kept = new Set<string>();
  const state = new Set<string>();
  const left: Left[] = [];
  for (const key of unreadable) {
    if (excluded.has(key) || (included !== undefined && !included.has(key))) left.push({ key, reason: "excluded" });
  }
  for (const tensor of tensors.values()) {
    const key = tensor.name;
    const role = roleOf(key);
    const leave = (reason: string): void => {
      left.push({ key, ...(role === undefined ? {} : { role }), reason });
    };
    if (options.only !== undefined && !options.only.has(key) && !standIns.has(key)) leave(`not in --part ${options.part ?? ""}`);
    else if (included !== undefined && !included.has(key)) leave("not among --include");
    else if (excluded.has(key)) leave("excluded");
    else if (standIns.has(key)) continue;
    else if (role !== undefined) kept.add(key);
    else {
      const reason = stateReason(tensor);
      if (reason === undefined) kept.add(key);
      else if (options.keepState !== true) leave(reason);
      else if (tensor.dtype === "string") leave(`${reason}: no target holds it`);
      else {
        kept.add(key);
        state.add(key);
      }
    }
  }
  return { kept, state, left, averages };
}

/** Why a tensor of no role is state; undefined where it travels along. */
function stateReason(tensor: Described): string | undefined {
  switch (kindOf(tensor)) {
    case "optimizer":
      return "state of the optimizer";
    case "average":
      return "a moving average";
    case "bookkeeping":
      return tensor.dtype === "string" ? "text" : "a counter, a scale or a second copy";
    case "constant":
      // A user's own table of integers travels; a graph's constants (the reader says so) are part of its operations.
      return tensor.kind === "constant" && !isFloating(tensor) ? "a constant of the graph" : undefined;
    default:
      return tensor.dtype === "string" ? "text" : undefined;
  }
}

function findAverages(tensors: ReadonlyMap<string, Described>): ReadonlyMap<string, string> {
  const averages = new Map<string, string>();
  for (const key of tensors.keys()) {
    const base = averaged(key);
    if (base === undefined) continue;
    const of = [base, `model.${base}`, `state_dict.${base}`, `module.${base}`].find((name) => tensors.has(name));
    if (of !== undefined) averages.set(of, key);
  }
  if (averages.size === 0) {
    throw new Refusal("usage", "--use-average: the checkpoint holds no moving averages", [leavingOut("useAverage")]);
  }
  return averages;
}
