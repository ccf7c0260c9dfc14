import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { decode, encode } from "fast-png";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { report, verify } from "../../src/index.ts";
import { reportPage } from "../../src/report/page/page.ts";
import { hasBrowser, keepPicture, launchBrowser } from "../support/browser.ts";
import { PROCESS_TIMEOUT } from "../support/cli.ts";
import { fixtures } from "../support/paths.ts";

/*
 * Pages as they were when somebody looked at them: each screenshot in grey cells of 8 × 8 pixels, so that fonts of another machine make small
 * differences and a section that is gone, drawn over another or without its colours makes a large one.
 * VGGTOOL_UPDATE_SCREENSHOTS=1 takes them anew: look at them in VGGTOOL_SCREENSHOTS before you keep them.
 */

const kept = join(fixtures, "screenshots");
const CELL = 8;
/** Grey levels by which a cell may differ, and the share of cells that may differ by more. */
const LEVELS = 40;
const SHARE = 0.01;
/** Lines break elsewhere with other fonts: the share of its height by which a page may be longer or shorter. */
const HEIGHT = 0.05;

interface Grey {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The mean of each cell; what is left of a cell at the edges is dropped. */
function cells(png: Uint8Array): Grey {
  const { width, height, channels, data } = decode(png);
  const [columns, rows] = [Math.floor(width / CELL), Math.floor(height / CELL)];
  const sums = new Float64Array(columns * rows);
  for (let y = 0; y < rows * CELL; y++) {
    for (let x = 0; x < columns * CELL; x++) {
      const at = (y * width + x) * channels;
      const grey = ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0)) / 3;
      const cell = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
      sums[cell] = (sums[cell] ?? 0) + grey;
    }
  }
  return { width: columns, height: rows, data: Uint8Array.from(sums, (sum) => Math.round(sum / CELL ** 2)) };
}

/** The share of cells, of those that both have, that differ. */
function difference(a: Grey, b: Grey): number {
  const rows = Math.min(a.height, b.height);
  let count = 0;
  for (let at = 0; at < rows * a.width; at++) if (Math.abs((a.data[at] ?? 0) - (b.data[at] ?? 0)) > LEVELS) count += 1;
  return count / (rows * a.width);
}

function keptCells(path: string): Grey {
  const { width, height, data } = decode(readFileSync(path));
  return { width, height, data: Uint8Array.from(data) };
}

describe.skipIf(!hasBrowser)("pages that were looked at", { timeout: PROCESS_TIMEOUT }, () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vggtool-browser-"));
    browser = await launchBrowser();
  }, PROCESS_TIMEOUT);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  // A page names its files as they were named: the same in every checkout.
  const near = (name: string): string => relative(process.cwd(), join(fixtures, name));
  const vgg16 = near("interop/vgg16.pth");
  const question = near("demo/vgg_face_question.pdparams");
  const pages: readonly (readonly [name: string, scheme: "light" | "dark", html: () => Promise<string>])[] = [
    ["vgg16", "light", async () => reportPage(await report(vgg16))],
    ["missing", "dark", async () => reportPage(await report(question))],
    ["compared", "light", async () => reportPage(await report(vgg16, { other: near("demo/vgg_16.ckpt"), to: "keras" }))],
    [
      "run",
      "light",
      async () => {
        const html = join(folder, "written.html");
        await verify(near("demo/vgg_face.mat"), { other: vgg16, inputSize: [64, 96], seeds: [0, 1], top: 3, html });
        return readFileSync(html, "utf8");
      },
    ],
  ];

  test.each(pages)("%s (%s) at 400, 800 and 1400 pixels", async (name, colorScheme, html) => {
    const path = join(folder, `${name}.html`);
    // The time that a run took is another each time.
    writeFileSync(path, (await html()).replace(/, \d[\d.]* m?s"/, ', 1 s"'));
    const page = await browser.newPage({ colorScheme });
    await page.goto(pathToFileURL(path).href);
    for (const width of [400, 800, 1400]) {
      await page.setViewportSize({ width, height: 900 });
      const png = await page.screenshot({ fullPage: true });
      const now = cells(png);
      const file = join(kept, `${name}-${width}.png`);
      await keepPicture(page, `${name}-${width}`);
      if (process.env.VGGTOOL_UPDATE_SCREENSHOTS !== undefined) {
        mkdirSync(kept, { recursive: true });
        writeFileSync(file, encode({ ...now, channels: 1, depth: 8 }));
      }
      const then = keptCells(file);
      expect(Math.abs(now.height - then.height), `height of ${name} at ${width}`).toBeLessThanOrEqual(HEIGHT * then.height);
      expect(difference(then, now), `${name} at ${width}`).toBeLessThan(SHARE);
    }
    await page.close();
  });

  test("a page without one of its sections is not the page that was looked at", async () => {
    const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
    const path = join(folder, "without.html");
    writeFileSync(path, reportPage(await report(vgg16)));
    await page.goto(pathToFileURL(path).href);
    await page.evaluate('document.querySelector("#sheet").style.visibility = "hidden"');
    const now = cells(await page.screenshot({ fullPage: true }));
    expect(difference(keptCells(join(kept, "vgg16-800.png")), now)).toBeGreaterThan(SHARE);
    await page.close();
  });
});
