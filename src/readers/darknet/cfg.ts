import { CheckpointError } from "../../errors.ts";

/** One `[section]` of a Darknet .cfg with its options, all text (pjreddie/darknet src/option_list.c, src/parser.c). */
export interface CfgSection {
  readonly type: string;
  readonly options: ReadonlyMap<string, string>;
  /** Counted from 1. */
  readonly line: number;
}

/** Sections of `key=value` lines; white space has no meaning, `#` and `;` begin comments. Throws `malformed`. */
export function parseCfg(text: string, file: string): readonly CfgSection[] {
  const sections: { type: string; options: Map<string, string>; line: number }[] = [];
  text.split(/\r?\n/).forEach((raw, k) => {
    const line = raw.replace(/\s+/g, "");
    if (line === "" || line.startsWith("#") || line.startsWith(";")) return;
    const where = { file };
    const section = /^\[(.+)\]$/.exec(line)?.[1];
    if (section !== undefined) {
      sections.push({ type: section, options: new Map(), line: k + 1 });
      return;
    }
    const at = line.indexOf("=");
    const current = sections.at(-1);
    if (at <= 0 || current === undefined)
      throw new CheckpointError("malformed", `line ${k + 1} of the .cfg is neither [section] nor key=value`, where);
    // The first of two options of one name is the one that Darknet finds.
    if (!current.options.has(line.slice(0, at))) current.options.set(line.slice(0, at), line.slice(at + 1).replace(/[#;].*$/, ""));
  });
  return sections;
}

/** Whether text is a .cfg: its first section is [net] or [network]. */
export function looksLikeCfg(text: string): boolean {
  const first = text.split(/\r?\n/).find((line) => line.trim() !== "" && !/^\s*[#;]/.test(line));
  return first !== undefined && /^\s*\[net(work)?\]\s*$/.test(first);
}

/** An option as a whole number, or its default. Throws `malformed`. */
export function integer(section: CfgSection, name: string, otherwise: number): number {
  const text = section.options.get(name);
  if (text === undefined) return otherwise;
  const value = /^[-+]?\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31) return value;
  throw new CheckpointError("malformed", `${name}=${text} in [${section.type}] at line ${section.line} of the .cfg, needed a whole number`);
}
