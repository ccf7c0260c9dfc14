import { openZip, type ZipEntry } from "../../encodings/archive/zip.ts";
import { isCheckpointError } from "../../errors.ts";
import { basename } from "../../io/path.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { type DenseRun, denseRun } from "../../tensor/dense-run.ts";
import { byteLength } from "../../tensor/shape.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import { leavingOut, Refusal } from "../../text/refusal.ts";
import type { Group, LatePiece, Piece } from "../../writers/layout.ts";
import type { Move } from "../plan/plan-types.ts";

/*
 * Conversion by example at its most exact: the other checkpoint's own file, byte by byte, with other values where its tensors
 * lie. Whatever its maker wrote around them (a model's configuration, nested layers, a solver) stays as it is.
 */

/** Where a tensor's elements lie. */
interface Place {
  /** The file, or an element of it that is compressed there. */
  readonly source: ByteSource;
  readonly offset: number;
  readonly byteLength: number;
  readonly order: "row" | "column";
}

/** A file whose tensors are in it as they are: neither swapped nor cut up, and compressed only where it can do without. */
export interface Template {
  readonly file: ByteSource;
  readonly places: ReadonlyMap<string, Place>;
  /** Members that hold tensors, with the range of their bytes: their checksums change. */
  readonly members: readonly Member[];
}

interface Member {
  readonly from: number;
  readonly to: number;
  /** Where its checksum is kept. */
  readonly sums: readonly number[];
}

/** The first bytes of a zip's first member. */
const zipMagic = 0x504b0304;

/**
 * The other checkpoint's file to put values into, with the tensors that are to be found in it; undefined where none is. `entry`: its
 * name, where the checkpoint consists of several files.
 */
export async function templateOf(checkpoint: Checkpoint, entry: string | undefined): Promise<Template | undefined> {
  let file: ByteSource | undefined;
  const places = new Map<string, Place>();
  for (const tensor of checkpoint.tensors.values()) {
    const place = isNumeric(tensor) ? await placeOf(tensor) : undefined;
    const found = place === undefined ? undefined : (place.source.decodes?.source ?? place.source);
    if (place === undefined || found === undefined || !isFileOf(checkpoint, found, entry)) continue;
    file ??= found;
    if (found === file) places.set(tensor.name, place);
  }
  if (file === undefined || overlapping([...places.values()])) return undefined;
  const members = await zipMembers(file, [...places.values()]);
  return members === undefined ? undefined : { file, places, members };
}

/** What is not the file itself is a decoding of it: gzip, a chunk. */
function isFileOf({ files, bytes }: Checkpoint, source: ByteSource, entry: string | undefined): boolean {
  if (source.access !== "random" || source.within !== undefined) return false;
  return files.length === 1
    ? source.size === bytes
    : source.whole === true && entry !== undefined && basename(source.name) === basename(entry);
}

async function placeOf(tensor: NumericTensor): Promise<Place | undefined> {
  for (const order of ["row", "column"] as const) {
    const run = await runOf(tensor, order);
    if (run === undefined) continue;
    let { source, offset } = run;
    for (let outer = source.within; outer !== undefined; outer = source.within) {
      source = outer.source;
      offset += outer.offset;
    }
    return { source, offset, byteLength: byteLength(tensor.shape, tensor.dtype), order };
  }
  return undefined;
}

async function runOf(tensor: NumericTensor, order: "row" | "column"): Promise<DenseRun | undefined> {
  try {
    return await denseRun(tensor, order);
  } catch (error) {
    // A storage that is not read has no place either.
    if (isCheckpointError(error)) return undefined;
    throw error;
  }
}

/** Two tensors in the same bytes (tied weights): filling one would fill the other. */
function overlapping(places: readonly Place[]): boolean {
  const ends = new Map<ByteSource, number>();
  for (const { source, offset, byteLength: length } of places.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < (ends.get(source) ?? 0)) return true;
    ends.set(source, offset + length);
  }
  return false;
}

/** None for a file that is no zip; undefined where a tensor is in no stored member, or its checksum cannot be set. */
async function zipMembers(file: ByteSource, places: readonly Place[]): Promise<readonly Member[] | undefined> {
  const head = await file.read(0, Math.min(4, file.size));
  if (head.length < 4 || new DataView(head.buffer, head.byteOffset).getUint32(0) !== zipMagic) return [];
  const archive = await openZip(file);
  const stored: Range[] = [];
  for (const entry of archive.entries.values()) {
    const from = entry.method === 0 && !entry.encrypted ? (await archive.open(entry.name))?.within?.offset : undefined;
    if (from !== undefined) stored.push({ entry, from, to: from + entry.storedSize });
  }
  const find = finder(stored);
  const used = new Set<Range>();
  for (const { source, offset, byteLength: length } of places) {
    const range = source.decodes === undefined ? find(offset) : undefined;
    if (range === undefined || offset + length > range.to) return undefined;
    used.add(range);
  }
  const members: Member[] = [];
  for (const range of used) {
    const sums = await checksumPlaces(file, range);
    if (sums === undefined) return undefined;
    members.push({ from: range.from, to: range.to, sums });
  }
  return members;
}

