import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatsRecord } from "../../src/convert/formats-record.ts";
import { targets } from "../../src/convert/target/targets.ts";
import { formats } from "../../src/formats.ts";
import { schemes } from "../../src/model/schemes.ts";
import { formatsText } from "../../src/report/formats.ts";
import { plain } from "../../src/report/style.ts";

const record = formatsRecord();
const text = formatsText(record, { paint: plain, width: 1000 });

test("every row of the table of formats is shown, as it is", () => {
  expect(record.formats.map(({ id }) => id)).toEqual(formats.map(({ id }) => id));
  for (const { id, title, read, write, to, example } of record.formats) {
    const row = formats.find((format) => format.id === id);
    expect([read, write]).toEqual([row?.read !== undefined, row?.write !== undefined]);
    expect(to.length > 0).toBe(write);
    for (const part of [id, title, example, ...to.map((target) => `--to ${target}`)]) expect(text).toContain(part);
  }
});

/** Modules below a folder of src/ that export `name`. */
function modules(folder: string, name: string): readonly string[] {
  const path = fileURLToPath(new URL(`../../src/${folder}/`, import.meta.url));
  const exported = new RegExp(`^export const ${name}\\b`, "m");
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts") && exported.test(readFileSync(`${path}${file}`, "utf8")));
}

/** The modules that rows of the table import, below a folder of src/. */
function imported(folder: string, rows: readonly unknown[]): ReadonlySet<string> {
  return new Set(
    rows.flatMap((load) => (load === undefined ? [] : [new RegExp(`${folder}/([\\w/-]+\\.ts)`).exec(String(load))?.[1] ?? "none"])),
  );
}

test("every reader, every writer, every target and every scheme has its row", () => {
  const reads = formats.map(({ read }) => read);
  expect(imported("readers", reads)).toEqual(new Set(modules("readers", "reader")));
  const writes = formats.map(({ write }) => write);
  expect(imported("writers", writes)).toEqual(new Set(modules("writers", "writer")));
  expect(new Set(record.formats.flatMap(({ to }) => to))).toEqual(new Set(targets.map(({ id }) => id)));
  expect(record.schemes.map(({ id }) => id)).toEqual(schemes.map(({ id }) => id));
  for (const { id, title } of record.schemes) expect([text.includes(id), text.includes(title)]).toEqual([true, true]);
  const known = new Set(formats.map(({ id }) => id));
  expect(record.schemes.flatMap(({ formats: home }) => home).filter((id) => !known.has(id))).toEqual([]);
});
