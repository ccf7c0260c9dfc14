/** The licence texts of what a bundle contains, package by package, from node_modules; a package without a text fails the build. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Folders of the packages that files of a bundle are from: the last `node_modules/NAME` of each path. */
function packagesOf(paths) {
  const folders = paths.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(folders)].sort();
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} is in the bundle and has no licence text`);
  return { name, version, license, text: files.map((file) => readFileSync(join(folder, file), "utf8").trim()).join("\n\n") };
}

/** `paths` from the root of the checkout, as esbuild's metafile names them. */
export function notices(root, paths) {
  const licences = packagesOf(paths).map((folder) => licenceOf(join(root, folder)));
  const head = "The command contains the following packages.\n";
  return `${head}${licences.map(({ name, version, license, text }) => `\n${"=".repeat(78)}\n${name} ${version}, ${license}\n\n${text}\n`).join("")}`;
}
