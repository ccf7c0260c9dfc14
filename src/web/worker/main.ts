import type { Asked, Stop, Verb, Verbs, WorkerAnswer } from "../messages.ts";
import { verbs, workFailureOf } from "./verbs.ts";

/* The library in a worker of the page: reading a checkpoint leaves the page alive. */

/** What is used of a worker's global object; TypeScript declares it in the library for browsers only. */
declare const self: {
  postMessage(answer: WorkerAnswer): void;
  addEventListener(type: "message", listener: (event: { readonly data: Asked | Stop }) => void): void;
};

/** Milliseconds between two reports of how far something is. */
const OFTEN = 50;

const running = new Map<number, AbortController>();

self.addEventListener("message", ({ data }) => {
  if ("stop" in data) running.get(data.stop)?.abort();
  else void answer(data);
});

async function answer<V extends Verb>({ id, verb, asked }: Asked<V>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let [waiting, last] = [0, 0];
  try {
    const work: (asked: Verbs[V]["asked"], run: Parameters<(typeof verbs)[V]>[1]) => Promise<Verbs[V]["given"]> = verbs[verb];
    const given = await work(asked, {
      signal: controller.signal,
      onPhase: (phase, bytes) => self.postMessage({ id, phase, bytes }),
      onProgress(bytes) {
        waiting += bytes;
        if (Date.now() - last < OFTEN) return;
        last = Date.now();
        self.postMessage({ id, progress: waiting });
        waiting = 0;
      },
    });
    self.postMessage({ id, given });
  } catch (error) {
    self.postMessage({ id, failed: workFailureOf(error) });
  } finally {
    running.delete(id);
  }
}
