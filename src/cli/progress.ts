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
