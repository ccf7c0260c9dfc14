import type { Random } from "../support/random.ts";

/** A command line, and the files that it names: written before it runs. */
export interface ArgumentCase {
  readonly args: readonly string[];
  readonly files: ReadonlyMap<string, string>;
}

/** Texts of JSON that are changed; `args` names the file as {json}. */
export interface Document {
  readonly text: string;
  readonly args: readonly string[];
  /** Name of the file. */
  readonly name: string;
}

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

const deep = (levels: number): Value => {
  let value: Value = [];
  for (let k = 0; k < levels; k += 1) value = k % 2 === 0 ? [value] : { a: value };
  return value;
};

const texts: readonly string[] = [
  "",
  "*",
  "x",
  "__proto__",
  "constructor",
  "features.0.weight",
  "fc6.weight",
  "h w i o -> o i h w",
  "h w i o -> o (i h w)",
  "d0 d0 -> d0",
  "(",
  ") -> (",
  "a b c d e f g h i j k l m n o p q r s t u v w x y z",
  "1 2 -> 2 1",
  "->",
  "h w i o ->",
  "\u0000",
  "\ud800",
  "a".repeat(5_000),
  "{*,*a}{*,*a}{*,*a}z",
  "[",
  "float16",
  "int8",
  "string",
  "compute",
  "normal",
  "vggtool/plan/1",
  "-0",
];
const numbers: readonly number[] = [0, -1, 1, 1.5, 7, 224, 1e308, -1e-308, 2 ** 31, 2 ** 53, 2 ** 53 - 1, 1e15];

function anyValue(random: Random): Value {
  const kind = random.integer(0, 7);
  if (kind === 0) return random.pick<Value>([null, true, false]);
  if (kind <= 2) return random.pick(numbers);
  if (kind <= 4) return random.pick(texts);
  if (kind === 5) return Array.from({ length: random.integer(0, 5) }, () => random.pick<Value>([...numbers, ...texts]));
  return kind === 6 ? { [random.pick(texts)]: random.pick(texts), from: random.pick(texts) } : deep(random.pick([3, 60, 127, 5_000]));
}

/** The same value with one place in it changed. */
function changed(value: Value, random: Random): Value {
  if (value === null || typeof value !== "object" || random.next() < 0.05) return anyValue(random);
  if (Array.isArray(value)) {
    const items = [...value];
    const at = random.integer(0, Math.max(0, items.length - 1));
    const how = random.next();
    if (how < 0.1) items.splice(at, 1);
    else if (how < 0.2) items.push(anyValue(random));
    else items[at] = items[at] === undefined ? anyValue(random) : changed(items[at], random);
    return items;
  }
  const entries = Object.entries(value);
  const at = random.integer(0, Math.max(0, entries.length - 1));
  const entry = entries[at];
  const how = random.next();
  if (entry === undefined || how < 0.1) entries.push([random.pick(texts), anyValue(random)]);
  else if (how < 0.2) entries.splice(at, 1);
  else if (how < 0.3) entries[at] = [random.pick(texts), entry[1]];
  else entries[at] = [entry[0], changed(entry[1], random)];
  return Object.fromEntries(entries);
}

/** Written without JSON.stringify, which gives up where nesting is deep. */
function written(value: Value): string {
  const parts: string[] = [];
  const todo: (Value | { readonly text: string })[] = [value];
  const raw = new Set<unknown>();
  const say = (text: string): { readonly text: string } => {
    const part = { text };
    raw.add(part);
    return part;
  };
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (typeof next === "object" && next !== null && raw.has(next) && "text" in next) parts.push(String(next.text));
    else if (Array.isArray(next)) {
      todo.push(say("]"), ...next.toReversed().flatMap((item, k) => (k === next.length - 1 ? [item] : [item, say(",")])), say("["));
    } else if (typeof next === "object" && next !== null) {
      const entries = Object.entries(next);
      todo.push(say("}"));
      for (const [k, [key, item]] of entries.toReversed().entries())
        todo.push(item ?? null, say(`${k === entries.length - 1 ? "" : ","}${JSON.stringify(key)}:`));
      todo.push(say("{"));
    } else parts.push(JSON.stringify(next));
  }
  return parts.join("");
}

/** One document changed at one to three places; at times its text is cut, or a key of it is written twice. */
export function documentCase(documents: readonly Document[], random: Random): ArgumentCase {
  const { text, args, name } = random.pick(documents);
  let value: Value = JSON.parse(text);
  for (let k = random.integer(1, 3); k > 0; k -= 1) value = changed(value, random);
  let out = written(value);
  const how = random.next();
  if (how < 0.05) out = out.slice(0, random.integer(0, out.length));
  else if (how < 0.1) out = out.replace(/"(\w+)":/, '"$1":0,"$1":');
  return { args, files: new Map([[name, out]]) };
}

/** Values of options: what they take, what they nearly take, and what they do not. */
const values: readonly string[] = [
  ...texts.filter((text) => !text.includes("\u0000")),
  ...numbers.map(String),
  "224x224x3",
  "0x0x0",
  "64x96",
  "1e9x1e9x3",
  "2GB",
  "0B",
  "-5kB",
  "dense",
  "conv",
  "keep",
  "canonical",
  "keras",
  "tfslim",
  "caffe",
  "matconvnet",
  "onnx",
  "torch",
  "safetensors",
  "{out}/none/deeper",
  "{in}",
  "{out}",
  "/dev/null",
  ".",
  "..",
  "conv*",
  "{fc6,fc7}",
  "[a-",
  "http://[",
  "file:///gone",
];

/** An ordinary command line with options of its command put in, doubled, left out or given other values; one that takes a value ends in `<`. */
export function lineCase(
  lines: readonly (readonly string[])[],
  options: ReadonlyMap<string, readonly string[]>,
  random: Random,
): ArgumentCase {
  const args = [...random.pick(lines)];
  const known = options.get(args[0] ?? "") ?? [];
  for (let k = random.integer(1, 4); k > 0; k -= 1) {
    const how = random.next();
    const at = random.integer(1, args.length);
    const option = random.pick(known);
    // At times an option lacks its value, or has one that it does not take.
    const takes = option.endsWith("<") !== random.next() < 0.05;
    if (how < 0.7) args.push(option.replace(/ ?<$/, ""), ...(takes ? [random.pick(values)] : []));
    else if (how < 0.85) args[at] = random.pick(values);
    else if (how < 0.95) args.splice(at, 1);
    else args.splice(at, 0, random.pick(values));
  }
  return { args, files: new Map() };
}
