import { CheckpointError } from "../errors.ts";
import { createArena, memoryOf } from "./arena.ts";
import type { Context } from "./context.ts";
import { type Crew, currentCrew, endCrew, setCurrentCrew } from "./crew/crew.ts";
import type { RemoteOptions } from "./remote/options.ts";
import type { ByteSource, OutputFile } from "./source/source.ts";
import { spooled } from "./source/spooled.ts";
import { collectEarly, temporaryFile, turn } from "./system.ts";

export interface ContextOptions {
  /** The process does nothing else: V8 may be asked to collect garbage early. */
  readonly ownProcess?: boolean;
  readonly values?: boolean;
  /** Bytes for both tile buffers together; 50 MiB unless given. */
  readonly memory?: number;
  readonly signal?: AbortSignal;
  /** How addresses are read. */
  readonly remote?: RemoteOptions;
  /** Where temporary files lie: beside the output. The system's own folder only where there is no output. */
  readonly temporaryFolder?: string;
  /** Threads at most, this one among them (as many as the system has cores, up to 4, where undefined), and what a helper runs. */
  readonly threads?: { readonly most: number | undefined; readonly script: () => Promise<string> };
  readonly onProgress?: (bytes: number) => void;
  readonly onPhase?: (phase: string, bytes: number) => void;
}

export interface OwnedContext extends Context {
  dispose(): Promise<void>;
}

/**
 * The event loop gets a turn this often, in milliseconds: often enough for writes under way, Ctrl-C and a progress bar. By the wall clock, since Node
 * loads `performance` only when it is asked for, and an inspection has no other need of it.
 */
const TURN = 5;
/** Buffers up to this many bytes are plain; larger ones are in an arena, where the kernels reach them. */
const SMALL_BUFFER = 64 << 10;
/** Room for the padding of a tile's rows. */
const ARENA_SLACK = 256 << 10;
/** Bytes to move from which on helper threads are worth their start, some 40 ms of another core and 10 MB. */
const CREW_BYTES = 50e6;

/** What one command lends to everything it calls; `dispose` removes its temporary files. */
export function createContext(options: ContextOptions = {}): OwnedContext {
  const signal = options.signal ?? new AbortController().signal;
  const memory = options.memory ?? 50 << 20;
  const buffers: [Uint8Array, Uint8Array, Uint8Array] = [new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)];
  const copies = new WeakMap<ByteSource, ByteSource>();
  const temporaries: OutputFile[] = [];
  let spool: { readonly file: OutputFile; used: number } | undefined;
  let lastTurn = Date.now();
  let arenaTried = false;
  let crew: Crew | undefined;
  const each = Math.ceil(memory / 2) + ARENA_SLACK;

  const grow = (which: 0 | 1 | 2, length: number): void => {
    if (!arenaTried && length > SMALL_BUFFER && length <= each) {
      arenaTried = true;
      const arena = createArena(each);
      if (arena !== undefined) {
        buffers.splice(0, 3, ...arena);
        return;
      }
    }
    buffers[which] = new Uint8Array(length);
  };

  const temporary = (): OutputFile => {
    const file = temporaryFile(options.temporaryFolder);
    temporaries.push(file);
    return file;
  };

  return {
    signal,
    memory,
    values: options.values ?? false,
    remote: options.remote ?? {},
    ...(options.ownProcess === true ? { expect: collectEarly } : {}),
    scratch(which, length) {
      if (buffers[which].length < length) grow(which, length);
      return buffers[which].subarray(0, length);
    },
    random(source) {
      if (source.access === "random") return source;
      const known = copies.get(source);
      if (known !== undefined) return known;
      // All copies share one file, each its own region (sparse until written): thousands of members need no thousands of files.
      spool ??= { file: temporary(), used: 0 };
      const copy = spooled(source, spool.file, spool.used);
      spool.used += source.size;
      copies.set(source, copy);
      return copy;
    },
    async temporary(): Promise<OutputFile> {
      return temporary();
    },
    ...(options.onPhase === undefined ? {} : { begin: options.onPhase }),
    async recruit(bytes) {
      const { threads } = options;
      if (threads === undefined || threads.most === 1 || bytes < CREW_BYTES || arenaTried || currentCrew() !== undefined) return;
      const [{ startCrew, usualThreads }, script] = await Promise.all([import("./crew/start.ts"), threads.script()]);
      const helpers = (threads.most ?? usualThreads()) - 1;
      if (helpers < 1) return;
      const arena = createArena(each, true);
      const shared = arena === undefined ? undefined : memoryOf(arena[0].buffer);
      if (arena === undefined || shared === undefined) return;
      arenaTried = true;
      buffers.splice(0, 3, ...arena);
      crew = startCrew(helpers, shared, script);
      if (crew !== undefined) setCurrentCrew(crew, shared.buffer);
    },
    async tick(bytes) {
      options.onProgress?.(bytes);
      if (Date.now() - lastTurn > TURN) {
        await turn();
        lastTurn = Date.now();
      }
      if (signal.aborted) throw new CheckpointError("interrupted", "interrupted");
    },
    async dispose() {
      if (crew !== undefined) endCrew(crew);
      crew = undefined;
      for (const file of temporaries.splice(0)) await file.close();
      spool = undefined;
      buffers[0] = new Uint8Array(0);
      buffers[1] = new Uint8Array(0);
      buffers[2] = new Uint8Array(0);
    },
  };
}
