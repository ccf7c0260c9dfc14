import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));

/** A folder (or a file right below src) imports only from rows above its own, and never from another folder of its row. */
const rows: readonly (readonly string[])[] = [
  ["errors.ts"],
  ["text"],
  ["io"],
  ["tensor"],
  ["encodings"],
  ["readers", "model"],
  ["writers", "compare"],
  ["format-row.ts"],
  ["formats.ts", "open.ts"],
  ["inspect"],
  ["convert"],
  ["verify"],
  ["report"],
  ["catalogue"],
  ["library"],
  ["index.ts"],
  ["cli", "web"],
];
const rowOf = (place: string): number => rows.findIndex((row) => row.includes(place));
const place = (file: string): string => file.split("/")[0] ?? "";

/** Rooms for what several formats are written with. */
const sharedRooms = new Set(["writers/hdf5", "writers/keras"]);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly lazy: boolean;
}

const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

const imports: readonly Import[] = sources.flatMap((from) => {
  const text = readFileSync(join(root, from), "utf8");
  const found = [...text.matchAll(/(?:^|[^.\w])(?:from|import)\s*(\()?\s*"(\.[^"]+)"/g)];
  return found.map((match) => ({
    from,
    to: relative(root, join(root, dirname(from), match[2] ?? "")).replaceAll("\\", "/"),
    lazy: match[1] === "(",
  }));
});

describe("the order of the layers", () => {
  test("every file has a row", () => {
    expect(sources.filter((file) => rowOf(place(file)) < 0)).toEqual([]);
    expect(imports.length).toBeGreaterThan(100);
  });

  test("imports lead up, or stay in the folder", () => {
    const wrong = imports.filter(({ from, to }) => {
      if (place(from) === place(to)) return false;
      // formats.ts and open.ts share a row: opening needs the table.
      if (from === "open.ts" && to === "formats.ts") return false;
      return rowOf(place(to)) >= rowOf(place(from));
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("no format's room imports another's: what two share is an encoding, or a file beside the rooms of the writers", () => {
    const room = (file: string): string | undefined => file.split("/").slice(1, -1)[0];
    const wrong = imports.filter(({ from, to }) => {
      const folder = place(from);
      if (folder !== place(to) || (folder !== "readers" && folder !== "writers")) return false;
      const [here, there] = [room(from), room(to)];
      return there !== undefined && here !== there && !sharedRooms.has(`${folder}/${there}`);
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("the command line imports the public interface, texts of records, and nothing else", () => {
    const allowed = new Set(["index.ts", "library/own-process.ts", "../package.json"]);
    const wrong = imports.filter(
      ({ from, to }) => place(from) === "cli" && place(to) !== "cli" && place(to) !== "report" && !allowed.has(to),
    );
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("only io/ touches the file system, and only cli/ the terminal", () => {
    // What a docstring shows is not run.
    const text = (file: string): string => readFileSync(join(root, file), "utf8").replace(/^\s*\*.*$/gm, "");
    const allowed = new Set(["cli/streams.ts"]); // stdout and stderr
    const disk = sources.filter((file) => place(file) !== "io" && !allowed.has(file) && /"(node:)?fs(\/promises)?"/.test(text(file)));
    const terminal = sources.filter((file) => place(file) !== "cli" && /\bconsole\.|process\.(stdout|stderr|exit)\b/.test(text(file)));
    expect({ disk, terminal }).toEqual({ disk: [], terminal: [] });
  });

  /** Engines that are no browser's, and the packages and programs that they come in. */
  const ofNode = new Set([
    "verify/engines/installation.ts",
    "verify/engines/optional-package.ts",
    "verify/engines/subprocess.ts",
    "verify/engines/tensorflow.ts",
  ]);

  test("no file but those of cli/, io/, catalogue/, and those on the list imports anything of Node", () => {
    const rooms = ["cli/", "io/", "catalogue/"];
    const found = sources.filter((file) => !rooms.some((room) => file.startsWith(room)) && importsNode(file));
    expect(found.filter((file) => !ofNode.has(file))).toEqual([]);
    expect(
      [...ofNode].filter((file) => !found.includes(file)),
      "take these off the list",
    ).toEqual([]);
  });
});

describe("in a browser", () => {
  /** The verbs that a page runs. */
  const verbs = ["convert", "diff", "inspect", "report", "many/find-checkpoints"];

  test("the verbs are bundled without a module of Node, by the rows of `browser` in package.json", async () => {
    const { metafile } = await build({
      absWorkingDir: join(root, ".."),
      entryPoints: verbs.map((verb) => `src/library/${verb}.ts`),
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "browser",
      outdir: "dist",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs).toContain("src/io/browser/disk.ts");
    const code = inputs.filter((file) => file.startsWith("src/"));
    const { browser }: { readonly browser: Readonly<Record<string, string>> } = JSON.parse(
      readFileSync(new URL("../package.json", import.meta.url), "utf8"),
    );
    const replaced = Object.keys(browser).map((path) => path.replace("./", ""));
    expect(code.filter((file) => replaced.includes(file))).toEqual([]);
    expect(
      code.filter((file) =>
        /^(?!.*\/\/|\s*\*).*(\bBuffer\.|\bprocess\.(?!ts)[a-z]|\bsetImmediate\()/m.test(readFileSync(join(root, "..", file), "utf8")),
      ),
    ).toEqual([]);
  });
});

/** Whether a module names one of Node's own, types aside. */
function importsNode(file: string): boolean {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^import ([^;]*?)from "node:|import\("node:|process\.getBuiltinModule|^import "node:/gm)].some(
    ([, names = ""]) => !names.startsWith("type "),
  );
}
