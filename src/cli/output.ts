import type { Style } from "../report/style.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { print, tell, terminalWidth } from "./streams.ts";
import { type ColorChoice, styleFor } from "./terminal.ts";

/** What every command shares. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: ColorChoice;
}

/** Where a command's answer goes: stdout is data, stderr is for people. */
export interface Output {
  readonly style: Style;
  readonly json: boolean;
  /** The result itself. */
  data(text: string): void;
  /** The same in pieces, with `end` behind each of them. */
  pieces(texts: Iterable<string>, end?: string): void;
  /** For people who watch; nothing with --quiet. */
  note(text: string): void;
}

/** Characters that are written at a time. */
const CHUNK = 1 << 16;

export async function outputFor(common: CommonOptions): Promise<Output> {
  return {
    style: await styleFor(common.color ?? "auto", terminalWidth(1)),
    json: common.json === true,
    data(text) {
      print(text.endsWith("\n") ? text : `${text}\n`);
    },
    pieces(texts, end = "") {
      let text = "";
      for (const piece of texts) {
        text += piece + end;
        if (text.length < CHUNK) continue;
        print(text);
        text = "";
      }
      print(text.endsWith("\n") || end === "\n" ? text : `${text}\n`);
    },
    note(text) {
      if (common.quiet !== true) tell(`${text}\n`);
    },
  };
}

/** The worse of the codes so far and this one decides: failed over no over done. */
export function setExitCode(code: ExitCode): void {
  const current = typeof process.exitCode === "number" ? process.exitCode : exitCodes.done;
  process.exitCode = Math.max(current, code);
}

/** What a command hands on to the library: its options without those of all commands. */
export function withoutCommon<Options extends CommonOptions>(options: Options): Omit<Options, keyof CommonOptions> {
  const { json: _json, quiet: _quiet, color: _color, ...rest } = options;
  return rest;
}