interface Range {
  readonly entry: ZipEntry;
  readonly from: number;
  readonly to: number;
}

/** Finds the range that holds an offset among ranges that do not overlap. */
function finder<T extends { readonly from: number; readonly to: number }>(ranges: readonly T[]): (offset: number) => T | undefined {
  const sorted = ranges.toSorted((a, b) => a.from - b.from);
  return (offset) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((sorted[middle]?.to ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const found = sorted[low];
    return found !== undefined && found.from <= offset ? found : undefined;
  };
}

/** A data descriptor begins with this, or with the checksum itself (APPNOTE 6.3.10, 4.3.9). */
const descriptorMagic = 0x08074b50;

/**
 * Where a member's checksum is: 16 bytes into the entry of the directory (4.3.12), 14 into the local header (4.3.7) unless the writer knew it
 * later and left that 0, and behind the data where the flags say so. Undefined where it is not found there.
 */
async function checksumPlaces(file: ByteSource, { entry, to }: Range): Promise<readonly number[] | undefined> {
  const u32 = async (offset: number): Promise<number> => {
    const bytes = await file.read(offset, 4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  };
  const places = [entry.entryOffset + 16];
  if ((await u32(entry.headerOffset + 14)) === entry.crc32) places.push(entry.headerOffset + 14);
  if (!entry.described) return places;
  const behind = (await u32(to)) === descriptorMagic ? to + 4 : to;
  return (await u32(behind)) === entry.crc32 ? [...places, behind] : undefined;
}

/** Pieces of the output: the file, the moves' values in their places, checksums anew. Throws `usage` where a move gives another type. */
export function templatePieces(template: Template, checkpoint: Checkpoint, moves: readonly Move[]): readonly Piece[] {
  const edits = moves.map((move): Edit => {
    const place = template.places.get(move.to);
    const tensor = checkpoint.tensors.get(move.to);
    if (place === undefined || tensor === undefined) throw new Error(`${move.to} has no place in the other checkpoint's file`);
    if (tensor.dtype !== move.toDtype) {
      const message = `the other checkpoint's file holds ${tensor.dtype}, ${move.toDtype} was asked for`;
      throw new Refusal("usage", message, [leavingOut("dtype")], { tensor: move.to });
    }
    const piece: Piece = { kind: "tensor", key: move.to, byteLength: place.byteLength, order: place.order };
    return { source: place.source, offset: place.offset, byteLength: place.byteLength, pieces: [piece] };
  });
  const { file } = template;
  const whole = edits.filter(({ source }) => source === file);
  for (const source of new Set(edits.map((edit) => edit.source))) {
    if (source.decodes === undefined) continue;
    const { offset, length } = source.decodes;
    const inside = edits.filter((edit) => edit.source === source);
    whole.push({ source: file, offset, byteLength: length, pieces: filledIn(source, 0, source.size, inside) });
  }
  return filledIn(file, 0, file.size, withChecksums(template, whole));
}

/** Members of a zip as groups whose checksum is taken and put wherever it is kept. */
function withChecksums({ file, members }: Template, edits: readonly Edit[]): readonly Edit[] {
  const find = finder(members);
  const all: Edit[] = [];
  const inside = new Map<Member, Edit[]>();
  for (const edit of edits) {
    const member = find(edit.offset);
    const others = member === undefined ? all : (inside.get(member) ?? []);
    others.push(edit);
    if (member !== undefined) inside.set(member, others);
  }
  for (const [{ from, to, sums }, own] of inside) {
    const group: Group = { kind: "group", checksum: "crc32", pieces: filledIn(file, from, to, own) };
    all.push({ source: file, offset: from, byteLength: to - from, pieces: [group] });
    for (const offset of sums) all.push({ source: file, offset, byteLength: 4, pieces: [checksumOf(group)] });
  }
  return all;
}

/** What takes the place of a range. */
interface Edit {
  readonly source: ByteSource;
  readonly offset: number;
  /** Of what is replaced. */
  readonly byteLength: number;
  readonly pieces: readonly Piece[];
}

/** The bytes from `from` to `to`, edits in their places. */
function filledIn(file: ByteSource, from: number, to: number, edits: readonly Edit[]): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = from;
  const copyTo = (end: number): void => {
    if (end > at) pieces.push({ kind: "source", source: file, offset: at, byteLength: end - at });
  };
  for (const { offset, byteLength: length, pieces: own } of edits.toSorted((a, b) => a.offset - b.offset)) {
    copyTo(offset);
    pieces.push(...own);
    at = offset + length;
  }
  copyTo(to);
  return pieces;
}

function checksumOf(group: Group): LatePiece {
  return {
    kind: "late",
    byteLength: 4,
    make: (written) => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, written(group).checksum, true);
      return bytes;
    },
  };
}
