import type { CheckpointError } from "../../errors.ts";
import { escaped } from "../../text/excluding.ts";
import { Refusal, type Way } from "../../text/refusal.ts";
import type { TensorSpec } from "../layout.ts";

/** Where a planned name puts a tensor: a MATLAB expression, taken apart. */
export type NetPlace = SimplePlace | DagPlace;

interface SimplePlace {
  readonly kind: "simplenn";
  /** The variable around the network; undefined at the top level. */
  readonly variable: string | undefined;
  /** Number of the layer, from 1. */
  readonly layer: number;
  readonly form: "weights" | "old";
  /** Place in `weights`, from 1; of the old form 1 is filters, 2 is biases. */
  readonly slot: number;
}

interface DagPlace {
  readonly kind: "dagnn";
  readonly variable: string | undefined;
  /** Number of the parameter, from 1; undefined where the tensor is named as the parameter is, and its layer gives the place. */
  readonly param: number | undefined;
}

/** Layers or parameters that a name may count up to: names come from other files too. */
const maxNumber = 10_000;

/** Throws `unsupported` for names that are no places of a network. */
export function placeOf(spec: TensorSpec): NetPlace {
  const simple = /^(?:([A-Za-z]\w*)\.)?layers\{(\d+)\}\.(?:weights\{(\d)\}|(filters)|biases)$/.exec(spec.key);
  const dag = /^(?:([A-Za-z]\w*)\.)?params\((\d+)\)\.value$/.exec(spec.key);
  const number = Number(simple?.[2] ?? dag?.[2] ?? 0);
  if (number >= 1 && number <= maxNumber) {
    if (dag !== null) return { kind: "dagnn", variable: dag[1], param: number };
    const slot = simple?.[3] === undefined ? (simple?.[4] === undefined ? 2 : 1) : Number(simple[3]);
    return { kind: "simplenn", variable: simple?.[1], layer: number, form: simple?.[3] === undefined ? "old" : "weights", slot };
  }
  if (/^[A-Za-z]\w*$/.test(spec.key)) return { kind: "dagnn", variable: undefined, param: undefined };
  const ways: readonly Way[] = [usualNames, { options: { exclude: [escaped(spec.key)] }, say: (options) => `leave it out: ${options}` }];
  throw new Refusal("unsupported", `a MatConvNet network cannot store ${spec.key}`, ways, { tensor: spec.key });
}

/** Names that a network of any kind has. */
export const usualNames: Way = { options: { naming: "matconvnet" }, say: (options) => `convert with ${options}` };

export function misplaced(spec: TensorSpec, wanted: string): CheckpointError {
  return new Refusal("unsupported", `${spec.key} is no place for ${wanted} of a MatConvNet network`, [usualNames], { tensor: spec.key });
}
