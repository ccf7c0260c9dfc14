/**
 * Completes package-lock.json with the optional packages of other platforms. A registry mirror that serves only this platform's makes
 * `npm install` leave the others out, and `npm ci` then refuses the lock anywhere. Entries need no more than a version, the
 * platform and the checksum that the registry states: npm skips those that do not fit. Addresses of registries are taken out.
 *
 *     npm install --package-lock-only --ignore-scripts && node scripts/complete-lock.mjs
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const systems = ["android", "darwin", "linux", "win32", "freebsd", "openbsd", "netbsd", "sunos", "aix", "openharmony"];
const processors = ["x64", "arm64", "ia32", "arm", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"];

/** What the usual naming of platform packages says: `@scope/name-linux-x64-musl`. */
function platform(name) {
  const parts = name.split(/[-/@.]/);
  const os = systems.filter((system) => parts.includes(system));
  const cpu = processors.filter((processor) => parts.includes(processor));
  const libc = parts.some((part) => part.startsWith("musl"))
    ? ["musl"]
    : parts.some((part) => part.startsWith("gnu")) && os[0] === "linux"
      ? ["glibc"]
      : [];
  return { ...(cpu.length > 0 ? { cpu } : {}), ...(os.length > 0 ? { os } : {}), ...(libc.length > 0 ? { libc } : {}) };
}

let added = 0;
for (const [parent, entry] of Object.entries(lock.packages)) {
  delete entry.resolved;
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`${parent}/node_modules/${name}`] !== undefined || lock.packages[`node_modules/${name}`] !== undefined) continue;
    const flags = { ...(entry.dev ? { dev: true } : {}), ...(entry.peer ? { peer: true } : {}) };
    lock.packages[`node_modules/${name}`] = { version: range.replace(/^[~^]/, ""), ...platform(name), ...flags, optional: true };
    added += 1;
  }
}
let sums = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  if (place === "" || entry.integrity !== undefined) continue;
  const name = place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);
  entry.integrity = execFileSync("npm", ["view", `${name}@${entry.version}`, "dist.integrity"], { encoding: "utf8" }).trim();
  if (!entry.integrity.startsWith("sha512-")) throw new Error(`${name}@${entry.version} has no sha512 in the registry`);
  sums += 1;
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages of other platforms added, ${sums} checksums`);
