import { CheckpointError } from "../../errors.ts";
import { shortened } from "../../text/brief.ts";
import { nearest, nearestFew } from "../../text/nearest.ts";

export type WriterOption = "max-shard-size" | "compress";

/** A value of `--to`: a file format with that framework's usual names and axes. */
export interface Target {
  readonly id: string;
  /** Id of the row in formats.ts. */
  readonly format: string;
  /** Names, and axes where `layout` does not say otherwise; `--naming` and `--layout` override both. */
  readonly scheme: string;
  readonly layout?: string;
  /** Endings of OUT, the default first; the longest that fits decides. */
  readonly extensions: readonly string[];
  /** What OUT names. */
  readonly output: "file" | "prefix" | "folder";
  /** Names for sources of these formats instead. */
  readonly schemeFor?: ReadonlyMap<string, string>;
  /** recorded: the file says its epsilon, or a network that takes it. fixed: who loads this takes the framework's. */
  readonly epsilon: "recorded" | "fixed";
  /** Networks that load this have conv biases: zeros where the source has none. */
  readonly fillsNeutral: boolean;
  /** What keys look like that the writer of a network takes; any where absent. */
  readonly keys?: RegExp;
  /** Its networks have no dense layers: fc6 … are convolutions, whatever another checkpoint has. */
  readonly convHead?: true;
  /** Options of a conversion that its writer takes. */
  readonly takes?: readonly WriterOption[];
  /** Told to the writer. */
  readonly options?: ReadonlyMap<string, string>;
}

const weights = new Map([["kind", "weights"]]);
/** Networks of these formats are known in Keras under their own names, with a convolutional head, as VGG-Face is. */
const ownNames = new Map([
  ["matconvnet", "keras-caffe"],
  ["caffe", "keras-caffe"],
]);
/** block1_conv1/kernel; not the `vars/0` of Keras 3, which its writer numbers itself. */
const layerAndVariable = /^(?!vars\/)[^/]+\/[^/:]+$/;

export const targets: readonly Target[] = [
  { ...plain("safetensors", "safetensors", "canonical", [".safetensors", ".safetensors.index.json"]), takes: ["max-shard-size"] },
  { ...plain("npz", "npz", "canonical", [".npz"]), takes: ["compress"] },
  framework("paddle", "paddle", "paddle-vision", [".pdparams"]),
  { ...framework("tfslim", "tf-v2", "tfslim", [".ckpt"]), output: "prefix" },
  { ...network("keras", "keras-h5", "keras-applications", [".h5", ".hdf5"]), schemeFor: ownNames, keys: layerAndVariable },
  {
    ...framework("keras", "keras-h5", "keras-applications", ["_weights.h5"]),
    schemeFor: ownNames,
    keys: layerAndVariable,
    options: weights,
  },
  {
    ...framework("keras", "keras-v3", "keras-applications", [".weights.h5"]),
    schemeFor: ownNames,
    keys: layerAndVariable,
    options: weights,
  },
  { ...network("keras", "keras-v3", "keras-applications", [".keras"]), schemeFor: ownNames, keys: layerAndVariable },
  {
    ...network("matconvnet", "matconvnet", "matconvnet", [".mat"]),
    convHead: true,
    keys: /^layers\{\d+\}\.weights\{\d+\}$/,
    takes: ["compress"],
  },
  framework("torch", "torch", "torchvision", [".pth", ".pt"]),
  { ...network("caffe", "caffe", "caffe", [".caffemodel"]), keys: /\.\d+$/ },
  { ...network("onnx", "onnx", "canonical", [".onnx"]), layout: "torchvision" },
  { ...network("tfjs", "tfjs", "keras-applications", ["-tfjs"]), output: "folder", keys: layerAndVariable },
];

function plain(id: string, format: string, scheme: string, extensions: readonly string[]): Target {
  return { id, format, scheme, extensions, output: "file", epsilon: "recorded", fillsNeutral: false };
}

function framework(id: string, format: string, scheme: string, extensions: readonly string[]): Target {
  return { id, format, scheme, extensions, output: "file", epsilon: "fixed", fillsNeutral: true };
}

function network(id: string, format: string, scheme: string, extensions: readonly string[]): Target {
  return { ...framework(id, format, scheme, extensions), epsilon: "recorded", fillsNeutral: false };
}

/** Takes whatever tensors there are. */
export const plainTarget = "safetensors";

/** The values of --to whose writers take an option, in sentences. */
export function rowsThatTake(option: WriterOption): string {
  return [...new Set(targets.filter(({ takes }) => takes?.includes(option) === true).map(({ id }) => id))].join(", ");
}

/** OUT names a folder that the output goes into, under its usual name. */
export function isFolderName(out: string): boolean {
  return /[\\/]$/.test(out);
}

/**
 * The target of `--to` and OUT: what was named, else what OUT's ending names, else safetensors. Throws `usage` for an unknown name, and
 * for an ending that names nothing where nothing else decides (`decided`: names or another checkpoint do), with the nearest ones.
 */
export function findTarget(to: string | undefined, out: string | undefined, decided = false): Target {
  const named = to === undefined ? targets : targets.filter(({ id }) => id === to);
  if (to !== undefined && named.length === 0) {
    const ids = [...new Set(targets.map(({ id }) => id))];
    const close = nearest(to, ids);
    throw new CheckpointError("usage", `--to ${to} is no target; these are: ${ids.join(", ")}`, {
      ...(close === undefined ? {} : { hint: `did you mean --to ${close}?` }),
    });
  }
  const ending = endingOf(named, out)?.target;
  if (ending === undefined && to === undefined && !decided && out !== undefined && !isFolderName(out)) throw unknownEnding(out);
  const target = ending ?? named[0];
  if (target === undefined) throw new Error("the table of targets is empty");
  return target;
}

/** How many endings are named for one that is not known. */
const suggestions = 3;

function unknownEnding(out: string): CheckpointError {
  const all = [...new Set(targets.flatMap(({ extensions }) => extensions))];
  const name = out.replace(/^.*[\\/]/, "");
  const typed = /(\.weights|_weights|\.safetensors\.index)?\.[^.]*$/i.exec(name)?.[0];
  const found =
    typed === undefined ? `${name} has no ending, which says the format` : `the ending ${typed} names no format that can be written`;
  const close = typed === undefined ? all.slice(0, suggestions) : nearestFew(typed, all, suggestions);
  return new CheckpointError("usage", `-o ${shortened(out)}: ${found}`, {
    hint: `the nearest are ${close.join(", ")}; or say the format with --to, which takes any name`,
  });
}

/** What OUT's ending names, if anything. */
export function targetOfEnding(out: string | undefined): Target | undefined {
  return endingOf(targets, out)?.target;
}

function endingOf(
  candidates: readonly Target[],
  out: string | undefined,
): { readonly target: Target; readonly length: number } | undefined {
  let best: { readonly target: Target; readonly length: number } | undefined;
  for (const target of candidates) {
    for (const extension of target.extensions) {
      // A TensorFlow checkpoint has its step behind its name.
      const name = target.output === "prefix" ? out?.replace(/-\d+$/, "") : out;
      if (name?.toLowerCase().endsWith(extension) === true && extension.length > (best?.length ?? 0))
        best = { target, length: extension.length };
    }
  }
  return best;
}
