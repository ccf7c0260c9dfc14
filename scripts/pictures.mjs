/**
 * Makes the pictures of README.md anew, of what the built command prints and of the page that it writes.
 *
 *     npm run build && node scripts/pictures.mjs      (Chromium from /usr/bin/chromium, or from CHROMIUM)
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "vggtool-pictures-"));

/** The command in a folder that holds nothing but the file, as somebody who has just downloaded it runs it. */
function printed(...args) {
  const run = spawnSync(process.execPath, [join(root, "bin", "vggtool"), ...args], {
    cwd: work,
    encoding: "utf8",
    env: { ...process.env, COLUMNS: "100" },
  });
  if (run.status === 2) throw new Error(run.stderr);
  return run.stdout;
}

/** Colours of SGR codes on a dark ground: bold, faint, red, green, yellow, blue, cyan, and the end of each. */
const styles = {
  1: "font-weight:700",
  2: "opacity:.6",
  31: "color:#ff7b72",
  32: "color:#7ee787",
  33: "color:#e3b341",
  34: "color:#79c0ff",
  36: "color:#76e3ea",
};

function html(text) {
  const safe = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return safe.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[(\\d+)m`, "g"), (_, code) =>
    styles[code] === undefined ? "</span>" : `<span style="${styles[code]}">`,
  );
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  copyFileSync(join(root, "fixtures", "demo", "vgg_face_question.pdparams"), join(work, "vgg_face_question.pdparams"));
  const page = await browser.newPage({ viewport: { width: 880, height: 400 }, deviceScaleFactor: 1 });
  const said = html(printed("inspect", "vgg_face_question.pdparams", "--color", "always"));
  await page.setContent(
    `<body style="margin:0;background:#0d1117;color:#e6edf3"><pre style="margin:0;padding:16px;font:13px/1.4 'DejaVu Sans Mono',monospace"><span style="opacity:.6">$</span> vggtool inspect vgg_face_question.pdparams\n${said}</pre>`,
  );
  await page.screenshot({ path: join(root, "docs", "images", "terminal.png"), fullPage: true });
  printed("report", "vgg_face_question.pdparams", "-o", "page.html");
  await page.setViewportSize({ width: 900, height: 760 });
  await page.goto(pathToFileURL(join(work, "page.html")).href);
  await page.screenshot({ path: join(root, "docs", "images", "report.png") });
} finally {
  await browser.close();
  rmSync(work, { recursive: true });
}
