import { behindUserBlock, type KindedProbe, makeProbe } from "./encodings/make-probe.ts";
import type { Reader } from "./encodings/probe.ts";
import { withSidecar } from "./encodings/sidecar.ts";
import { describeUnknown } from "./encodings/unknown.ts";
import { CheckpointError, isCheckpointError, locate } from "./errors.ts";
import type { Format } from "./format-row.ts";
import { conventionsOf, findFormat, formats } from "./formats.ts";
import { inflate } from "./io/compression.ts";
import type { Context } from "./io/context.ts";
import { locateBytes } from "./io/input.ts";
import type { Located } from "./io/locate.ts";
import { type OpenedFiles, openedFiles } from "./io/opened.ts";
import { memorySource } from "./io/source/memory.ts";
import type { ByteSource, FileSet } from "./io/source/source.ts";
import { subset } from "./io/subset.ts";
import { guardAmplified } from "./tensor/amplified.ts";
import type { Checkpoint } from "./tensor/checkpoint.ts";
import { type CheckpointInput, isOpen, nameOfInput } from "./tensor/checkpoint-input.ts";

export interface OpenOptions {
  /** A format's id, where the content should not decide. */
  readonly from?: string | undefined;
  /** Values may be read that the file holds a tiny part of: see `guardAmplified`. */
  readonly amplified?: boolean | undefined;
  /** Notes the files, of an opening that fails too. */
  readonly opened?: OpenedFiles | undefined;
}

/** Members of an archive that are looked into; a checkpoint in an archive is one of a few files. */
const MAX_MEMBERS = 2000;

/**
 * Opens a checkpoint: a file, a folder, a TF prefix, or any file of a set. The content decides the format. One zip, tar or gz
 * around one checkpoint is looked into. Throws CheckpointError: `not-found`, `malformed`, `unsupported` …
 */
export async function open(input: CheckpointInput, ctx: Context, options: OpenOptions = {}): Promise<Checkpoint> {
  if (options.from !== undefined && findFormat(options.from)?.read === undefined) {
    const known = formats.filter((format) => format.read !== undefined).map((format) => format.id);
    throw new CheckpointError("usage", `--from ${options.from} is no format that can be read; these are: ${known.join(", ")}`);
  }
  // Whoever opened it closes it.
  if (isOpen(input)) return { ...input, async close() {} };
  const opened = options.opened ?? openedFiles();
  const located = await locateBytes(input, ctx, opened);
  try {
    return { ...(await openAt(located, ctx, options)), opened };
  } catch (error) {
    throw isCheckpointError(error) ? error.at({ file: nameOfInput(input) }) : error;
  }
}

/** Opens what was located, whose source is closed with the checkpoint, and where there is none. Throws as `open` does. */
export async function openAt(located: Located, ctx: Context, options: OpenOptions = {}): Promise<Checkpoint> {
  try {
    const checkpoint = await guardedOpen(located, ctx, options);
    return {
      ...checkpoint,
      async close() {
        await checkpoint.close();
        await located.source.close();
      },
    };
  } catch (error) {
    await located.source.close();
    throw error;
  }
}

/**
 * Whether a file is a checkpoint, by what formats are recognised by: `file` is one of its own, `set` one that has to be opened before its other files
 * are known, `archive` what may have one in it. undefined: it is none. Throws where it is damaged so far that no format can be known.
 */
export async function recognise(located: Located): Promise<"file" | "set" | "archive" | undefined> {
  const probe = await makeProbe(located);
  const found = await detect(probe, {});
  if (found !== undefined) return found.format.alone === true ? "file" : "set";
  return probe.kinds.some((kind) => kind === "zip" || kind === "tar" || kind === "gzip") ? "archive" : undefined;
}

async function guardedOpen(located: Located, ctx: Context, options: OpenOptions): Promise<Checkpoint> {
  return guardAmplified(await openLocated(located, ctx, options), options.amplified === true);
}

async function openLocated(located: Located, ctx: Context, options: OpenOptions): Promise<Checkpoint> {
  const probe = await makeProbe(located);
  if (probe.container !== "folder" && probe.source.size === 0) {
    throw new CheckpointError("truncated", "the file is empty", { hint: "the download or the copy may have failed; fetch it again" });
  }
  const format = await detect(probe, options);
  if (format !== undefined) {
    if (!format.sure) await refuseMixedArchive(format, ctx);
    return withSidecar(await read(format, ctx), located.set, located.entry);
  }
  const inner = await unwrapped(probe, ctx);
  if (inner !== undefined) return inner;
  throw unknown(probe);
}

