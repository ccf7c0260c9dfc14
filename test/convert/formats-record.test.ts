import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { formatsRecord } from "../../src/convert/formats-record.ts";
import { targets } from "../../src/convert/targets.ts";
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

/** Names of the modules in a folder of src/. */
function modules(folder: string): readonly string[] {
  const path = fileURLToPath(new URL(`../../src/${folder}/`, import.meta.url));
  return readdirSync(path).flatMap((name) => (name.endsWith(".ts") ? [name.slice(0, -3)] : []));
}

test("every reader, every target and every scheme has its row", () => {
  const imported = (folder: string, rows: readonly unknown[]): readonly string[] =>
    rows.flatMap((load) => (load === undefined ? [] : [new RegExp(`${folder}/([\\w-]+)\\.ts`).exec(String(load))?.[1] ?? "none"]));
  expect(
    new Set(
      imported(
        "readers",
        formats.map(({ read }) => read),
      ),
    ),
  ).toEqual(new Set(modules("readers")));
  expect(
    imported(
      "writers",
      formats.map(({ write }) => write),
    ).filter((name) => !modules("writers").includes(name)),
  ).toEqual([]);
  expect(new Set(record.formats.flatMap(({ to }) => to))).toEqual(new Set(targets.map(({ id }) => id)));
  expect(record.schemes.map(({ id }) => id)).toEqual(schemes.map(({ id }) => id));
  for (const { id, title } of record.schemes) expect([text.includes(id), text.includes(title)]).toEqual([true, true]);
  const known = new Set(formats.map(({ id }) => id));
  expect(record.schemes.flatMap(({ formats: home }) => home).filter((id) => !known.has(id))).toEqual([]);
});
