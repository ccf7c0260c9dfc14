import { Worker } from "node:worker_threads";
import { commandPath } from "../command-path.ts";
import type { Form, Order, Outcome, Task } from "./task.ts";

/** Runs tasks, at most so many at once as it was made for. */
export interface Runner {
  readonly atOnce: number;
  run(task: Task): Promise<Outcome>;
  close(): Promise<void>;
}

/** Worker threads that run the command itself; one that breaks down fails its task, and another takes its place. */
export class Threads implements Runner {
  readonly atOnce: number;
  readonly #form: Form;
  readonly #signal: AbortSignal;
  readonly #all = new Set<Worker>();
  readonly #idle: Worker[] = [];
  readonly #waiting: ((worker: Worker) => void)[] = [];
  /** What each worker's task waits for. */
  readonly #finish = new Map<Worker, (outcome: Outcome) => void>();
  #closing = false;

  constructor(atOnce: number, form: Form, signal: AbortSignal) {
    this.atOnce = atOnce;
    this.#form = form;
    this.#signal = signal;
    for (let k = 0; k < atOnce; k++) this.#idle.push(this.#start());
    signal.addEventListener("abort", () => {
      for (const worker of this.#all) worker.postMessage("stop" satisfies Order);
    });
  }

  async run(task: Task): Promise<Outcome> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    return new Promise((resolve) => {
      this.#finish.set(worker, resolve);
      worker.postMessage({ task, form: this.#form } satisfies Order);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const ended = [...this.#all].map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    for (const worker of this.#all) worker.postMessage("end" satisfies Order);
    await Promise.all(ended);
  }

  #start(): Worker {
    const worker = new Worker(commandPath(), { argv: ["--worker"] });
    this.#all.add(worker);
    worker.on("message", (outcome: Outcome) => {
      this.#finish.get(worker)?.(outcome);
      this.#free(worker);
    });
    worker.on("error", (error) => this.#broken(worker, error instanceof Error ? error : new Error(String(error))));
    worker.on("exit", (code) => this.#broken(worker, new Error(`a worker thread ended with code ${code}`)));
    if (this.#signal.aborted) worker.postMessage("stop" satisfies Order);
    return worker;
  }

  #free(worker: Worker): void {
    this.#finish.delete(worker);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#idle.push(worker);
    else waiting(worker);
  }

  /** Its task fails, and another worker takes its place. A worker that breaks down ends too: only the first counts. */
  #broken(worker: Worker, { message, stack }: Error): void {
    if (!this.#all.delete(worker) || this.#closing) return;
    this.#finish.get(worker)?.({ kind: "failure", failure: { message, where: {}, ...(stack === undefined ? {} : { stack }) } });
    this.#finish.delete(worker);
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    this.#free(this.#start());
  }
}
