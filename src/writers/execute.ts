import type { Context } from "../io/context.ts";
import type { OutputFile, OutputSet } from "../io/source/source.ts";
import { checksum, encode } from "./encode.ts";
import type { FileLayout, Group, LatePiece, Piece, Written } from "./layout.ts";
import { specBytes } from "./pieces.ts";
import { createSharded, type NamedOutput } from "./sharded.ts";
import { SummedFile } from "./summed-file.ts";

/** Where the executor gets values from. */
export interface TensorSupply {
  /** Writes all elements of `key` to `file` from byte `at` on, little-endian, in row- or column-major order. */
  fill(key: string, file: OutputFile, at: number, order: "row" | "column", ctx: Context): Promise<void>;
}

interface GroupState {
  readonly group: Group;
  readonly file: OutputFile;
  readonly offset: number;
  length: number;
  rawLength: number;
  checksum: number;
  /** Late pieces inside that are not made yet; the checksum is read back when none is left. */
  pending: number;
}

interface LateState {
  readonly piece: LatePiece;
  readonly file: OutputFile;
  readonly offset: number;
  readonly within: readonly GroupState[];
}

/**
 * Bytes that the layout takes at least: exact but for encoded groups (counted unencoded) and late pieces of unknown length
 * (not counted). What free space is compared with.
 */
export function layoutBytes(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + pieceBytes(piece), 0);
}

function pieceBytes(piece: Piece): number {
  switch (piece.kind) {
    case "bytes":
      return piece.bytes.length;
    case "tensor":
    case "tensors":
    case "made":
    case "source":
      return piece.byteLength;
    case "group":
      return layoutBytes(piece.pieces);
    case "late":
      return piece.byteLength ?? 0;
  }
}

/**
 * Writes every layout into the set, in order, and returns the files without committing them, so that a check can read them first.
 * Tensors are moved into their place out of order; a group with late pieces is read back for its checksum, an encoded group is written to a
 * temporary file and encoded from there; late pieces are made last, in the order of the layouts. Same input, same bytes.
 */
export async function execute(
  layouts: readonly FileLayout[],
  supply: TensorSupply,
  set: OutputSet,
  ctx: Context,
): Promise<readonly NamedOutput[]> {
  const run = new Run(supply, ctx);
  const outputs: NamedOutput[] = [];
  for (const layout of layouts) {
    if (layout.shard === undefined) {
      const file = await set.create(layout.name);
      outputs.push({ name: layout.name, file });
      await run.write(layout.pieces, file, 0, []);
    } else {
      const { file, parts } = await createSharded(set, layout.shard, layoutBytes(layout.pieces));
      outputs.push(...parts);
      await run.write(layout.pieces, file, 0, []);
    }
  }
  await run.finish();
  return outputs;
}

/** Sums up a group while it is written; undefined where it has no checksum, or where its length or its bytes come later. */
function summedFile(group: Group, file: OutputFile, at: number): SummedFile | undefined {
  const plain = group.pieces.every(({ kind }) => kind !== "group" && kind !== "late");
  return group.checksum === undefined || !plain ? undefined : new SummedFile(file, group.checksum, at, layoutBytes(group.pieces));
}

/** Bytes taken over at a time. */
const copyChunk = 1 << 20;

class Run {
  readonly #supply: TensorSupply;
  readonly #ctx: Context;
  readonly #groups = new Map<Group, GroupState>();
  readonly #late: LateState[] = [];
  /** Files that ended with a piece of unknown length. */
  readonly #ended = new Set<OutputFile>();
  /** Temporary files that are not in use. */
  readonly #spare: OutputFile[] = [];

  constructor(supply: TensorSupply, ctx: Context) {
    this.#supply = supply;
    this.#ctx = ctx;
  }

