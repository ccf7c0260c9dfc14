import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formats } from "../src/formats.ts";

/* The rules that keep the house as it is; docs/architecture.md says why. */

const root = fileURLToPath(new URL("../", import.meta.url));
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((file) => file.replaceAll("\\", "/"));
const sources = files.filter((file) => file.endsWith(".ts"));
/** Modules that take the place of others in a browser, and export what these do: the rows of `browser` in package.json. */
const { browser }: { readonly browser: Readonly<Record<string, string>> } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const halves = new Set(Object.values(browser).map((path) => path.replace("./src/", "")));
const text = (file: string): string => readFileSync(join(root, "src", file), "utf8");

describe("folders", () => {
  /** Names at the top of a folder; a table's rows, one file each, may be more. */
  const limit = 20;
  const tables = new Set(["inspect/findings"]);

  test("no folder has more than twenty files, but those that are a table of rows", () => {
    const folders = ["", ...files.filter((file) => statSync(join(root, "src", file)).isDirectory())];
    const full = folders
      .map((folder) => ({ folder, count: readdirSync(join(root, "src", folder)).filter((name) => name.endsWith(".ts")).length }))
      .filter(({ folder, count }) => count > limit && !tables.has(folder));
    expect(full).toEqual([]);
  });
});

describe("ids of formats", () => {
  /** Where a format is described: all other code asks a column of `formats.ts`, which every checkpoint carries as its conventions. */
  const rooms = [
    "formats.ts",
    "readers/",
    "writers/",
    "model/schemes/",
    "model/hosts/",
    "verify/engines/",
    "convert/target/targets.ts",
    "encodings/signature.ts",
    "encodings/probe.ts",
    "inspect/source/vocabulary.ts",
  ];
  /** Words of other vocabularies that are spelled like a format. */
  const others: Readonly<Record<string, readonly string[]>> = {
    "a kind of container": ["open.ts", "encodings/make-probe.ts"],
    "a form of the variance, which --map says too": [
      "tensor/checkpoint.ts",
      "model/scheme.ts",
      "model/role-values.ts",
      "convert/target/plan-parse.ts",
    ],
    "a framework's module in Python": ["inspect/source/faults.ts", "inspect/source/follow/scope.ts"],
    "a value of --preprocess": ["verify/input/preprocess.ts"],
  };

  test("the id of a format is a literal only where the format is described", () => {
    const elsewhere = new Set(Object.values(others).flat());
    const rest = sources.filter((file) => !rooms.some((room) => file.startsWith(room)) && !elsewhere.has(file));
    const found = rest.flatMap((file) => {
      const code = codeOf(file);
      return formats.filter(({ id }) => code.includes(`"${id}"`)).map(({ id }) => `${file}: ${id}`);
    });
    expect(found).toEqual([]);
  });
});

describe("names", () => {
  /** What every row of the table of formats exports. */
  const rows = new Set(["reader", "writer"]);

  test("an exported name exists once, so that a search finds what it is", () => {
    const places = new Map<string, string[]>();
    for (const file of sources.filter((each) => !halves.has(each))) {
      for (const [, name = ""] of text(file).matchAll(
        /^export (?:async |abstract )*(?:function\*?|const|class|interface|type|let|enum) (\w+)/gm,
      )) {
        places.set(name, [...(places.get(name) ?? []), file]);
      }
    }
    expect([...places].filter(([name, of]) => of.length > 1 && !rows.has(name))).toEqual([]);
  });

  test("a function or a value is exported only where another file uses it", () => {
    const users = new Map<string, Set<string>>();
    for (const [file, code] of allCode()) {
      for (const word of new Set(code.match(/\w+/g))) users.set(word, (users.get(word) ?? new Set()).add(file));
    }
    const unused = sources.flatMap((file) =>
      [...text(file).matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)]
        .map(([, name = ""]) => name)
        .filter((name) => (users.get(name)?.size ?? 0) < 2)
        .map((name) => `${file}: ${name}`),
    );
    expect(unused).toEqual([]);
  });
});

describe("pages", () => {
  test("every page of docs/ that the code names exists", () => {
    const pages = new Set(readdirSync(join(root, "docs")));
    const named = sources.flatMap((file) =>
      [...text(file).matchAll(/docs\/([\w-]+\.md)/g)].map((match) => ({ file, page: match[1] ?? "" })),
    );
    expect(named.filter(({ page }) => !pages.has(page))).toEqual([]);
  });
});

