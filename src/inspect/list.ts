import type { Context } from "../io/context.ts";
import { knownAs } from "../model/identify/known-as.ts";
import type { Identity } from "../model/identity.ts";
import { judgeKinds } from "../model/kinds.ts";
import type { Role } from "../model/role.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type DType, itemsize } from "../tensor/dtype.ts";
import { storedText } from "../tensor/stored.ts";
import type { Tensor, TensorKind } from "../tensor/tensor.ts";
import { glob } from "../text/glob.ts";
import type { StatsRecord } from "./stats.ts";

/** One tensor as `inspect` shows it; field names are part of the command-line contract. */
export interface TensorRecord {
  readonly name: string;
  readonly label?: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly parameters: number;
  /** Of the values; 0 for strings, whose lengths are data. */
  readonly bytes: number;
  readonly kind: TensorKind;
  readonly role?: Role;
  readonly axes?: string;
  /** Index of the VGG that it belongs to among `bodies`; null where it belongs to none. */
  readonly body: number | null;
  readonly stored?: string;
  /** null: the tensor is amplified, and was not read. */
  readonly sha256?: string | null;
  readonly stats?: StatsRecord;
}

export interface Totals {
  readonly tensors: number;
  /** Elements of weights, biases, gamma, beta and unrecognised floats. */
  readonly parameters: number;
  readonly bytes: number;
  /** Elements of statistics, counters, optimizer state, averages and constants. */
  readonly notParameters: number;
}

export type Sort = "name" | "size" | "file";

export interface ListOptions {
  readonly filter?: readonly string[];
  readonly sort?: Sort;
  readonly hash?: boolean;
  /** Statistics of every value, and the findings that need them. */
  readonly stats?: boolean;
}

export interface Listing {
  readonly tensors: readonly TensorRecord[];
  /** Of the whole checkpoint, whatever the filter shows. */
  readonly totals: Totals;
}

/** Lists the tensors: headers only, unless hashes are asked for. */
export async function list(checkpoint: Checkpoint, identity: Identity | undefined, ctx: Context, options: ListOptions): Promise<Listing> {
  const roles = rolesByKey(identity);
  const kindOf = judgeKinds(identity);
  const all = Array.from(checkpoint.tensors.values(), (tensor) => new ListedTensor(tensor, kindOf(tensor), roles.get(tensor.name)));
  const filters = (options.filter ?? []).map(glob);
  const namesOf = knownAs(identity);
  const shown = filters.length === 0 ? all : all.filter((tensor) => namesOf(tensor).some((name) => filters.some((takes) => takes(name))));
  const sorted = sort(shown, options.sort ?? "file");
  const tensors = options.hash === true ? await hashed(sorted, checkpoint, ctx) : sorted;
  return { tensors, totals: totals(all) };
}

interface Place {
  readonly role: Role;
  readonly axes: string;
  readonly body: number;
}

/** A packed tensor (MatConvNet's moments) has several roles: they are joined. */
function rolesByKey(identity: Identity | undefined): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [body, { roles }] of identity?.bodies.entries() ?? []) {
    for (const [role, slot] of roles) {
      if ("constant" in slot) continue;
      const known = places.get(slot.key);
      places.set(slot.key, { role: known === undefined ? role : `${known.role}, ${role}`, axes: slot.axes.text, body });
    }
  }
  return places;
}

/** A class, since a hundred thousand objects that are put together field by field take half as much again. */
class ListedTensor implements TensorRecord {
  // Set in the order in which JSON has them.
  declare readonly name: string;
  declare readonly label?: string;
  declare readonly dtype: DType;
  declare readonly shape: readonly number[];
  declare readonly parameters: number;
  declare readonly bytes: number;
  declare readonly kind: TensorKind;
  declare readonly role?: Role;
  declare readonly axes?: string;
  declare readonly body: number | null;
  declare readonly stored?: string;

  constructor(tensor: Tensor, kind: TensorKind, place: Place | undefined) {
    this.name = tensor.name;
    if (tensor.label !== undefined) this.label = tensor.label;
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
    this.parameters = tensor.shape.reduce((count, size) => count * size, 1);
    this.bytes = tensor.dtype === "string" ? 0 : this.parameters * itemsize(tensor.dtype);
    this.kind = kind;
    if (place !== undefined) {
      this.role = place.role;
      this.axes = place.axes;
    }
    this.body = place?.body ?? null;
    if (tensor.stored !== undefined) this.stored = storedText(tensor.stored);
  }
}

function totals(tensors: readonly TensorRecord[]): Totals {
  let parameters = 0;
  let notParameters = 0;
  let bytes = 0;
  for (const tensor of tensors) {
    if (tensor.kind === "parameter") parameters += tensor.parameters;
    else notParameters += tensor.parameters;
    bytes += tensor.bytes;
  }
  return { tensors: tensors.length, parameters, bytes, notParameters };
}

function sort(tensors: readonly TensorRecord[], by: Sort): readonly TensorRecord[] {
  if (by === "file") return tensors;
  const natural = new Intl.Collator("en", { numeric: true });
  return tensors.toSorted((a, b) => (by === "size" ? b.bytes - a.bytes : 0) || natural.compare(a.name, b.name));
}

async function hashed(tensors: readonly TensorRecord[], checkpoint: Checkpoint, ctx: Context): Promise<readonly TensorRecord[]> {
  const { hash } = await import("../tensor/hash.ts");
  const digests = new Map<string, string>();
  // In the order of the file, whatever the order of the list: data that only decodes forward is then decoded once.
  const wanted = new Set(tensors.map((tensor) => tensor.name));
  for (const tensor of checkpoint.tensors.values()) {
    const isGuarded = checkpoint.amplified?.get(tensor.name)?.guarded === true;
    if (wanted.has(tensor.name) && !isGuarded) digests.set(tensor.name, await hash(tensor, ctx));
  }
  return tensors.map((tensor) => ({ ...tensor, sha256: digests.get(tensor.name) ?? null }));
}