async function read({ reader, probe }: Detected, ctx: Context): Promise<Checkpoint> {
  const found = await reader.read(probe, ctx);
  return { ...found, conventions: conventionsOf(found.format) };
}

interface Detected {
  readonly format: Format;
  readonly reader: Reader;
  /** What the reader is given: the file as it was shown, or what is behind its user block. */
  readonly probe: KindedProbe;
  /** Nothing but this format looks so. */
  readonly sure: boolean;
}

/** What a member of an archive is. */
interface Claim {
  readonly name: string;
  readonly probe: KindedProbe;
  readonly found: Detected;
}

/** The format that claims the file most strongly; two strong claims are an error that lists both. */
async function detect(probe: KindedProbe, options: OpenOptions): Promise<Detected | undefined> {
  const candidates = formats.filter(
    (format) =>
      format.read !== undefined &&
      (options.from === undefined ? format.containers.some((kind) => probe.kinds.includes(kind)) : format.id === options.from),
  );
  // Rows of one reader (MAT files and MatConvNet's networks in them) are one claim: what is in the file says which it is.
  const asked = new Set<Reader>();
  const sure: Detected[] = [];
  const maybe: Detected[] = [];
  for (const format of candidates) {
    const reader = await format.read?.();
    if (reader === undefined || asked.has(reader)) continue;
    if (options.from !== undefined) return { format, reader, probe: await asNamed(probe, format), sure: true };
    asked.add(reader);
    const answer = await reader.detect(probe);
    if (answer !== undefined) (answer === "sure" ? sure : maybe).push({ format, reader, probe, sure: answer === "sure" });
  }
  const behind = sure.length > 0 ? undefined : await behindUserBlock(probe);
  if (behind !== undefined) return detect(behind, options);
  const found = sure.length > 0 ? sure : maybe;
  if (found.length > 1) {
    const ids = found.map((claim) => claim.format.id);
    throw new CheckpointError("unsupported", `this could be any of ${ids.join(", ")}`, { hint: `say which with --from ${ids[0]}` });
  }
  return found[0];
}

/** With `--from` the format is not asked; one of HDF5 is shown what is behind a user block. */
async function asNamed(probe: KindedProbe, format: Format): Promise<KindedProbe> {
  return (format.containers.includes("hdf5") ? await behindUserBlock(probe) : undefined) ?? probe;
}

/** One zip, tar or gz around one checkpoint, or a folder with one. */
async function unwrapped(probe: KindedProbe, ctx: Context): Promise<Checkpoint | undefined> {
  if (probe.kinds.includes("gzip")) return insideGzip(probe, ctx);
  const set = await archive(probe, ctx);
  if (set === undefined) return undefined;
  const folder = probe.container === "folder";
  const names = (await set.list()) ?? [];
  const claims = await claimsOf(set, names, ctx);
  const first = claims[0];
  if (first === undefined && folder) return undefined;
  if (first === undefined) {
    throw new CheckpointError("unsupported", `the archive holds no checkpoint; in it are: ${someOf(names) || "no files"}`, { none: true });
  }
  const checkpoint = await locate(folder ? { file: `${set.name}/${first.name}` } : {}, () => read(first.found, ctx));
  // The other files of the same set are no second checkpoint.
  const own = new Set(checkpoint.files.map((file) => file.slice(file.lastIndexOf("/") + 1)));
  const others = claims.slice(1).filter((claim) => !own.has(claim.name.slice(claim.name.lastIndexOf("/") + 1)));
  if (others.length > 0) {
    await checkpoint.close();
    throw several(
      folder ? "folder" : "archive",
      [first, ...others].map((claim) => claim.name),
    );
  }
  if (!folder) return { ...checkpoint, variant: `${checkpoint.variant}, ${first.name} in a ${probe.container} archive` };
  const inside = first.name.slice(0, first.name.length - first.probe.entry.length);
  return withSidecar({ ...checkpoint, files: checkpoint.files.map((file) => inside + file) }, set, first.name);
}

async function claimsOf(set: FileSet, names: readonly string[], ctx: Context): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (const name of names.slice(0, MAX_MEMBERS)) {
    const source = await set.open(name);
    if (source === undefined || source.size === 0) continue;
    const slash = name.lastIndexOf("/");
    const member = await makeProbe({
      source: ctx.random(source),
      set: subset(set, name.slice(0, slash + 1)),
      entry: name.slice(slash + 1),
      folder: false,
    });
    const found = await detect(member, {});
    if (found !== undefined) claims.push({ name, probe: member, found });
  }
  return claims;
}

