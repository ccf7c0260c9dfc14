import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { CheckpointError } from "../errors.ts";
import { inspectIdentified } from "../inspect/inspect.ts";
import type { Context } from "../io/context.ts";
import { locateNamed } from "../io/input.ts";
import { type OpenedFiles, openedFiles, type SeenState, stateAt } from "../io/opened.ts";
import { isAddress } from "../io/remote/address.ts";
import { type ContextOptions, createContext } from "../io/run.ts";
import type { ByteSource } from "../io/source/source.ts";
import { open } from "../open.ts";
import { rowsOfCheckpoint, rowsOfError, type SeenFiles, type SourceRows } from "./rows.ts";
import type { Depth } from "./schema.ts";

export interface ReadRowsOptions extends Depth {
  readonly context: ContextOptions;
  readonly from?: string;
  readonly amplified?: boolean;
}

export interface ReadRows {
  readonly rows: SourceRows;
  /** What kept the source from being read. */
  readonly error?: CheckpointError;
}

/** Opens a source and makes its rows. What cannot be read has a row with its error; `interrupted` alone is thrown. */
export async function readRows(source: string, input: string, options: ReadRowsOptions): Promise<ReadRows> {
  const ctx = createContext({ ...options.context, values: options.hash || options.stats });
  const files = openedFiles();
  try {
    const { from, amplified, hash, stats } = options;
    const checkpoint = await open(input, ctx, { from, amplified, opened: files });
    try {
      const inspected = await inspectIdentified(source, checkpoint, ctx, { hash, stats });
      const sha256 = hash && checkpoint.files.length === 1 ? await fileDigest(input, ctx) : null;
      return { rows: rowsOfCheckpoint(source, inspected, sha256, seenFiles(files)) };
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    if (!(error instanceof CheckpointError) || error.code === "interrupted") throw error;
    return { rows: rowsOfError(source, error, seenFiles(files)), error };
  } finally {
    await ctx.dispose();
  }
}

/** Of a file on disk: one on a server would be fetched a second time. */
async function fileDigest(input: string, ctx: Context): Promise<string | null> {
  if (isAddress(input) && !/^file:/i.test(input)) return null;
  const { source, folder } = await locateNamed(input, ctx);
  try {
    return folder ? null : await digest(source, ctx);
  } finally {
    await source.close();
  }
}

/** Read at a time, in bytes. */
const CHUNK = 1 << 20;

async function digest(source: ByteSource, ctx: Context): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < source.size; at += CHUNK) {
    const bytes = await source.read(at, Math.min(CHUNK, source.size - at));
    hash.update(bytes);
    await ctx.tick(bytes.length);
  }
  return hash.digest("hex");
}

/** Files by their full paths or addresses; what was found in a folder that was listed is the state of `FOLDER/`. */
function seenFiles(opened: OpenedFiles): SeenFiles {
  const named = (name: string): string => (isAddress(name) ? name : resolve(name));
  const files = [...opened.seen()].map(([name, state]) => [named(name), state] as const);
  const lists = [...opened.lists()].map(([folder, names]) => [`${named(folder)}/`, listState(names)] as const);
  return new Map<string, SeenState>([...files, ...lists]);
}

function listState(names: readonly string[]): SeenState {
  const sum = createHash("sha256").update(names.join("\0")).digest("hex").slice(0, 32);
  return { etag: `W/"${sum}"`, bytes: 0 };
}

/** Asks whether the files that sources were read from are as they were. Lists of folders are made once a run. */
export class ChangeCheck {
  readonly #lists = new Map<string, Promise<SeenState>>();
  readonly #context: ContextOptions;

  constructor(context: ContextOptions) {
    this.#context = context;
  }

  /** `known`: what the catalogue says of the files; with no state at all a source counts as changed. */
  async isUnchanged(input: string, known: SeenFiles): Promise<boolean> {
    if (![...known.values()].some((state) => state?.etag !== undefined)) return false;
    return isAddress(input) && !/^file:/i.test(input) ? this.#isUnchangedThere(input, known) : this.#isUnchangedHere(known);
  }

  async #isUnchangedHere(known: SeenFiles): Promise<boolean> {
    for (const [path, state] of known) {
      if (!isSame(state, path.endsWith("/") ? await this.#listOf(path.slice(0, -1)) : stateAt(path))) return false;
    }
    return true;
  }

  async #listOf(folder: string): Promise<SeenState> {
    const known = this.#lists.get(folder);
    if (known !== undefined) return known;
    const { folderSet } = await import("../io/folder.ts");
    const found = folderSet(folder)
      .list()
      .then((names) => listState(names ?? []))
      .catch(() => null); // gone, or not to be entered any more: reading the source again says what is wrong
    this.#lists.set(folder, found);
    return found;
  }

  async #isUnchangedThere(input: string, known: SeenFiles): Promise<boolean> {
    const ctx = createContext(this.#context);
    const files = openedFiles();
    try {
      const { source, set } = await locateNamed(input, ctx, files);
      try {
        const others = [...known.keys()].filter((name) => !files.seen().has(name) && name.startsWith(`${set.name}/`));
        await Promise.all(others.map(async (name) => (await set.open(name.slice(set.name.length + 1)))?.close()));
      } finally {
        await source.close();
      }
      return [...known].every(([name, state]) => isSame(state, files.seen().get(name) ?? null));
    } catch (error) {
      if (!(error instanceof CheckpointError) || error.code === "interrupted") throw error;
      return false; // reading the source says what is wrong
    } finally {
      await ctx.dispose();
    }
  }
}

function isSame(known: SeenState, now: SeenState): boolean {
  if (known === null || now === null) return known === now;
  return known.etag !== undefined && known.etag === now.etag && known.bytes === now.bytes;
}
