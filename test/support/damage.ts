import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Probe, Reader } from "../../src/encodings/probe.ts";
import { signatures } from "../../src/encodings/signature.ts";
import { isCheckpointError } from "../../src/errors.ts";
import { insideFolder } from "../../src/io/paths.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { FileSet } from "../../src/io/source/source.ts";
import { hash } from "../../src/tensor/hash.ts";

export type Files = ReadonlyMap<string, Uint8Array>;

/** The files of a folder, not of those in it. */
export function filesOf(folder: string): Files {
  const files = new Map<string, Uint8Array>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isFile()) files.set(entry.name, new Uint8Array(readFileSync(join(folder, entry.name))));
  }
  return files;
}

/** A probe over files in memory, as open.ts makes it from files on disk; entry "" is the folder. */
export function memoryProbe(files: Files, entry: string): Probe {
  const bytes = files.get(entry) ?? new Uint8Array(0);
  const set: FileSet = {
    name: "memory",
    open: async (name) => {
      const found = files.get(insideFolder(name, "memory"));
      return found === undefined ? undefined : memorySource(found, name);
    },
    list: async () => [...files.keys()].sort(),
  };
  const head = bytes.subarray(0, 4096);
  const tail = bytes.subarray(Math.max(0, bytes.length - 4096));
  const container = entry === "" ? "folder" : (signatures(head, tail, bytes.length)[0] ?? "binary");
  return { entry, container, source: memorySource(bytes, entry), set, head, tail, opened: async () => undefined };
}

/** Values of a tensor that are read while damage is tried: a damaged shape may be larger than any file. */
const mostBytes = 1 << 24;

/**
 * Reads a checkpoint whole: the hashes by name, or the code of the CheckpointError that it ended in. Anything else that is
 * thrown comes through, and so does an outcome that takes longer than two seconds.
 */
export async function outcome(reader: Reader, files: Files, entry: string): Promise<ReadonlyMap<string, string> | string> {
  let seconds = 0;
  // Once more where it was slow: the machine may have had something else to do.
  for (let tries = 0; tries < 2; tries += 1) {
    const started = performance.now();
    const found = await attempt(reader, files, entry);
    seconds = (performance.now() - started) / 1000;
    if (seconds <= 2) return found;
  }
  throw new Error(`it took ${seconds} s, twice`);
}

async function attempt(reader: Reader, files: Files, entry: string): Promise<ReadonlyMap<string, string> | string> {
  const ctx = createContext({ values: true });
  try {
    const probe = memoryProbe(files, entry);
    if ((await reader.detect(probe)) === undefined) return "undetected";
    const checkpoint = await reader.read(probe, ctx);
    const hashes = new Map<string, string>();
    for (const tensor of checkpoint.tensors.values()) {
      const elements = tensor.shape.reduce((product, size) => product * size, 1);
      hashes.set(tensor.name, elements * 16 <= mostBytes ? `${tensor.dtype} ${tensor.shape.join()} ${await hash(tensor, ctx)}` : "large");
    }
    await checkpoint.close();
    return hashes;
  } catch (error) {
    if (isCheckpointError(error)) return error.code;
    throw error;
  } finally {
    await ctx.dispose();
  }
}

/** How often each outcome came: "same" (as undamaged), "other" (a correct parse of something else), or an error code. */
export type Counts = Map<string, number>;

/** Cuts one file of a set at about `tries` lengths, the first 64 and the last among them. */
export async function cutEverywhere(reader: Reader, files: Files, entry: string, file: string, tries: number): Promise<Counts> {
  const bytes = files.get(file) ?? new Uint8Array(0);
  const step = Math.max(1, Math.floor(bytes.length / tries));
  const counts: Counts = new Map();
  const whole = await outcome(reader, files, entry);
  for (let length = 0; length < bytes.length; length += length < 64 ? 1 : step) {
    await count(counts, reader, new Map([...files, [file, bytes.slice(0, length)]]), entry, whole);
  }
  await count(counts, reader, new Map([...files, [file, bytes.slice(0, -1)]]), entry, whole);
  return counts;
}

/** Changes single bytes of one file: the first `dense` ones, then `sparse` spread over the rest. Deterministic. */
export async function flipEverywhere(
  reader: Reader,
  files: Files,
  entry: string,
  file: string,
  { dense, sparse }: { readonly dense: number; readonly sparse: number },
): Promise<Counts> {
  const bytes = files.get(file) ?? new Uint8Array(0);
  const counts: Counts = new Map();
  const whole = await outcome(reader, files, entry);
  const step = Math.max(1, Math.floor((bytes.length - dense) / sparse));
  for (let at = 0; at < bytes.length; at += at < dense ? 1 : step) {
    const damaged = bytes.slice();
    // Every other byte gets one bit, the others a new value: both kinds find different mistakes.
    damaged[at] = at % 2 === 0 ? (bytes[at] ?? 0) ^ (1 << (at % 8)) : ((bytes[at] ?? 0) + 77 * (at % 3) + 128) % 256;
    await count(counts, reader, new Map([...files, [file, damaged]]), entry, whole);
  }
  return counts;
}

async function count(
  counts: Counts,
  reader: Reader,
  files: Files,
  entry: string,
  whole: ReadonlyMap<string, string> | string,
): Promise<void> {
  const found = await outcome(reader, files, entry);
  const key = typeof found === "string" ? found : typeof whole !== "string" && sameHashes(found, whole) ? "same" : "other";
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sameHashes(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