/**
 * A zip with arrays and other members passes for an npz, whose other members are plain bytes; but where one of those is a checkpoint
 * itself, nobody can tell which is meant. Throws `unsupported`, and lists them.
 */
async function refuseMixedArchive({ format, probe }: Detected, ctx: Context): Promise<void> {
  const set = await archive(probe, ctx);
  const names = (await set?.list()) ?? [];
  // The arrays are known by their names: large ones are not inflated for this.
  const isArray = (name: string): boolean => name.endsWith(".npy");
  if (set === undefined || !names.some(isArray)) return;
  const others = names.filter((name) => !isArray(name));
  const claims = await claimsOf(set, others, ctx);
  if (claims.length > 0) {
    throw several(
      "archive",
      [...claims.map((claim) => claim.name), ...names.filter(isArray)],
      `; --from ${format.id} reads the arrays alone`,
    );
  }
}

function several(where: "archive" | "folder", names: readonly string[], hint = ""): CheckpointError {
  const message = `the ${where} holds several checkpoints: ${someOf(names)}`;
  return new CheckpointError("unsupported", message, { hint: `${where === "archive" ? "unpack it and " : ""}name one of them${hint}` });
}

function someOf(names: readonly string[]): string {
  return names.slice(0, 10).join(", ") + (names.length > 10 ? `, … (${names.length} in all)` : "");
}

async function archive(probe: KindedProbe, ctx: Context): Promise<FileSet | undefined> {
  if (probe.container === "folder") return probe.set;
  if (probe.kinds.includes("zip")) {
    const zip = await probe.opened("zip");
    return zip === undefined ? undefined : (await import("./encodings/archive/zip-set.ts")).zipSet(zip, ctx);
  }
  return probe.kinds.includes("tar") ? (await import("./encodings/archive/tar.ts")).tarSet(probe.source) : undefined;
}

/** gzip does not say its size up to 2^64, so it is inflated into a temporary file first. */
async function insideGzip(probe: KindedProbe, ctx: Context): Promise<Checkpoint> {
  const file = await ctx.temporary();
  let size = 0;
  for await (const chunk of inflate(probe.source, "gzip")) {
    await file.write(size, chunk);
    size += chunk.length;
    await ctx.tick(0);
  }
  const entry = probe.entry.replace(/\.gz$/i, "");
  const inner = await makeProbe({ source: { ...named(file, entry), size }, set: probe.set, entry, folder: false });
  const found = await detect(inner, {});
  if (found?.sure === false) await refuseMixedArchive(found, ctx);
  const checkpoint = found === undefined ? await unwrapped(inner, ctx) : await read(found, ctx);
  if (checkpoint === undefined) throw unknown(inner);
  return { ...checkpoint, variant: `${checkpoint.variant}, in gzip` };
}

function named(file: ByteSource, name: string): ByteSource {
  return {
    name,
    size: file.size,
    access: file.access,
    read: (offset, length, into) => file.read(offset, length, into),
    close: async () => {},
  };
}

function unknown(probe: KindedProbe): CheckpointError {
  if (probe.container === "folder") {
    return new CheckpointError("unsupported", "the folder holds no checkpoint that is known as a folder", {
      none: true,
      hint: "name the checkpoint file itself; 'vggtool formats' lists what can be read",
    });
  }
  const { found, hint } = describeUnknown(probe.head);
  return new CheckpointError("unsupported", `this is ${found}; a checkpoint was needed`, {
    none: true,
    hint: hint ?? "'vggtool formats' lists what can be read; --from FORMAT overrides the detection",
  });
}

/** A checkpoint made of memory, for callers that have the bytes already. */
export async function openBytes(bytes: Uint8Array, name: string, ctx: Context, options: OpenOptions = {}): Promise<Checkpoint> {
  const set: FileSet = { name, open: async () => undefined, list: async () => [name] };
  return guardedOpen({ source: memorySource(bytes, name), set, entry: name, folder: false }, ctx, options);
}

/** A checkpoint in a set of files that has no folder yet: what a conversion has written and not committed. */
export async function openSet(set: FileSet, entry: string, ctx: Context, options: OpenOptions = {}): Promise<Checkpoint> {
  const source = await set.open(entry);
  if (source === undefined) throw new CheckpointError("not-found", "no such file in the set", { file: entry });
  return guardedOpen({ source, set, entry, folder: false }, ctx, options);
}
