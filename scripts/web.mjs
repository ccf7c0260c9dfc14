/**
 * Makes the page that runs the library in a browser, twice: `dist/app.html`, one file that also works when it is opened from the disk, and
 * is in the package; and `dist/web/` for a server of static files: index.html with its script, its style, and its worker in pieces.
 *
 * The policy inside the page forbids it every request. The worker gets its script as a text, so that it has this policy too: one that
 * is loaded from an address has that of its address.
 *
 *     npm run build:web
 */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { makeAssets } from "./assets.mjs";
import { inputsOf } from "./library.mjs";
import { notices } from "./notices.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: "browser",
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  // The page does not offer --source: what reads Python is left out.
  external: ["./source/read-source.ts"],
};
const worker = "src/web/worker/main.ts";
const page = { ...shared, entryPoints: { page: "src/web/page/main.ts", style: "src/web/page/style.css" } };

/** Makes `dist/app.html`; paths of the files that went in. */
export async function buildApp() {
  const made = await build({ ...page, write: false, outdir: `${root}dist` });
  const [script, style] = [".js", ".css"].map((ending) => made.outputFiles.find(({ path }) => path.endsWith(ending)).text.trim());
  if (/<\/(script|style)|<!--/i.test(script + style)) throw new Error("the page's script or style would end its element");
  // A page from the disk can run no worker that is a module.
  const whole = await build({ ...shared, entryPoints: { worker }, format: "iife", write: false, outdir: `${root}dist` });
  const embedded = gzipSync(whole.outputFiles[0].contents, { level: 9 }).toString("base64");
  const inside = { script: `'${hash(script)}'`, style: `'${hash(style)}'`, worker: "blob:" };
  const scripts = `<script type="text/plain" id="worker">${embedded}</script>\n<script type="module">${script}</script>`;
  writeFileSync(`${root}dist/app.html`, html(inside, `<style>${style}</style>`, scripts));
  return [made, whole].flatMap(inputsOf);
}

async function buildSite() {
  const folder = `${root}dist/web`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const made = await build({ ...page, outdir: folder });
  const pieces = await build({ ...shared, entryPoints: { worker }, splitting: true, chunkNames: "pieces/[name]-[hash]", outdir: folder });
  const beside = { script: "'self'", style: "'self'", worker: "'self' blob:" };
  const [style, script] = [`<link rel="stylesheet" href="style.css">`, `<script type="module" src="page.js"></script>`];
  writeFileSync(`${folder}/index.html`, html(beside, style, script));
  writeFileSync(`${folder}/THIRD-PARTY-NOTICES.txt`, notices(root, [made, pieces].flatMap(inputsOf)));
}

function hash(text) {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function html(from, style, script) {
  const policy = [
    "default-src 'none'",
    "connect-src 'none'",
    // For the kernels, which are WebAssembly.
    `script-src ${from.script} 'wasm-unsafe-eval'`,
    `worker-src ${from.worker}`,
    `style-src ${from.style}`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join("; ")}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>vggtool</title>
${style}
</head>
<body>
<noscript><p>This page does its work with a script, which is switched off here.</p></noscript>
<svg id="drawing" hidden></svg>
${script}
</body>
</html>
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await makeAssets(root);
  await buildApp();
  await buildSite();
}
