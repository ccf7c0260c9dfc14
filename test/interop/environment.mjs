import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "vggtool-interop");

/**
 * The Python of an environment with the pinned requirements of `requirements-<name>.txt`. Environments lie outside the checkout, named after
 * the hash of their requirements, and are kept between runs; a broken install is never kept.
 */
export function environmentPython(name) {
  const requirements = join(here, `requirements-${name}.txt`);
  const digest = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(cache, `${name}-${digest}`);
  const python = join(folder, "bin", "python");
  const done = join(folder, "complete");
  if (existsSync(done)) return python;
  console.log(`   making the environment ${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  must("python3", ["-m", "venv", folder]);
  must(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  writeFileSync(`${done}.part`, new Date().toISOString());
  renameSync(`${done}.part`, done);
  return python;
}

function must(command, args) {
  const made = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 });
  if (made.status !== 0) throw new Error(`${command} ${args.join(" ")} ended with exit code ${made.status}\n${made.stdout}${made.stderr}`);
}
