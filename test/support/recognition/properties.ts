import type { Described, DescribedCheckpoint } from "../../../src/model/described.ts";
import { kindOf } from "../../../src/model/kinds.ts";
import { having, renamed, reordered, without } from "./edit.ts";
import { type Statement, stateOf } from "./statement.ts";

/** One trial of a property: what was done to the file and what was false afterwards. */
export interface Trial {
  readonly what: string;
  readonly faults: readonly string[];
}

const layerOf = (role: string): string => role.replace(/\..*/, "");
const rolesIn = (text: string): readonly string[] => text.split(" ").slice(1);

/** Where silence is right, too. */
export interface Allowed {
  /** Layers that may have their role or none. */
  readonly either?: readonly string[];
  /** Layers without which the file is as likely another's: of what was its head nothing need be said then. */
  readonly undecided?: readonly string[];
  /** Layers are only counted: silence is right, of the whole or of a part. */
  readonly counted?: boolean;
}

/** Leaves out every tensor, every module and every layer that has a role, one after another. */
export function* drops(checkpoint: DescribedCheckpoint, before: Statement, allowed: Allowed = {}): Generator<Trial> {
  const groups = new Map<string, Set<string>>();
  const into = (name: string, key: string): void => {
    const group = groups.get(name) ?? new Set();
    groups.set(name, group.add(key));
  };
  for (const [key, text] of before.roles) {
    into(`tensor ${key}`, key);
    const [body] = text.split(" ");
    for (const role of rolesIn(text)) {
      into(`layer ${body} ${layerOf(role)}`, key);
      into(`module ${body} ${layerOf(role)} ${role.includes(".bn.") ? "bn" : ""}`, key);
    }
  }
  const seen = new Set<string>();
  for (const [what, keys] of groups) {
    const id = [...keys].sort().join("\n");
    if (seen.has(id) || keys.size === before.roles.size) continue;
    seen.add(id);
    yield { what: `without ${what}`, faults: dropFaults(checkpoint, before, keys, allowed) };
  }
}

function dropFaults(
  checkpoint: DescribedCheckpoint,
  before: Statement,
  keys: ReadonlySet<string>,
  { either = [], undecided = [], counted = false }: Allowed,
): readonly string[] {
  const gone = [...keys].flatMap((key) => rolesIn(before.roles.get(key) ?? ""));
  const layers = new Set(gone.map(layerOf));
  const open = [...layers].some((layer) => undecided.includes(layer));
  const silent = counted || open || [...layers].some((layer) => either.includes(layer));
  const after = stateOf(without(checkpoint, keys));
  if (after === undefined) return silent ? [] : ["nothing is said"];
  const may = (layer: string): boolean => counted || either.includes(layer) || (open && layer.startsWith("fc"));
  const faults = movedRoles(before, after, { gone: keys, may });
  const bodies = new Set([...keys].map((key) => before.roles.get(key)?.split(" ")[0] ?? ""));
  // Without the whole of an undecided layer the rest is a file of its own.
  const whole = [...before.roles].every(([key, text]) => keys.has(key) || !rolesIn(text).some((role) => layers.has(layerOf(role))));
  const own = whole && [...layers].every((layer) => undecided.includes(layer));
  if (!own) for (const body of bodies) if (after.complete.has(body)) faults.push("complete");
  if (silent) return faults;
  for (const role of new Set(gone))
    if (!after.missing.has(role) && !after.missing.has(layerOf(role))) faults.push(`${role} is not named as missing`);
  return faults;
}

interface Moved {
  readonly gone?: ReadonlySet<string>;
  /** Layers whose roles may be taken back; none may be another. */
  readonly may?: (layer: string) => boolean;
}

