import type { Inert } from "../tensor/checkpoint.ts";
import { shortened } from "../text/brief.ts";
import { count, type Style, visible } from "./style.ts";
import { table } from "./table.ts";

/** Entries are listed up to here; --json has all, and whole. */
const MOST_ENTRIES = 16;
/** A value takes no more than one line of a terminal, also where lines may be longer: a model's configuration has many kB. */
const LONGEST_VALUE = 100;
const LEAST_VALUE = 24;
/** Of a name; its ends tell it apart. */
const LONGEST_NAME = 48;

/** What a file holds beside its tensors: names of classes, the average colour, configurations, counters. */
export function metadataText(metadata: ReadonlyMap<string, Inert>, { width, paint }: Style): string {
  const shown = [...metadata].slice(0, MOST_ENTRIES);
  const names = shown.map(([name]) => shortened(visible(name), LONGEST_NAME));
  const widest = Math.max(...names.map((name) => name.length));
  const room = Math.min(LONGEST_VALUE, Math.max(LEAST_VALUE, width - widest - 2));
  const rows = shown.map(([, value], k) => [names[k] ?? "", valueText(value, room)]);
  const rest = metadata.size - shown.length;
  const lines = [table([{ title: "metadata" }, { title: "" }], rows, paint.faint)];
  if (rest > 0) lines.push(paint.faint(`${count(rest)} more: see --json`));
  return lines.join("\n");
}

function valueText(value: Inert, room: number): string {
  if (Array.isArray(value)) return listText(value, room);
  if (value instanceof Map) return listText([...value.keys()], room, "entries");
  return cut(single(value), room);
}

function single(value: Inert): string {
  if (typeof value === "string") return visible(value.slice(0, LONGEST_VALUE + 1));
  if (typeof value === "number") return String(Number(value.toPrecision(7)));
  if (value instanceof Uint8Array) return `${count(value.length)} bytes`;
  if (value instanceof Map) return `{${value.size}}`;
  if (Array.isArray(value)) return `[${value.length}]`;
  return String(value);
}

/** The first items, as many as fit, and how many there are. */
function listText(items: readonly Inert[], room: number, what = "in all"): string {
  const all: string[] = [];
  let length = 0;
  for (const item of items) {
    const text = single(item);
    length += text.length + 2;
    if (length > room) break;
    all.push(text);
  }
  if (all.length === items.length) return all.join(", ");
  const end = `… ${count(items.length)} ${what}`;
  while (all.length > 1 && all.join(", ").length + 2 + end.length > room) all.pop();
  return all.length === 0 ? end : `${cut(all.join(", "), room - end.length - 2)}, ${end}`;
}

function cut(text: string, room: number): string {
  const chars = Array.from(text);
  return chars.length <= room ? text : `${chars.slice(0, Math.max(1, room - 1)).join("")}…`;
}
