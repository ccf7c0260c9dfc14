import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { report, verify } from "../../src/index.ts";
import { reportPage, verifyPage } from "../../src/report/page/page.ts";
import { fitsWidths, hasBrowser, keepPicture, launchBrowser, violations, type Watched, watchedPage } from "../support/browser.ts";
import { PROCESS_TIMEOUT } from "../support/cli.ts";
import { expectedCases } from "../support/golden.ts";
import { hostileCheckpoint } from "../support/hostile-names.ts";
import { fixtures, golden } from "../support/paths.ts";

/** All goldens and hostile files, not a sample: minutes. */
const every = process.env.VGGTOOL_EVERY_PAGE !== undefined;

describe.skipIf(!hasBrowser)("a report in a browser", { timeout: PROCESS_TIMEOUT }, () => {
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

  /** Opens a page from the disk, which is all that is its own. */
  function opened(name: string, html: string): Promise<Watched> {
    const path = join(folder, `${name}.html`);
    writeFileSync(path, html);
    const own = pathToFileURL(path).href;
    return watchedPage(browser, own, (url) => url === own);
  }

  const vgg16 = join(fixtures, "interop", "vgg16.pth");
  const cases: readonly (readonly [name: string, html: () => Promise<string>])[] = [
    ["vgg16", async () => reportPage(await report(vgg16))],
    ["compared", async () => reportPage(await report(vgg16, { other: join(fixtures, "demo", "vgg_16.ckpt"), to: "keras" }))],
    ["run", async () => verifyPage(await verify(join(fixtures, "demo", "vgg_face.mat"), { other: vgg16, inputSize: [64, 96], top: 3 }))],
    ["hostile", async () => reportPage(await report(hostileCheckpoint()))],
    ["missing", async () => reportPage(await report(join(fixtures, "demo", "vgg_face_question.pdparams")))],
  ];

  test.each(cases)("%s: asks for nothing, and axe finds nothing, in light and dark", async (name, html) => {
    const { page, asked, wrong } = await opened(name, await html());
    expect(await page.title()).toMatch(/vggtool report$/);
    expect({ asked, wrong, found: await violations(page) }).toEqual({ asked: [], wrong: [], found: [] });
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await violations(page)).toEqual([]);
    await fitsWidths(page, (width) => keepPicture(page, `${name}-${width}`));
    await page.close();
  });

  test("the policy of the page stops a script that is not its own", async () => {
    const html = reportPage(await report(vgg16)).replace("</body>", "<script>document.title='ran'</script></body>");
    const { page, wrong } = await opened("other-script", html);
    expect(await page.title()).not.toBe("ran");
    expect(wrong.join()).toContain("Content Security Policy");
    await page.close();
  });

  test("the table is sorted and filtered, also by keyboard", async () => {
    const { page } = await opened("table", reportPage(await report(vgg16)));
    const names = (): Promise<readonly string[]> => page.locator("#tensors tbody button").allTextContents();
    expect(await names()).toHaveLength(32);
    await page.getByRole("button", { name: "Values" }).click();
    await page.getByRole("button", { name: "Values" }).click();
    expect((await names())[0]).toBe("classifier.0.weight");
    expect(await page.locator("#tensors th[aria-sort]").getAttribute("aria-sort")).toBe("descending");
    await page.locator("#tensors input").fill("fc7");
    expect(await names()).toEqual(["classifier.3.weight", "classifier.3.bias"]);
    await page.locator("#tensors input").fill("features.0.");
    await page.getByRole("button", { name: "features.0.weight" }).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    expect(await page.locator("#tensors dl dt").allTextContents()).toEqual(["1 %", "5 %", "25 %", "median", "75 %", "95 %", "99 %"]);
    await page.keyboard.press("Enter");
    expect(await page.locator("#tensors dl").count()).toBe(0);
    await page.close();
  });

  test("with the channels the other way round, the sheet exchanges red and blue", async () => {
    const { page } = await opened("sheet", reportPage(await report(vgg16)));
    const pixel = (): Promise<unknown> =>
      page.evaluate('Array.from(document.querySelector("#sheet canvas").getContext("2d").getImageData(2, 2, 1, 1).data.slice(0, 3))');
    await page.getByLabel("Drawn as").selectOption("rgb");
    const before = await pixel();
    await page.getByLabel("Drawn as").selectOption("bgr");
    expect(await pixel()).toEqual(Array.isArray(before) ? before.toReversed() : []);
    await page.close();
  });

  /** Goldens of all kinds, hosts among them, and every hostile file that is opened at all. */
  function everyFile(root: string): readonly string[] {
    const hostile = join(root, "hostile");
    const bad = readdirSync(hostile).filter((name) => !/\.(json|md)$/.test(name));
    return [...expectedCases(root).map(({ path }) => path), ...bad.map((name) => join(hostile, name))];
  }

  test.skipIf(golden === undefined)(
    "goldens and hostile files: each page asks for nothing and has no error",
    async () => {
      const all = everyFile(golden ?? "");
      const paths = every ? all : all.filter((_, k) => k % 23 === 0);
      let shown = 0;
      for (const path of paths) {
        const found = await report(path).catch((error: unknown) => {
          if (!isCheckpointError(error)) throw error;
          return undefined;
        });
        if (found === undefined) continue;
        shown += 1;
        const { page, asked, wrong } = await opened(`file-${shown}`, reportPage(found));
        expect({ path, asked, wrong }).toEqual({ path, asked: [], wrong: [] });
        expect(await page.locator("h2").count(), path).toBeGreaterThan(0);
        await page.close();
        rmSync(join(folder, `file-${shown}.html`));
      }
      if (every) console.log(`${shown} pages of ${paths.length} files`);
      expect(shown).toBeGreaterThan(paths.length / 2);
    },
    3_600_000,
  );
});