function movedRoles(before: Statement, after: Statement, { gone = new Set(), may = () => false }: Moved = {}): string[] {
  const faults: string[] = [];
  for (const [key, text] of before.roles) {
    if (gone.has(key)) continue;
    const now = after.roles.get(key);
    const silent = now === undefined && rolesIn(text).every((role) => may(layerOf(role)));
    if (now !== text && !silent) faults.push(`${key}: ${text} became ${now ?? "nothing"}`);
  }
  for (const [key, text] of after.roles) if (!before.roles.has(key)) faults.push(`${key} became ${text}`);
  return faults;
}

/** Adds tensors of other networks, of shapes that would fit. */
export function* additions(
  checkpoint: DescribedCheckpoint,
  before: Statement,
  { counted = false, either = [] }: Allowed = {},
): Generator<Trial> {
  const may = (layer: string): boolean => counted || either.includes(layer);
  for (const [what, tensors] of foreigners(checkpoint, before)) {
    for (const at of ["end", "start", "middle"] as const) {
      const after = stateOf(having(checkpoint, tensors, at));
      const faults = after === undefined ? ["nothing is said"] : movedRoles(before, after, { may });
      if (after !== undefined && after.batchNorm !== before.batchNorm) faults.push(`batchNorm ${after.batchNorm}`);
      yield { what: `with ${what} at the ${at}`, faults };
    }
  }
}

function* foreigners(checkpoint: DescribedCheckpoint, before: Statement): Generator<readonly [string, readonly Described[]]> {
  const widths = new Map<string, number>();
  const shapes = new Map<string, readonly number[]>();
  for (const [key, text] of before.roles) {
    const tensor = checkpoint.tensors.get(key);
    const role = rolesIn(text)[0] ?? "";
    if (tensor === undefined) continue;
    if (role.endsWith(".weight")) shapes.set(role, tensor.shape);
    if (/^(conv\d_\d|fc\d)\.bias$|\.bn\.bias$/.test(role)) widths.set(layerOf(role), Math.max(1, ...tensor.shape));
  }
  const spell = spellings(checkpoint.format);
  const make = (layer: string, part: keyof Spelling, shape: readonly number[]): Described => ({
    name: spell[part](layer),
    shape,
    dtype: "float32",
  });
  for (const layer of ["conv1_1", "conv4_2", "conv5_3", "fc7"]) {
    const width = widths.get(layer);
    if (width === undefined) continue;
    const norm = (["gamma", "beta", "mean", "variance"] as const).map((part) => make("decoder_bn", part, [width]));
    yield [`a batch norm of ${layer}'s width`, norm];
    yield [`a scale of ${layer}'s width`, [make("l2norm", "gamma", [width])]];
    yield [`a vector of ${layer}'s width`, [{ name: "centroid", shape: [width], dtype: "float32" }]];
  }
  const kernel = shapes.get("conv5_2.weight") ?? shapes.get("conv5_1.weight");
  const width = widths.get("conv5_2") ?? widths.get("conv5_1");
  if (kernel !== undefined && kernel.length === 4 && width !== undefined) {
    yield ["a convolution behind conv5", [make("refine", "weight", kernel), make("refine", "bias", [width])]];
    yield [
      "a decoder of convolutions",
      [1, 2, 3, 4].flatMap((n) => [
        make(`decoder_conv_${n}`, "weight", kernel),
        make(`decoder_conv_${n}`, "bias", [width]),
        ...(["gamma", "beta", "mean", "variance"] as const).map((part) => make(`decoder_norm_${n}`, part, [width])),
      ]),
    ];
  }
  for (const layer of ["fc7", "fc8"]) {
    const outputs = widths.get(layer);
    if (outputs === undefined) continue;
    yield [`a dense layer behind ${layer}`, [make("aux_dense", "weight", [outputs, outputs]), make("aux_dense", "bias", [outputs])]];
    yield [`a matrix behind ${layer}`, [{ name: "projection", shape: [3, outputs], dtype: "float32" }]];
  }
}

type Spelling = Readonly<Record<"weight" | "bias" | "gamma" | "beta" | "mean" | "variance", (layer: string) => string>>;

