import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** Debian's; without it there is nothing to test with. */
const executablePath = "/usr/bin/chromium";

export const hasBrowser = existsSync(executablePath);

/** Screenshots stay where this names a folder. */
const shots = process.env.VGGTOOL_SCREENSHOTS;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

export interface Watched {
  readonly page: Page;
  /** Addresses that something was asked of, beside the page's own. */
  readonly asked: string[];
  readonly wrong: string[];
}

/** Opens a page; what it asks for beside what is its own, and what goes wrong in it, is kept. */
export async function watchedPage(browser: Browser, address: string, isOwn: (url: string) => boolean, width = 1400): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  const [asked, wrong]: [string[], string[]] = [[], []];
  page.on("request", (request) => {
    if (!isOwn(request.url())) asked.push(request.url());
  });
  page.on("console", (message) => wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(address);
  return { page, asked, wrong };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds; its own script is not the page's, and is let in past the policy by the debugger. */
export async function violations(page: Page): Promise<readonly string[]> {
  const found: unknown = await page.evaluate(
    `${axe};axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + " " + nodes.map(({ html }) => html.slice(0, 100)).join(" ")))`,
  );
  return Array.isArray(found) ? found.map(String) : ["axe gave no list"];
}

/** Has a page fit windows of 400, 800 and 1400 pixels; `look` may take its picture at each. */
export async function fitsWidths(page: Page, look: (width: number) => Promise<void>): Promise<void> {
  for (const width of [400, 800, 1400]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await page.evaluate("document.documentElement.scrollWidth"), `no wider than ${width}`).toBeLessThanOrEqual(width);
    await look(width);
  }
}

/** Keeps a picture of the whole page where VGGTOOL_SCREENSHOTS names a folder. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}
