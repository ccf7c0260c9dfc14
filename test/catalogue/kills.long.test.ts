import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type CatalogueRow, catalogue, queryCatalogue } from "../../src/index.ts";
import { PROCESS_TIMEOUT, root, vggtool } from "../support/cli.ts";
import { isRecord } from "../support/golden.ts";
import { fixtures } from "../support/paths.ts";
import { Random } from "../support/random.ts";

/** The figures of bench/results.md were taken with 50. */
const kills = Number(process.env.VGGTOOL_CATALOGUE_KILLS ?? 4);

const folder = mkdtempSync(join(tmpdir(), "vggtool-catalogue-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function rowsOf(zoo: string, tensors: boolean): Promise<readonly CatalogueRow[]> {
  const rows: CatalogueRow[] = [];
  for await (const row of queryCatalogue(zoo, { tensors })) rows.push(row);
  // Tensors stay in the order of their file.
  return rows.toSorted((a, b) => (String(a.source) < String(b.source) ? -1 : String(a.source) > String(b.source) ? 1 : 0));
}

/** Runs the command, and kills it after some milliseconds where it has not ended. */
function killed(args: readonly string[], after: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, "bin", "vggtool"), ...args], { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), after);
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

test(
  `after ${kills} kills at random moments, with sources that come and change, the next run has the same rows as one that was left alone`,
  async () => {
    const random = new Random(20261128);
    const models = join(folder, "models");
    const zoo = join(folder, "zoo");
    mkdirSync(models);
    const originals = ["interop/vgg16.pth", "demo/vgg_face.mat", "demo/vgg16.pdparams"].map((name) => join(fixtures, name));
    const args = ["catalogue", models, "-o", zoo, "--record-errors", "--quiet"];
    const started = performance.now();
    writeFileSync(join(models, "broken.pth"), "");
    await killed(args, 1e9);
    const alone = performance.now() - started;
    for (let k = 0; k < kills; k++) {
      for (let n = 0; n < 20; n++) copyFileSync(random.pick(originals), join(models, `${k}-${n}.pth`));
      // Another file under a name that the catalogue knows, at another time.
      const changed = join(models, random.pick(readdirSync(models).filter((name) => name !== "broken.pth")));
      copyFileSync(random.pick(originals), changed);
      utimesSync(changed, 1_000_000 + k, 1_000_000 + k);
      await killed(args, random.next() * alone * 2);
      // Whatever counts can be read, and nothing half.
      expect(new Set((await rowsOf(zoo, false)).map(({ source }) => source)).size).toBeGreaterThan(0);
    }
    expect(await vggtool(args)).toMatchObject({ code: 0, stderr: "" });
    const untouched = join(folder, "untouched");
    await catalogue([models], { out: untouched });
    const rows = await rowsOf(zoo, false);
    expect(rows).toHaveLength(20 * kills + 1);
    expect(rows).toEqual(await rowsOf(untouched, false));
    expect(await rowsOf(zoo, true)).toEqual(await rowsOf(untouched, true));
    // Nothing is left but what the manifest names.
    const manifest: unknown = JSON.parse(readFileSync(join(zoo, "manifest.json"), "utf8"));
    const parts = isRecord(manifest) && Array.isArray(manifest.parts) ? manifest.parts.length : 0;
    expect(readdirSync(zoo)).toHaveLength(3 * parts + 1);
  },
  PROCESS_TIMEOUT + kills * 20_000,
);
