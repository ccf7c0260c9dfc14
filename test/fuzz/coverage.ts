import { type Profiler, Session } from "node:inspector";

/** Which parts of our modules have run, as V8 counts them: functions and the blocks in them. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Blocks that ran since the last call and never before. */
  fresh(): number {
    let found: readonly Profiler.ScriptCoverage[] = [];
    // Answers before it returns: the session is that of our own thread.
    this.#session.post("Profiler.takePreciseCoverage", (error, { result }) => {
      if (error === null) found = result;
    });
    const before = this.#seen.size;
    for (const { url, functions } of found) {
      if (!url.includes("/src/")) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) if (count > 0) this.#seen.add(`${url} ${startOffset} ${endOffset}`);
      }
    }
    return this.#seen.size - before;
  }
}
