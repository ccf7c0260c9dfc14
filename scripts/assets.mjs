/**
 * Makes the modules of `dist/assets/`, which the code imports as `#assets/…`: files of the repository as texts, for what runs without the
 * repository beside it. The build makes them; the tests build first.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

/** `root` ends with a slash. */
export async function makeAssets(root) {
  const folder = `${root}dist/assets`;
  mkdirSync(folder, { recursive: true });
  const text = (path) => readFileSync(root + path, "utf8");
  write(folder, "manual", { findingsPage: text("docs/findings.md"), errorsPage: text("docs/errors.md") });
  write(folder, "page", await pageAssets(root));
  write(folder, "helper", { helper: await helperAsset(root) });
}

/** What a helper thread runs (src/library/threads). */
async function helperAsset(root) {
  const { outputFiles } = await build({
    entryPoints: [`${root}src/library/threads/helper.ts`],
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    charset: "ascii",
    legalComments: "none",
    // node:module's createRequire, which CommonJS has by itself.
    banner: { js: 'const helperUrl="file:///";' },
    define: { "import.meta.url": "helperUrl" },
  });
  return outputFiles[0].text.trim();
}

/** What a report runs and looks like (src/report/page): script and style as one text each, and the hashes by which its policy lets them in. */
async function pageAssets(root) {
  const bundled = async (entry) => {
    const { outputFiles } = await build({
      entryPoints: [`${root}src/report/page/${entry}`],
      bundle: true,
      minify: true,
      write: false,
      format: "iife",
      target: "es2022",
      charset: "ascii",
      legalComments: "none",
    });
    const text = outputFiles[0].text.trim();
    // It becomes the text of an element.
    if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${entry} would end its element`);
    return text;
  };
  const [script, style] = [await bundled("script/main.ts"), await bundled("style.css")];
  const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;
  return { script, style, scriptHash: hash(script), styleHash: hash(style) };
}

function write(folder, name, texts) {
  const each = (line) => Object.entries(texts).map(line).join("");
  writeFileSync(
    `${folder}/${name}.js`,
    each(([key, text]) => `export const ${key} = ${JSON.stringify(text)};\n`),
  );
  writeFileSync(
    `${folder}/${name}.d.ts`,
    each(([key]) => `export declare const ${key}: string;\n`),
  );
}
