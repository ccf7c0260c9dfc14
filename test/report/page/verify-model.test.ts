import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { verify } from "../../../src/index.ts";
import { verifyData } from "../../../src/report/page/verify-model.ts";
import { fixtures } from "../../support/paths.ts";

const face = join(fixtures, "demo", "vgg_face.mat");

test("a run that is compared: every layer with its range and its error, the classes, and the verdict", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vggtool-run-"));
  const html = join(folder, "run.html");
  const record = await verify(face, { other: face, top: 2, html });
  const data = verifyData(record);
  expect(data.verdict).toEqual({ good: true, text: "Every layer agrees within the tolerance." });
  expect(data.layers?.rows.map(({ name }) => name)).toEqual(record.layers.map(({ role }) => role));
  expect(data.layers?.rows[0]).toMatchObject({ name: "conv1_1", maxAbs: 0, maxRel: 0, pass: true, notFinite: 0 });
  expect(data.top).toHaveLength(1);
  expect(data.top[0]?.rows.map(({ rank }) => rank)).toEqual([1, 2]);
  expect(existsSync(html) && readFileSync(html, "utf8")).toContain('id="data"');
  await expect(verify(face, { other: face, html })).rejects.toMatchObject({ code: "usage" });
  rmSync(folder, { recursive: true });
}, 60_000);

test("a run alone has no verdict", async () => {
  const data = verifyData(await verify(face));
  expect([data.verdict, data.layers?.compared]).toEqual([undefined, false]);
}, 60_000);
