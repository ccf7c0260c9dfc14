import { count, visible } from "../report/style.ts";
import { tell, terminalWidth } from "./streams.ts";

/** A bar is drawn after this many milliseconds: short work needs none. */
const PATIENCE = 700;
const REDRAW = 100;

export interface Progress {
  add(bytes: number): void;
  /** What begins, and about how many bytes of it will come. */
  begin(phase: string, total: number): void;
  done(): void;
}

/** What is done, how much of it, how fast and how long still, on stderr, when that is a terminal and the work lasts; never otherwise. */
export function progress(label: string, total: number | undefined, quiet: boolean): Progress {
  if (quiet || terminalWidth(2) === undefined) return { add() {}, begin() {}, done() {} };
  const started = performance.now();
  let work: { readonly phase: string; readonly total: number | undefined; readonly since: number; seen: number } = {
    phase: "reading",
    total,
    since: started,
    seen: 0,
  };
  let drawn = 0;
  return {
    add(bytes) {
      work.seen += bytes;
      const now = performance.now();
      if (now - started < PATIENCE || now - drawn < REDRAW) return;
      drawn = now;
      const share = work.total === undefined || work.total === 0 ? "" : bar(Math.min(1, work.seen / work.total));
      tell(`\r${visible(label)} ${work.phase} ${share}${doneText(work.seen, work.total, (now - work.since) / 1000)}\x1b[K`);
    },
    begin(phase, bytes) {
      work = { phase, total: bytes, since: performance.now(), seen: 0 };
    },
    done() {
      if (drawn > 0) tell("\r\x1b[K");
    },
  };
}

/** 248 of 553 MB, 310 MB/s, 1 s left */
export function doneText(seen: number, total: number | undefined, seconds: number): string {
  const megabytes = (bytes: number): string => count(Math.round(bytes / 1e6));
  const rate = `${megabytes(seen / seconds)} MB/s`;
  // The total is about right: more than all is never said.
  if (total === undefined || total === 0 || seen >= total) return `${megabytes(seen)} MB, ${rate}`;
  return `${megabytes(seen)} of ${megabytes(total)} MB, ${rate}, ${timeLeft((total - seen) / (seen / seconds))} left`;
}

function bar(share: number): string {
  const width = 24;
  const full = Math.round(share * width);
  return `${"█".repeat(full)}${"░".repeat(width - full)} ${String(Math.floor(share * 100)).padStart(3)} %  `;
}

export interface CountProgress {
  /** One more is done. */
  step(): void;
  /** Takes the bar away, so that something else can be printed; the next step draws it again. */
  hide(): void;
}

/** Pieces of work done of so many, how many a second, and the time that is left, on stderr where `progress` would draw. */
export function countProgress(total: number, quiet: boolean): CountProgress {
  if (quiet || terminalWidth(2) === undefined) return { step() {}, hide() {} };
  const started = performance.now();
  let done = 0;
  let drawn = 0;
  let shown = false;
  return {
    step() {
      done += 1;
      const now = performance.now();
      if (now - started < PATIENCE || now - drawn < REDRAW) return;
      drawn = now;
      shown = true;
      tell(`\r${bar(done / total)}${countText(done, total, (now - started) / 1000)}\x1b[K`);
    },
    hide() {
      if (shown) tell("\r\x1b[K");
      shown = false;
    },
  };
}

/** 120 of 340, 4.2 a second, 52 s left */
function countText(done: number, total: number, seconds: number): string {
  const rate = done / seconds;
  return `${count(done)} of ${count(total)}, ${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} a second, ${timeLeft((total - done) / rate)} left`;
}

function timeLeft(seconds: number): string {
  const left = Math.round(seconds);
  return left < 100 ? `${left} s` : left < 6000 ? `${Math.round(left / 60)} min` : `${(left / 3600).toFixed(1)} h`;
}
