import { availableParallelism } from "node:os";
import { isMainThread, Worker } from "node:worker_threads";
import { bytesOfLatin1 } from "../bytes.ts";
import type { Crew } from "./crew.ts";
import {
  ASKED,
  BLOCK_BYTES,
  DONE,
  FAILED,
  type HelperData,
  type Job,
  type JobAnswer,
  LENGTH,
  RESULT,
  STARTING,
  STATE,
  TEXT,
} from "./job.ts";

/** More threads than this wait for memory, not for each other. */
const MOST = 4;

/** Threads that share work where nobody says how many: one in a thread that is one of several itself. */
export function usualThreads(): number {
  return isMainThread ? Math.min(availableParallelism(), MOST) : 1;
}

/**
 * Starts so many helpers over a shared memory; `script` is what each runs. They do not keep the process alive, and until they run no job is
 * given to them. `browser/crew.ts` has none.
 */
export function startCrew(size: number, memory: WebAssembly.Memory, script: string): Crew | undefined {
  const helpers = Array.from({ length: size }, () => new Helper(memory, script));
  return {
    size,
    ask(job) {
      const free = helpers.find((helper) => helper.free);
      return free?.ask(job);
    },
    end() {
      for (const helper of helpers) helper.end();
    },
  };
}

/** A helper has little to keep: in MB. */
const limits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 };

class Helper {
  readonly #worker: Worker;
  readonly #numbers: Int32Array;
  readonly #result: Float64Array;
  readonly #text: Uint8Array;
  #busy = false;
  #ended = false;

  constructor(memory: WebAssembly.Memory, script: string) {
    const block = new SharedArrayBuffer(BLOCK_BYTES);
    this.#numbers = new Int32Array(block);
    this.#result = new Float64Array(block, RESULT, 1);
    this.#text = new Uint8Array(block, TEXT);
    this.#worker = new Worker(script, {
      eval: true,
      workerData: { block, memory } satisfies HelperData,
      resourceLimits: limits,
      stdout: false,
      execArgv: [],
    });
    this.#worker.unref();
    // One that cannot start or breaks down is asked no more; this thread does its work.
    this.#worker.on("error", () => {
      this.#ended = true;
    });
  }

  get free(): boolean {
    return !this.#busy && !this.#ended && Atomics.load(this.#numbers, STATE) !== STARTING;
  }

  ask(job: Job): JobAnswer {
    this.#busy = true;
    this.#send(job);
    return () => {
      Atomics.wait(this.#numbers, STATE, ASKED);
      this.#busy = false;
      const state = Atomics.load(this.#numbers, STATE);
      if (state !== DONE && state !== FAILED) throw new Error(`a helper thread is in state ${state}`);
      return state === DONE ? this.#result[0] : undefined;
    };
  }

  end(): void {
    if (this.#ended) return;
    const running = this.free;
    this.#ended = true;
    if (running) this.#send({ kind: "end" });
    else void this.#worker.terminate();
  }

  #send(job: Job): void {
    const bytes = bytesOfLatin1(JSON.stringify(job));
    this.#text.set(bytes);
    Atomics.store(this.#numbers, LENGTH, bytes.length);
    Atomics.store(this.#numbers, STATE, ASKED);
    Atomics.notify(this.#numbers, STATE);
  }
}
