import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vggtool-interop");

/** The Python of an environment with the pinned requirements of `requirements-<name>.txt`. */
export function environmentPython(name) {
  const folder = environment(name, [`requirements-${name}.txt`], (place, [requirements]) => {
    must("python3", ["-m", "venv", place]);
    must(join(place, "bin", "python"), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  });
  return join(folder, "bin", "python");
}

/** The folder with `node_modules` of an environment with the pinned packages of `packages-<name>.json`. */
export function environmentNode(name) {
  return environment(name, [`packages-${name}.json`], (place, [packages]) => {
    mkdirSync(place, { recursive: true });
    copyFileSync(packages, join(place, "package.json"));
    must("npm", ["install", "--prefix", place, "--no-audit", "--no-fund", "--loglevel=error"]);
  });
}

/** Every Node that package.json promises: major version → exact version. */
export const nodeVersions = JSON.parse(readFileSync(join(here, "..", "node", "versions.json"), "utf8"));

/** The folder with the program `node` of a version: the npm package node-<platform>-<processor> brings it. */
export function environmentNodeItself(version) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = environment(`node-${version}`, [join("..", "node", "versions.json")], (place, [list]) => {
    mkdirSync(place, { recursive: true });
    copyFileSync(list, join(place, "versions.json"));
    must("npm", ["install", "--prefix", place, "--no-audit", "--no-fund", "--loglevel=error", `${name}@${version}`]);
  });
  return join(folder, "node_modules", name, "bin");
}

/**
 * Environments are outside the checkout, named after the hash of what they were made from, and are kept between runs; a broken
 * install is never kept.
 */
export function environment(name, lists, make) {
  const pinned = lists.map((list) => join(here, list));
  const hash = createHash("sha256");
  for (const file of pinned) hash.update(readFileSync(file));
  const digest = hash.digest("hex").slice(0, 12);
  const folder = join(cache, `${name}-${digest}`);
  const done = join(folder, "complete");
  if (existsSync(done)) return folder;
  console.log(`   making the environment ${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  make(folder, pinned);
  writeFileSync(`${done}.part`, new Date().toISOString());
  renameSync(`${done}.part`, done);
  return folder;
}

/** What a program says on stdout; throws with all that it said where it fails. */
export function must(command, args, options = {}) {
  const made = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20, ...options });
  if (made.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with exit code ${made.status}\n${made.stdout}${made.stderr}`);
  return made.stdout;
}
