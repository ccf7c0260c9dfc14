import { parquetMetadata } from "hyparquet";
import { describe, expect, test } from "vitest";
import { openParquet, parquetBytes } from "../../src/catalogue/parquet.ts";
import { type CatalogueRow, type CatalogueTable, tablesOf } from "../../src/catalogue/schema.ts";
import { memorySource } from "../../src/io/source/memory.ts";

const { checkpoints, tensors } = tablesOf({ hash: true, stats: true });

function empty({ columns }: CatalogueTable): CatalogueRow {
  return Object.fromEntries(columns.map(({ name }) => [name, null]));
}

async function readBack(table: CatalogueTable, bytes: Uint8Array): Promise<readonly CatalogueRow[]> {
  const rows: CatalogueRow[] = [];
  for await (const group of (await openParquet(memorySource(bytes, "part.parquet"), table)).groups()) rows.push(...group);
  return rows;
}

describe("rows come back as they were written", () => {
  test("of checkpoints: texts, 64-bit integers, booleans, and lists of records", async () => {
    const rows: readonly CatalogueRow[] = [
      {
        ...empty(checkpoints),
        source: "/zoo/模型.pth",
        bytes: 553_000_000_000,
        classes: 2622,
        complete: false,
        findings: [{ code: "layers-missing", severity: "warning", message: "fc8 is missing" }],
        metadata: '{"a":1}',
      },
      { ...empty(checkpoints), source: "b", findings: [], parameters: 9_007_199_254_740_993n },
      { ...empty(checkpoints), source: "c" },
    ];
    expect(await readBack(checkpoints, parquetBytes(checkpoints, rows))).toEqual(rows);
  });

  test("of tensors: shapes, scalars, and numbers that are none", async () => {
    const rows: readonly CatalogueRow[] = [
      { ...empty(tensors), source: "a", name: "w", shape: [64, 3, 3, 3], bytes: 6912, min: -1.5, zeros: 0 },
      { ...empty(tensors), source: "a", name: "step", shape: [], mean: Number.NaN, max: Number.POSITIVE_INFINITY },
    ];
    expect(await readBack(tensors, parquetBytes(tensors, rows))).toEqual(rows);
  });

  test("none at all", async () => {
    expect(await readBack(tensors, parquetBytes(tensors, []))).toEqual([]);
  });
});

test("row groups are bounded, and the same rows give the same bytes", async () => {
  const rows = Array.from({ length: 600 }, (_, k) => ({ ...empty(checkpoints), source: `/zoo/${k}.pth`, bytes: k }));
  const bytes = parquetBytes(checkpoints, rows);
  const { row_groups } = parquetMetadata(new Uint8Array(bytes).buffer);
  expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([256, 256, 88]);
  expect(parquetBytes(checkpoints, rows)).toEqual(bytes);
  expect(await readBack(checkpoints, bytes)).toEqual(rows);
});

test("the columns of the issue, in their order and types", () => {
  const { schema } = parquetMetadata(new Uint8Array(parquetBytes(tensors, [])).buffer);
  const types = schema.filter(({ type }) => type !== undefined).map(({ name, type }) => `${name} ${type}`);
  expect(types.join(", ")).toBe(
    "source BYTE_ARRAY, name BYTE_ARRAY, role BYTE_ARRAY, body INT32, dtype BYTE_ARRAY, element INT64, bytes INT64, sha256 BYTE_ARRAY, " +
      "min DOUBLE, max DOUBLE, mean DOUBLE, std DOUBLE, zeros INT64, nan INT64, inf INT64",
  );
});

test.each([
  ["no Parquet", new TextEncoder().encode("<html>not a file</html>")],
  ["a cut file", parquetBytes(checkpoints, [{ ...empty(checkpoints), source: "a" }]).slice(0, 300)],
  ["another table", parquetBytes(tensors, [])],
])("%s is malformed", async (_, bytes) => {
  await expect(openParquet(memorySource(bytes, "part.parquet"), checkpoints)).rejects.toMatchObject({
    code: "malformed",
    where: { file: "part.parquet" },
  });
});