describe("the walk of fc6", () => {
  const page = readFileSync(join(root, "docs/architecture.md"), "utf8");

  test("names files that exist, and no more than it passed when it was last shortened", () => {
    const table = page.slice(page.indexOf("### The files that it passes"), page.indexOf("## Where a conversion leads"));
    const named = [...table.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file = ""]) => file);
    expect(named.filter((file) => !sources.includes(file))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
    expect(named.length).toBeGreaterThan(20);
    expect(named.length).toBeLessThanOrEqual(33);
  });
});

describe("parameters", () => {
  /** The kernels in WebAssembly, which take numbers alone: two addresses, rows, columns and two pitches. */
  const kernels = new Set(["tensor/move/kernels.ts", "tensor/move/copy.ts"]);

  test("no function has more than five", () => {
    const long = sources.filter((file) => !kernels.has(file)).flatMap((file) => longLists(file).map((list) => `${file}: ${list}`));
    expect(long).toEqual([]);
  });
});

describe("imports", () => {
  test("there is no circle, type imports too", () => {
    const edges = new Map(sources.map((file) => [file, importsOf(file)]));
    expect(circles(edges)).toEqual([]);
  });
});

/** Lists of more than five parameters: of functions and methods, which go on with a body, and of those with an arrow. */
function longLists(file: string): readonly string[] {
  const code = codeOf(file);
  return [...code.matchAll(/\(/g)].flatMap(({ index }) => {
    const { end, parts } = listAt(code, index);
    const declared = /^\s*(=>|:\s[^;()]*?(=>|\{\n|;\n)|\{\n)/.test(code.slice(end, end + 300));
    return declared && parts > 5 ? [code.slice(index, end).replace(/\s+/g, " ")] : [];
  });
}

/** Where the bracket at `start` is closed, and how many parts commas make of what is inside; a comma at the end makes none. */
function listAt(code: string, start: number): { readonly end: number; readonly parts: number } {
  let [depth, commas, at] = [0, 0, start];
  for (; at < code.length; at++) {
    const char = code[at] ?? "";
    if ("([{<".includes(char)) depth++;
    if (")]}".includes(char) || (char === ">" && code[at - 1] !== "=")) depth--;
    if (depth === 0) break;
    if (char === "," && depth === 1 && !/^\s*\)/.test(code.slice(at + 1, at + 80))) commas++;
  }
  return { end: at + 1, parts: commas + 1 };
}

describe("words", () => {
  /** English that a newcomer stumbles over; `computed`, `is at`, `reported`, `cannot store`, `copy` say the same. */
  const unclear = /\b(told|lies|stands|twins?|clothes)\b|\bha(?:s|ve) no place for\b/g;
  const prose = (file: string): string => (text(file).match(/\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"|`[^`]*`/g) ?? []).join("\n");

  test("comments and messages use one word for one thing, a plain one", () => {
    const found = sources.flatMap((file) => [...prose(file).matchAll(unclear)].map(([word]) => `${file}: ${word}`));
    expect(found).toEqual([]);
  });

  test("so do the pages", () => {
    const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
    const found = pages.flatMap((name) =>
      [...readFileSync(join(root, "docs", name), "utf8").matchAll(unclear)].map(([word]) => `${name}: ${word}`),
    );
    expect(found).toEqual([]);
  });
});

/** Every module of the repository with its text: of the sources, of what builds, measures and starts them, and of the tests. */
function allCode(): readonly (readonly [file: string, code: string])[] {
  return ["src", "bin", "bench", "scripts", "test"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), "utf8")] as const),
  );
}

/** The text of a module without its comments and the modules that it names. */
function codeOf(file: string): string {
  return text(file)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|\s)\/\/.*$/gm, "")
    .replace(/from "[^"]*"|import\("[^"]*"\)/g, "");
}

/** What a module imports when it is loaded; `import()` of a row that a table names is no part of a circle. */
function importsOf(file: string): readonly string[] {
  return [...text(file).matchAll(/^(?:import|export)[^"]*?from "(\.[^"]+)"|^import "(\.[^"]+)"/gm)].map((match) =>
    relative(join(root, "src"), join(root, "src", file, "..", match[1] ?? match[2] ?? "")).replaceAll("\\", "/"),
  );
}

/** One line for each circle that a walk in depth meets. */
function circles(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].map((name) => basename(name)).join(" → "));
    if (at >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return found;
}
