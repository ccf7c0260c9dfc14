import type { Asked, Stop, Verb, Verbs, WorkerAnswer, WorkFailure } from "../messages.ts";

/** A failure that the worker has put into words. */
export class WorkFailed extends Error {
  readonly hint: string | undefined;

  constructor({ message, hint }: WorkFailure) {
    super(message);
    this.name = "WorkFailed";
    this.hint = hint;
  }
}

/** Follows something that takes long. */
export interface TaskWatch {
  readonly signal?: AbortSignal;
  readonly onPhase?: (phase: string, bytes: number) => void;
  readonly onProgress?: (bytes: number) => void;
}

interface Pending extends TaskWatch {
  /** The worker gives for a verb what its type says. */
  take(given: unknown): void;
  fail(error: Error): void;
}

/** The worker, and what it was asked and has not answered. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #broken: WorkFailed | undefined;

  /**
   * `source`: the worker's script as a text, so that it runs under the policy of this page and not under that of an address. A page from
   * the disk can run no worker that is a module.
   */
  constructor(source: string, type: WorkerType) {
    this.#worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type });
    this.#worker.addEventListener("message", ({ data }: MessageEvent<WorkerAnswer>) => this.#answered(data));
    this.#worker.addEventListener("error", ({ message }) => {
      this.#broken = new WorkFailed({ message: `the worker cannot run: ${message || "its script was not loaded"}` });
      for (const { fail } of this.#pending.values()) fail(this.#broken);
      this.#pending.clear();
    });
  }

  ask<V extends Verb>(verb: V, asked: Verbs[V]["asked"], watch: TaskWatch = {}): Promise<Verbs[V]["given"]> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    this.#count += 1;
    const request: Asked<V> = { id: this.#count, verb, asked };
    return new Promise((resolve, reject) => {
      const pending: Pending = { ...watch, take: (given: Verbs[V]["given"]) => resolve(given), fail: reject };
      this.#pending.set(request.id, pending);
      watch.signal?.addEventListener("abort", () => {
        const stop: Stop = { stop: request.id };
        this.#worker.postMessage(stop);
      });
      this.#worker.postMessage(request);
    });
  }

  #answered(answer: WorkerAnswer): void {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return;
    if ("phase" in answer) pending.onPhase?.(answer.phase, answer.bytes);
    else if ("progress" in answer) pending.onProgress?.(answer.progress);
    else {
      this.#pending.delete(answer.id);
      if ("given" in answer) pending.take(answer.given);
      else pending.fail(new WorkFailed(answer.failed));
    }
  }
}
