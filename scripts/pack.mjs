/**
 * Packs what users install: the built files under a manifest without scripts that run on their machines, and a list of everything
 * inside (CycloneDX, from `npm sbom`). Two builds of one commit give the same bytes; `--check` makes two and compares them.
 *
 *     node scripts/pack.mjs [--out FOLDER] [--check]
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string", default: root }, check: { type: "boolean" } } });
/** Of the scripts: what a user runs. `prepare` would run at an installation from an address. */
const keptScripts = ["demo"];

function npm(args, cwd) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "inherit"] });
}

/** Without scripts that npm runs by itself, and without what only this checkout needs. */
function publishedManifest() {
  const { devDependencies, ...manifest } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const scripts = Object.fromEntries(Object.entries(manifest.scripts).filter(([name]) => keptScripts.includes(name)));
  return `${JSON.stringify({ ...manifest, scripts }, null, 2)}\n`;
}

/** The tarball's name in `folder`. */
function pack(folder) {
  npm(["run", "--silent", "build"], root);
  const stage = mkdtempSync(join(tmpdir(), "vggtool-pack-"));
  const [{ files }] = JSON.parse(npm(["pack", "--dry-run", "--json", "--ignore-scripts"], root));
  for (const { path } of files) {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    cpSync(join(root, path), join(stage, path));
  }
  writeFileSync(join(stage, "package.json"), publishedManifest());
  const [{ filename }] = JSON.parse(npm(["pack", "--json", "--ignore-scripts"], stage));
  renameSync(join(stage, filename), join(folder, filename));
  rmSync(stage, { recursive: true, force: true });
  return filename;
}

/** What npm says of the packages that the notices name: the files that are packed have those inside, and need no others. */
function billOfMaterials() {
  const notices = readFileSync(join(root, "dist", "THIRD-PARTY-NOTICES.txt"), "utf8");
  const inside = new Set([...notices.matchAll(/^={78}\n(\S+) (\S+), /gm)].map(([, name, version]) => `${name}@${version}`));
  const bill = JSON.parse(npm(["sbom", "--sbom-format=cyclonedx"], root));
  const nameOf = ({ group, name, version }) => `${group === undefined ? "" : `${group}/`}${name}@${version}`;
  const components = bill.components.filter((component) => inside.has(nameOf(component)));
  const kept = new Set([bill.metadata.component["bom-ref"], ...components.map((component) => component["bom-ref"])]);
  const dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  return `${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`;
}

const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

const out = values.check ? mkdtempSync(join(tmpdir(), "vggtool-pack-")) : values.out;
const name = pack(out);
const sum = digest(join(out, name));
if (values.check) {
  pack(out);
  const again = digest(join(out, name));
  rmSync(out, { recursive: true, force: true });
  if (again !== sum) throw new Error(`two builds differ: ${sum} and ${again}`);
} else {
  writeFileSync(join(out, "sbom.cdx.json"), billOfMaterials());
}
console.log(`${sum}  ${name}${values.check ? ", twice" : ""}`);
