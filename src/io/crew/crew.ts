import type { Job, JobAnswer } from "./job.ts";

/** Helper threads over one shared memory, each of which does one job at a time while the thread that asks does its own part. */
export interface Crew {
  /** Helpers, whether they are busy or not. */
  readonly size: number;
  /** Has a free helper do a job; undefined where none is free. Its memory is not to be used otherwise before the answer. */
  ask(job: Job): JobAnswer | undefined;
  /** The threads end; the memory stays. */
  end(): void;
}

let current: { readonly crew: Crew; readonly buffer: ArrayBufferLike } | undefined;

/** The helpers of this process; undefined where there are none. There is one crew at most, however many verbs run at once. */
export function currentCrew(): Crew | undefined {
  return current?.crew;
}

/** The helpers that can reach a buffer. */
export function crewOf(buffer: ArrayBufferLike): Crew | undefined {
  return current?.buffer === buffer ? current.crew : undefined;
}

/** Makes a crew that of this process. */
export function setCurrentCrew(crew: Crew, buffer: ArrayBufferLike): void {
  current = { crew, buffer };
}

export function endCrew(crew: Crew): void {
  if (current?.crew === crew) current = undefined;
  crew.end();
}

/** Work on items that are independent of each other. */
export interface Divisible {
  readonly count: number;
  /** Parts begin at a multiple of it. */
  readonly step: number;
  /** What a helper does of it: items from `from` up to `to`. */
  readonly job: (from: number, to: number) => Job;
  /** The same here. A part that a helper gave up is done here too: so that an error is that of this thread. */
  readonly own: (from: number, to: number) => number;
}

/** Does the first parts here and the others in helpers, at the same time. Returns the results in order, with the number of their items. */
export function divide(crew: Crew | undefined, { count, step, job, own }: Divisible): readonly (readonly [number, number])[] {
  const parts = Math.min((crew?.size ?? 0) + 1, Math.floor(count / step));
  const end = (part: number): number => (part === parts ? count : Math.floor((count * part) / parts / step) * step);
  const asked: { readonly from: number; readonly to: number; readonly answer: JobAnswer }[] = [];
  let mine = count;
  for (let part = parts; part > 1 && crew !== undefined; part -= 1) {
    const [from, to] = [end(part - 1), end(part)];
    const answer = crew.ask(job(from, to));
    if (answer === undefined) break;
    asked.unshift({ from, to, answer });
    mine = from;
  }
  let failure: unknown;
  let result = 0;
  try {
    result = own(0, mine);
  } catch (error) {
    failure = error;
  }
  // Whatever happened here, no helper is at work on this memory when this returns.
  const answers = asked.map(({ from, to, answer }) => ({ from, to, found: answer() }));
  if (failure !== undefined) throw failure;
  return [[result, mine], ...answers.map(({ from, to, found }) => [found ?? own(from, to), to - from] as const)];
}
