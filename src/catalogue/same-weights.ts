import { CheckpointError } from "../errors.ts";
import { type Inspected, inspectIdentified } from "../inspect/inspect.ts";
import type { TensorRecord } from "../inspect/list.ts";
import type { Context } from "../io/context.ts";
import { isRole } from "../model/role.ts";
import { isStored, isWhole } from "../model/scheme.ts";
import { type Axes, parseAxes } from "../tensor/axes.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { hash } from "../tensor/hash.ts";
import { inOrder } from "../tensor/move/in-order.ts";
import { isNumeric } from "../tensor/tensor.ts";
import type { CatalogueRow } from "./schema.ts";

/**
 * The orders in which formats keep the elements of kernels and matrices, outermost first; whether they make one axis of several changes no
 * byte. Torch, Caffe, ONNX; TensorFlow, Keras, MatConvNet; their dense layers behind channels first; and behind channels last.
 */
const orders = ["o i h w", "h w i o", "i h w o", "o h w i"] as const;

/**
 * Says of the tensors of a catalogue's source whether they are the weights of one checkpoint: the same numbers in the same types for every role and
 * every other parameter, whatever the order of their axes. Known by their hashes alone: what a format packs or scales is found in that form only.
 */
export class SameWeights {
  /** Elements of all parameters: a source with more has others besides. */
  readonly parameters: number;
  readonly #checkpoint: Checkpoint;
  readonly #ctx: Context;
  readonly #inspected: Inspected;
  /** Those of the network, small ones first: they tell most sources apart. */
  readonly #placed: readonly TensorRecord[];
  readonly #others: readonly TensorRecord[];
  readonly #turned = new Map<string, Promise<string | undefined>>();

  private constructor(checkpoint: Checkpoint, inspected: Inspected, ctx: Context) {
    const { tensors, totals } = inspected.record;
    this.#checkpoint = checkpoint;
    this.#inspected = inspected;
    this.#ctx = ctx;
    this.parameters = totals.parameters;
    this.#placed = tensors.filter(({ role }) => role !== undefined).sort((a, b) => a.bytes - b.bytes);
    this.#others = tensors.filter(({ role, kind }) => role === undefined && kind === "parameter");
  }

  /** Reads all values once. Throws `unsupported` for a checkpoint without parameters, and `unsafe` where values are not read. */
  static async of(checkpoint: Checkpoint, ctx: Context): Promise<SameWeights> {
    const inspected = await inspectIdentified(checkpoint.files[0] ?? "", checkpoint, ctx, { hash: true });
    const { tensors, totals } = inspected.record;
    if (totals.parameters === 0) throw new CheckpointError("unsupported", "it has no weights that others could have too");
    const guarded = tensors.find(({ sha256 }) => sha256 === null);
    if (guarded !== undefined) {
      throw new CheckpointError("unsafe", "the file has a tiny part of this tensor's values, which are not read", {
        tensor: guarded.name,
        hint: "add --amplified to read them",
      });
    }
    return new SameWeights(checkpoint, inspected, ctx);
  }

  async isIn(rows: readonly CatalogueRow[]): Promise<boolean> {
    const placed = rows.filter(({ role }) => role !== null);
    if (placed.length !== this.#placed.length) return false;
    const byRole = new Map(placed.map((row) => [`${row.body} ${row.role}`, row]));
    for (const tensor of this.#placed) {
      const row = byRole.get(`${tensor.body} ${tensor.role}`);
      if (row === undefined || !(await this.#isSame(tensor, row))) return false;
    }
    const others = new Map<string, number>();
    for (const { sha256 } of rows.filter(({ role }) => role === null)) {
      if (typeof sha256 === "string") others.set(sha256, (others.get(sha256) ?? 0) + 1);
    }
    return this.#others.every(({ sha256 }) => {
      const left = others.get(sha256 ?? "") ?? 0;
      others.set(sha256 ?? "", left - 1);
      return left > 0;
    });
  }

  async #isSame(tensor: TensorRecord, { dtype, bytes, sha256 }: CatalogueRow): Promise<boolean> {
    if (dtype !== tensor.dtype || bytes !== tensor.bytes || typeof sha256 !== "string") return false;
    if (sha256 === tensor.sha256) return true;
    for (const order of orders) if ((await this.#hashAlong(tensor, order)) === sha256) return true;
    return false;
  }

  /** Of the tensor's elements in another order; undefined where it is packed, scaled, or has other axes. */
  #hashAlong(tensor: TensorRecord, order: string): Promise<string | undefined> {
    const key = `${tensor.name}\0${order}`;
    const known = this.#turned.get(key) ?? this.#turnedHash(tensor, order);
    this.#turned.set(key, known);
    return known;
  }

  async #turnedHash({ name, role, body }: TensorRecord, order: string): Promise<string | undefined> {
    const { identity } = this.#inspected;
    const of = body === null ? undefined : identity?.bodies[body];
    const slot = role !== undefined && isRole(role) ? of?.roles.get(role) : undefined;
    const stored = this.#checkpoint.tensors.get(name);
    if (slot === undefined || stored === undefined || !isNumeric(stored) || !isStored(slot) || !isWhole(slot)) return undefined;
    const planar = slot.axes.groups.some((group) => group.length > 1);
    const axes = planar ? asOnePlane(slot.axes) : slot.axes;
    const wanted = within(planar ? asOnePlane(parseAxes(order)) : parseAxes(order), axes);
    if (wanted === undefined) return undefined;
    // The channels that a first dense layer is fed are those of the last convolution.
    const channels = planar ? of?.network.layers.findLast((layer) => layer.kind === "conv")?.outputs : undefined;
    const sizes = new Map(channels === undefined ? [] : [["i", channels] as const]);
    return hash(await inOrder(stored, this.#ctx, axes, wanted, sizes), this.#ctx);
  }
}

/** Height and width of a dense layer's inputs as one axis, which they are in every order: the size of a picture is often not in the file. */
function asOnePlane({ text }: Axes): Axes {
  return parseAxes(text.replace("h w", "plane"));
}

/** The axes of a tensor in an order; undefined where it has others, or only one. */
function within(order: Axes, axes: Axes): string | undefined {
  const placed = order.names.filter((axis) => axes.names.includes(axis));
  return placed.length > 1 && placed.length === axes.names.length ? placed.join(" ") : undefined;
}
