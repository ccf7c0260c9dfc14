import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../src/", import.meta.url));
const LIMIT = 300;

test("modules stay small", () => {
  const long = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length - 1 }))
    .filter(({ lines }) => lines > LIMIT);
  expect(long).toEqual([]);
});

test("no casts, no suppressions, no swallowed errors", () => {
  const forbidden =
    /\bas (any|unknown as|never)\b|: any\b|<any>|@ts-(ignore|expect-error|nocheck)|biome-ignore|catch *(\([^)]*\))? *\{ *\}|\b(TODO|FIXME|XXX)\b/;
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      readFileSync(join(root, file), "utf8")
        .split("\n")
        .map((line, k) => ({ place: `${file}:${k + 1}`, line }))
        .filter(({ line }) => forbidden.test(line)),
    );
  expect(found).toEqual([]);
});
