/** The licence texts of what a bundle contains, package by package, from node_modules; a package without a text fails the build. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Folders of the packages that files of a bundle are from: the last `node_modules/NAME` of each path. */
function packagesOf(paths) {
  const folders = paths.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(folders)].sort();
}

function licenceOf(root, folder) {
  const { name, version, license, main = "index.js", module = main } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const text = files.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n");
  return { name, version, license, text: text || headOf(root, folder, [module, `${name}.js`], license) };
}

/** Some packages have their terms only at the head of their sources, where Apache-2.0 is named and its text left to a link. */
function headOf(root, folder, files, license) {
  const sources = files.map((file) => join(folder, file)).filter((file) => existsSync(file));
  const comments = sources.flatMap((file) => readFileSync(file, "utf8").match(/\/\*[\s\S]*?\*\//g) ?? []);
  const head = comments.find((comment) => /copyright/i.test(comment));
  if (head === undefined) throw new Error(`${folder} is in the bundle and has no licence text`);
  // long is Apache-2.0 too, and carries the text.
  return license === "Apache-2.0" ? `${head}\n\n${readFileSync(join(root, "node_modules/long/LICENSE"), "utf8").trim()}` : head;
}

/** `paths` from the root of the checkout, as esbuild's metafile names them. */
export function notices(root, paths) {
  const licences = packagesOf(paths).map((folder) => licenceOf(root, join(root, folder)));
  const head = "The command contains the following packages.\n";
  return `${head}${licences.map(({ name, version, license, text }) => `\n${"=".repeat(78)}\n${name} ${version}, ${license}\n\n${text}\n`).join("")}`;
}