function spellings(format: string): Spelling {
  const join = (separator: string, suffix: string, words: readonly string[]): Spelling => {
    const [weight, bias, gamma, beta, mean, variance] = words.map((word) => (layer: string) => `${layer}${separator}${word}${suffix}`);
    const none = (layer: string): string => layer;
    return {
      weight: weight ?? none,
      bias: bias ?? none,
      gamma: gamma ?? none,
      beta: beta ?? none,
      mean: mean ?? none,
      variance: variance ?? none,
    };
  };
  if (/keras-h5/.test(format)) return join("/", ":0", ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]);
  if (/tf|graphdef/.test(format)) return join("/", "", ["weights", "biases", "gamma", "beta", "moving_mean", "moving_variance"]);
  if (/mxnet/.test(format)) return join("_", "", ["weight", "bias", "gamma", "beta", "moving_mean", "moving_var"]);
  if (/paddle/.test(format)) return join(".", "", ["weight", "bias", "weight", "bias", "_mean", "_variance"]);
  return join(".", "", ["weight", "bias", "weight", "bias", "running_mean", "running_var"]);
}

const letters = /(^|\/)(_CHECKPOINTABLE|_all_variables)/;

/** Other prefixes, separators and orders. */
export function* renames(checkpoint: DescribedCheckpoint, before: Statement): Generator<Trial> {
  const ways: readonly (readonly [string, (key: string) => string])[] = [
    ["model.", (key) => `model.${key}`],
    ["net/backbone/", (key) => `net/backbone/${key}`],
    ["stage2_of_3/", (key) => `stage2_of_3/${key}`],
    ["suffix :0", (key) => `${key}:0`],
    ["suffix .fp32", (key) => `${key}.fp32`],
    ["dots as slashes", (key) => key.replaceAll(".", "/")],
    ["slashes as dots", (key) => key.replaceAll("/", ".")],
    ["dots as hyphens", (key) => key.replaceAll(".", "-")],
    ["dots as colons", (key) => key.replaceAll(".", ":")],
    ["dots as underscores", (key) => key.replaceAll(".", "_")],
  ];
  // Keys that a format's own syntax makes (MATLAB's cells, TensorFlow's object graph) have no other separators.
  const fixed = [...checkpoint.tensors.keys()].some((key) => /[{}()]|\.ATTRIBUTES/.test(key) || letters.test(key));
  const keys = [...checkpoint.tensors.keys()];
  // A position behind the separator (conv1_1.0) is none behind another; a second output number is no name; the names of optimizers'
  // slots and of averages are in their endings.
  const positions = keys.some((key) => /\.\d+$/.test(key));
  const numbered = keys.some((key) => /:\d+$/.test(key));
  const slots = [...checkpoint.tensors.values()].some((tensor) => ["optimizer", "average"].includes(kindOf(tensor)));
  for (const [what, rename] of ways) {
    if (fixed && !/^model|^net/.test(what)) continue;
    if ((positions && /colons|underscores/.test(what)) || (numbered && what === "suffix :0") || (slots && what.startsWith("suffix")))
      continue;
    const changed = new Set([...checkpoint.tensors.keys()].map(rename));
    if (changed.size < checkpoint.tensors.size) continue;
    const after = stateOf(renamed(checkpoint, rename));
    const wanted = { ...before, roles: new Map([...before.roles].map(([key, role]) => [rename(key), role])) };
    yield { what, faults: after === undefined ? ["nothing is said"] : compare(wanted, after) };
  }
  for (const order of ["backwards", "sorted"] as const) {
    const after = stateOf(reordered(checkpoint, order));
    yield { what: `keys ${order}`, faults: after === undefined ? ["nothing is said"] : compare(before, after) };
  }
}

function compare(before: Statement, after: Statement): readonly string[] {
  const faults = movedRoles(before, after);
  const [is, was] = [after, before].map(({ complete }) => [...complete].join());
  if (is !== was) faults.push(`complete: ${is}, was ${was}`);
  return faults;
}