  /** Writes the pieces from `start` on and returns where they end. */
  async write(pieces: readonly Piece[], file: OutputFile, start: number, within: readonly GroupState[]): Promise<number> {
    let at = start;
    for (const piece of pieces) {
      if (this.#ended.has(file)) throw new Error("a late piece of unknown length must be the last of its file");
      switch (piece.kind) {
        case "bytes":
          if (piece.bytes.length > 0) await file.write(at, piece.bytes);
          at += piece.bytes.length;
          break;
        case "tensor":
          if (piece.byteLength > 0) await this.#supply.fill(piece.key, file, at, piece.order, this.#ctx);
          at += piece.byteLength;
          break;
        case "tensors":
          for (const tensor of piece.tensors) {
            const length = specBytes(tensor);
            if (length > 0) await this.#supply.fill(tensor.key, file, at, "row", this.#ctx);
            at += length;
          }
          break;
        case "made":
          for (const bytes of piece.make()) {
            await file.write(at, bytes);
            at += bytes.length;
          }
          break;
        case "source":
          await this.#copy(piece, file, at);
          at += piece.byteLength;
          break;
        case "group":
          at += await this.#writeGroup(piece, file, at, within);
          break;
        case "late":
          this.#late.push({ piece, file, offset: at, within });
          for (const state of within) state.pending += 1;
          if (piece.byteLength === undefined) this.#ended.add(file);
          at += piece.byteLength ?? 0;
          break;
      }
    }
    return at;
  }

  async #copy({ source, offset, byteLength }: Extract<Piece, { kind: "source" }>, file: OutputFile, at: number): Promise<void> {
    const buffer = new Uint8Array(Math.min(copyChunk, byteLength));
    for (let done = 0; done < byteLength; done += buffer.length) {
      const bytes = await source.read(offset + done, Math.min(buffer.length, byteLength - done), buffer);
      await file.write(at + done, bytes);
      await this.#ctx.tick(0);
    }
  }

  async #writeGroup(group: Group, file: OutputFile, at: number, within: readonly GroupState[]): Promise<number> {
    const state: GroupState = { group, file, offset: at, length: 0, rawLength: 0, checksum: 0, pending: 0 };
    this.#groups.set(group, state);
    if (group.encode === undefined) {
      const summed = summedFile(group, file, at);
      state.length = (await this.write(group.pieces, summed ?? file, at, [...within, state])) - at;
      state.rawLength = state.length;
      const sum = summed?.sum();
      if (sum !== undefined) state.checksum = sum;
      else if (state.pending === 0) await this.#readBack(state, file, at);
      return state.length;
    }
    const raw = this.#spare.pop() ?? (await this.#ctx.temporary());
    const made = this.#late.length;
    state.rawLength = await this.write(group.pieces, raw, 0, []);
    if (this.#late.length > made) throw new Error("an encoded group cannot hold a late piece");
    await this.#readBack(state, raw, 0);
    state.length = await encode(group.encode, raw, state.rawLength, { file, at }, this.#ctx);
    this.#spare.push(raw);
    return state.length;
  }

  async #readBack(state: GroupState, file: OutputFile, from: number): Promise<void> {
    if (state.group.checksum === undefined) return;
    state.checksum = await checksum(state.group.checksum, file, from, from + state.rawLength, this.#ctx);
  }

  async finish(): Promise<void> {
    const written = (group: Group): Written => {
      const state = this.#groups.get(group);
      if (state === undefined) throw new Error("a late piece asked for a group that is in no layout");
      if (state.pending > 0) throw new Error("a late piece asked for a group that still waits for a late piece");
      return { offset: state.offset, length: state.length, rawLength: state.rawLength, checksum: state.checksum };
    };
    for (const { piece, file, offset, within } of this.#late) {
      const bytes = piece.make(written);
      if (piece.byteLength !== undefined && bytes.length !== piece.byteLength) {
        throw new Error(`a late piece of ${piece.byteLength} bytes came out as ${bytes.length}`);
      }
      if (bytes.length > 0) await file.write(offset, bytes);
      for (const state of within) {
        state.pending -= 1;
        if (piece.byteLength === undefined) {
          state.length += bytes.length;
          state.rawLength += bytes.length;
        }
        if (state.pending === 0) await this.#readBack(state, state.file, state.offset);
      }
    }
  }
}
