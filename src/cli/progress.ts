import { count, visible } from "../report/style.ts";
import { tell, terminalWidth } from "./streams.ts";

/** A bar is drawn after this many milliseconds: short work needs none. */
const PATIENCE = 700;
const REDRAW = 100;

export interface Progress {
  add(bytes: number): void;
  done(): void;
}

/** Bytes so far of about `total` on stderr, when that is a terminal and the work lasts; never otherwise. */
export function progress(label: string, total: number | undefined, quiet: boolean): Progress {
  if (quiet || terminalWidth(2) === undefined) return { add() {}, done() {} };
  const started = performance.now();
  let seen = 0;
  let drawn = 0;
  return {
    add(bytes) {
      seen += bytes;
      const now = performance.now();
      if (now - started < PATIENCE || now - drawn < REDRAW) return;
      drawn = now;
      const megabytes = `${count(Math.round(seen / 1e6))} MB`;
      const share = total === undefined || total === 0 ? "" : bar(Math.min(1, seen / total));
      tell(`\r${visible(label)} ${share}${megabytes}\x1b[K`);
    },
    done() {
      if (drawn > 0) tell("\r\x1b[K");
    },
  };
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
export function countText(done: number, total: number, seconds: number): string {
  const rate = done / seconds;
  const left = Math.round((total - done) / rate);
  const clock = left < 100 ? `${left} s` : left < 6000 ? `${Math.round(left / 60)} min` : `${(left / 3600).toFixed(1)} h`;
  return `${count(done)} of ${count(total)}, ${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} a second, ${clock} left`;
}
