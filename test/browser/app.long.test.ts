import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert, findCheckpoints, inspect, serveApp } from "../../src/index.ts";
import { toJson } from "../../src/report/json.ts";
import { fitsWidths, hasBrowser, keepPicture, launchBrowser, violations, type Watched, watchedPage } from "../support/browser.ts";
import { PROCESS_TIMEOUT, root } from "../support/cli.ts";
import { expectedCases } from "../support/golden.ts";
import { hostileCheckpoint } from "../support/hostile-names.ts";
import { fixtures, golden } from "../support/paths.ts";
import { type Served, serveFolder } from "../support/serve-folder.ts";

/*
 * The page as a person has it: Debian's Chromium, the files of the build, files that are chosen or dropped. VGGTOOL_GOLDENS=all opens every
 * golden and every hostile file, a twentieth of them otherwise; VGGTOOL_SCREENSHOTS names a folder for pictures.
 */

const web = join(root, "dist", "web");
const whole = pathToFileURL(join(root, "dist", "app.html")).href;
const every = process.env.VGGTOOL_GOLDENS === "all" ? 1 : 20;

describe.skipIf(!hasBrowser)("the page", { timeout: PROCESS_TIMEOUT }, () => {
  let browser: Browser;
  let folder: string;
  let served: Served;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "vggtool-app-"));
    execFileSync("npm", ["run", "--silent", "build:web"], { cwd: root });
    served = await serveFolder(web);
    browser = await launchBrowser();
  }, PROCESS_TIMEOUT);
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function opened(address: string): Promise<Watched> {
    return watchedPage(browser, address, (url) => url === address || url.startsWith(served.address) || url.startsWith("blob:"));
  }

  /** Gives the page files, and waits until it has looked at them. */
  async function give(page: Page, files: readonly string[]): Promise<void> {
    await page
      .locator("input[type=file]")
      .first()
      .setInputFiles([...files]);
    await idle(page);
  }

  async function idle(page: Page): Promise<void> {
    // Not by waitForFunction: the page's policy lets no text be run.
    await page.waitForSelector("progress[hidden]", { state: "attached" });
  }

  const failure = (page: Page): Promise<string | null> => page.locator("[role=alert]").textContent();

  /** The JSON that the page shows, without what names the files. */
  async function shownJson(page: Page): Promise<string> {
    await page.getByRole("button", { name: "Show JSON" }).click();
    return withoutFiles((await page.locator("#json").textContent()) ?? "");
  }

  /** The same text but for the first "file" and the first "files". */
  const withoutFiles = (json: string): string =>
    json.replace(/"file":"(?:[^"\\]|\\.)*"/, '"file":""').replace(/"files":\[(?:"(?:[^"\\]|\\.)*",?)*\]/, '"files":[]');

  const vgg16 = join(fixtures, "interop", "vgg16.pth");
  const slim = join(fixtures, "demo", "vgg_16.ckpt");
  const slimFiles = readdirSync(dirname(slim))
    .filter((name) => name.startsWith("vgg_16.ckpt"))
    .map((name) => join(dirname(slim), name));

  test.each([
    ["from a server, in pieces", () => served.address],
    ["from the disk, as one file", () => whole],
  ])("%s: look, read all values, compare, convert", async (name, address) => {
    const { page, asked, wrong } = await opened(address());
    expect(await violations(page)).toEqual([]);
    await give(page, [vgg16, ...slimFiles]);
    expect(await page.locator(".found button").allTextContents()).toEqual(["vgg16.pth", "vgg_16.ckpt.index"]);
    expect(await page.locator("#checkpoint-title").textContent()).toBe("vgg16.pth");
    expect(await page.locator("#tensors tbody tr").count()).toBe(32);
    expect(await violations(page)).toEqual([]);
    expect(await shownJson(page)).toBe(withoutFiles(toJson(await inspect(vgg16))));
    await page.getByRole("button", { name: "Read all values" }).click();
    await page.waitForSelector("#filters");
    await page.getByLabel("Compare with").selectOption({ label: "vgg_16.ckpt.index" });
    await page.waitForSelector("#comparison");
    expect(await failure(page)).toBe("");
    expect(await page.locator("#comparison .good").first().textContent()).toMatch(/^Equal to/);
    await page.getByLabel("Convert to").selectOption("safetensors");
    await page.getByRole("button", { name: "Convert", exact: true }).click();
    await page.waitForSelector("#made-title");
    const out = join(folder, `${name.length}.safetensors`);
    await convert(vgg16, { to: "safetensors", out });
    expect(digest(await saved(page))).toBe(digest(readFileSync(out)));
    expect({ asked, wrong, found: await violations(page) }).toEqual({ asked: [], wrong: [], found: [] });
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await violations(page)).toEqual([]);
    await fitsWidths(page, async (width) => {
      await page.emulateMedia({ colorScheme: width === 800 ? "dark" : "light" });
      await keepPicture(page, `app-${name.length}-${width}`);
    });
    await page.close();
  });

  /** The file that the page offers. */
  async function saved(page: Page): Promise<Uint8Array> {
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("a.save").click()]);
    return readFileSync(await download.path());
  }

  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

  test("files that are dropped are taken, wherever on the page", async () => {
    const { page } = await opened(whole);
    const bytes = readFileSync(vgg16).toString("base64");
    await page.evaluate(`{
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(atob("${bytes}"), (c) => c.charCodeAt(0))], "dropped.pth"));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }`);
    await page.waitForSelector("#checkpoint-title");
    expect(await page.locator("#checkpoint-title").textContent()).toBe("dropped.pth");
    await page.getByRole("button", { name: "Forget all" }).click();
    await page.waitForSelector("#checkpoint-title", { state: "detached" });
    await page.close();
  });

  test("nothing can be asked of anybody, neither by the page nor by its worker", async () => {
    for (const address of [served.address, whole]) {
      const { page } = await opened(address);
      await give(page, [vgg16]);
      const attempt = `fetch("${served.address}index.html").then(() => "came through", () => "refused")`;
      expect(await page.evaluate(attempt)).toBe("refused");
      expect(await page.workers()[0]?.evaluate(attempt)).toBe("refused");
      expect(
        await page.evaluate(
          `new Promise((resolve) => { const image = new Image(); image.onload = () => resolve("came through"); image.onerror = () => resolve("refused"); image.src = "${served.address}index.html"; })`,
        ),
      ).toBe("refused");
      await page.close();
    }
  });

  test("vggtool serve gives the page a folder, which it reads by parts, and may ask nobody else", async () => {
    const { address, close } = await serveApp(join(fixtures, "demo"));
    try {
      const { page, asked, wrong } = await opened(address);
      await idle(page);
      await page.waitForSelector("#checkpoint-title");
      expect(await page.locator(".found button").allTextContents()).toEqual(
        (await findCheckpoints([join(fixtures, "demo")])).checkpoints.map(({ place }) => place),
      );
      await page.locator(".found button", { hasText: "vgg_face.mat" }).click();
      await idle(page);
      expect(await shownJson(page)).toBe(withoutFiles(toJson(await inspect(join(fixtures, "demo", "vgg_face.mat")))));
      expect({ asked: asked.filter((each) => !each.startsWith(address)), wrong, found: await violations(page) }).toEqual({
        asked: [],
        wrong: [],
        found: [],
      });
      expect(await page.workers()[0]?.evaluate(`fetch("${served.address}index.html").then(() => "came through", () => "refused")`)).toBe(
        "refused",
      );
      await page.close();
    } finally {
      await close();
    }
  });

  test("what is damaged is said, with what to do", async () => {
    const { page } = await opened(whole);
    const cut = join(folder, "cut.pth");
    writeFileSync(cut, readFileSync(vgg16).subarray(0, 30_000));
    await give(page, [cut]);
    const error = await inspect(cut).then(String, (thrown: unknown) => (thrown instanceof Error ? thrown.message : ""));
    expect(error).toContain((await page.locator("[role=alert] .error").textContent())?.replace("cut.pth: ", "") ?? "nothing");
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test("names that are markup, control characters or ten megabytes are text", async () => {
    const { page, asked, wrong } = await opened(whole);
    const hostile = join(folder, "<img src=x onerror=document.title='ran'>.safetensors");
    writeFileSync(hostile, hostileCheckpoint());
    await give(page, [hostile]);
    await page.getByRole("button", { name: "Read all values" }).click();
    await idle(page);
    expect(await page.locator("#tensors tbody tr").count()).toBe(8);
    expect(await page.title()).toBe("vggtool");
    expect({ asked, wrong, found: await violations(page) }).toEqual({ asked: [], wrong: [], found: [] });
    await page.close();
  });

  test("a sparse file of 20 GB is listed within 2 s", async () => {
    const large = join(folder, "large.safetensors");
    const [header, size] = [
      Buffer.from(JSON.stringify({ "features.0.weight": { dtype: "F32", shape: [5_000_000, 1000], data_offsets: [0, 20_000_000_000] } })),
      20_000_000_000,
    ];
    const file = openSync(large, "w");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeSync(file, Buffer.concat([length, header]));
    ftruncateSync(file, 8 + header.length + size);
    closeSync(file);
    const { page } = await opened(whole);
    await give(page, [vgg16]);
    await page.getByRole("button", { name: "Forget all" }).click();
    const started = performance.now();
    await give(page, [large]);
    const seconds = (performance.now() - started) / 1000;
    expect(await page.locator("#tensors tbody tr").count()).toBe(1);
    expect(seconds).toBeLessThan(2);
    await page.close();
  });

  test.skipIf(golden === undefined)(
    "the JSON of the goldens is the command's, but for the names of files",
    async () => {
      const cases = expectedCases(golden ?? "").filter((_, k) => k % every === 0);
      const { page, wrong } = await opened(whole);
      const differing: string[] = [];
      let compared = 0;
      for (const { arch, name, folder: place, path } of cases) {
        if (!existsSync(path) || statSync(path).isDirectory()) continue;
        await page.getByRole("button", { name: "Forget all" }).click();
        await give(page, filesBelow(place));
        const row = page.locator(`.found li[data-source="${relative(place, path)}"] button`);
        if ((await row.count()) === 0) continue;
        await row.click();
        await idle(page);
        compared += 1;
        const expected = withoutFiles(toJson(await inspect(path)));
        if ((await shownJson(page)) !== expected) differing.push(`${arch}/${name}`);
      }
      expect({ differing, wrong }).toEqual({ differing: [], wrong: [] });
      expect(compared).toBeGreaterThan(cases.length / 2);
      await page.close();
    },
    3_600_000,
  );

  function filesBelow(place: string): readonly string[] {
    return readdirSync(place, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^expected.*\.json$|\.md$/.test(entry.name))
      .map((entry) => join(place, entry.name));
  }

  test("what a visit loads is at most 250 kB compressed", async () => {
    served.sent.clear();
    const { page } = await opened(served.address);
    await give(page, [vgg16]);
    await page.getByRole("button", { name: "Read all values" }).click();
    await page.waitForSelector("#filters");
    const sizes = [...served.sent].map((name) => gzipSync(readFileSync(join(web, name))).length);
    const all = sizes.reduce((sum, size) => sum + size, 0);
    expect({ files: sizes.length, all }).toMatchObject({ all: expect.any(Number) });
    expect(all).toBeLessThan(250_000);
    await page.close();
  });
});
