/**
 * Makes the modules of `dist/assets/`, which the code imports as `#assets/…`: files of the repository as texts, for what runs without the
 * repository beside it. The build makes them; the tests build first.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

/** Module → its exports and the pages of the repository that they are the text of. */
const texts = {
  manual: { findingsPage: "docs/findings.md", errorsPage: "docs/errors.md" },
};

/** `root` ends with a slash. */
export async function makeAssets(root) {
  const folder = `${root}dist/assets`;
  mkdirSync(folder, { recursive: true });
  for (const [name, files] of Object.entries(texts)) {
    const exported = Object.entries(files).map(([key, file]) => constant(key, readFileSync(`${root}${file}`, "utf8")));
    writeFileSync(`${folder}/${name}.js`, exported.join(""));
    writeFileSync(
      `${folder}/${name}.d.ts`,
      Object.keys(files)
        .map((key) => `export declare const ${key}: string;\n`)
        .join(""),
    );
  }
}

function constant(name, text) {
  return `export const ${name} = ${JSON.stringify(text)};\n`;
}
